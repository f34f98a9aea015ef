from pathlib import Path

import pytest

from keyhole.errors import DocumentErrors
from keyhole.policy import check, load_documents

from .conftest import POLICY, UPSTREAM, Write, document


def messages(folder: Path) -> list[str]:
    return [str(problem) for problem in check([folder])]


def test_documents_that_fit_have_no_problem(write: Write) -> None:
    assert messages(write(POLICY, UPSTREAM)) == []


def test_a_name_that_nothing_has_is_refused_with_the_nearest(write: Write, tmp_path: Path) -> None:
    (tmp_path / "ads.txt").write_text("ads.example.com\n")
    ads = document("List", "ads", "files: [ads.txt]")
    policy = document("Policy", "base", "upstreams: [oen]\nlists:\n  - adz")
    assert messages(write(policy, UPSTREAM, ads)) == [
        "0.yaml:5 Policy/base spec.upstreams[0]: there is no Upstream oen; did you mean one?",
        "0.yaml:7 Policy/base spec.lists[0]: there is no List adz; did you mean ads?",
        "1.yaml:3 Upstream/one metadata.name: no policy uses this upstream; add its name to "
        "spec.upstreams of a policy",
        "2.yaml:3 List/ads metadata.name: no policy uses this list; add its name to spec.lists of "
        "a policy, or the name of a policy to its spec.policies",
    ]


def test_a_document_that_is_not_valid_is_still_known_by_its_name(write: Write) -> None:
    broken = document("List", "ads", "files: []")
    policy = document("Policy", "base", "lists: [ads]")
    assert messages(write(policy, UPSTREAM, broken)) == [
        "2.yaml:4 List/ads spec: the list has no names; give files, urls or entries"
    ]


def test_two_documents_of_one_kind_and_name_are_refused(write: Write) -> None:
    assert messages(write(POLICY, UPSTREAM, UPSTREAM)) == [
        "2.yaml:1 Upstream/one metadata.name: Upstream/one is declared already at 1.yaml:1; give "
        "this one another name"
    ]


def test_at_least_one_policy_and_one_upstream_are_wanted(write: Write) -> None:
    assert messages(write("# nothing\n"))[:2] == [
        "there is no Policy, so every query would be refused; declare one",
        "there is no Upstream, so nothing can be answered; declare one",
    ]


def test_a_name_that_is_used_twice_is_refused(write: Write) -> None:
    policy = document("Policy", "base", "upstreams: {names: [one, one], timeout: 1s}")
    (problem,) = messages(write(policy, UPSTREAM))
    assert problem.endswith("spec.upstreams.names: one appears twice; name it once")


def test_what_a_single_file_lacks_is_advice_since_it_may_be_in_another(write: Write) -> None:
    policy = document("Policy", "base", "upstreams: [one]\nlists: [ads]")
    folder = write(policy, UPSTREAM)
    problems = check([folder / "0.yaml"])
    assert [problem.path for problem in problems] == [
        "",
        "spec.upstreams[0]",
        "spec.lists[0]",
    ]
    assert all(problem.is_advice for problem in problems)
    (problem,) = check([folder])
    assert (problem.path, problem.is_advice) == ("spec.lists[0]", False)


def test_a_file_beside_an_upstream_has_to_be_usable(write: Write, tmp_path: Path) -> None:
    upstream = UPSTREAM + "  ca: ca.pem\n  clientCertificate: {certificate: c.pem, key: k.pem}\n"
    folder = write(POLICY, upstream)
    problems = messages(folder)
    assert [problem.split(": ")[0].split()[-1] for problem in problems] == [
        "spec.ca",
        "spec.clientCertificate.certificate",
        "spec.clientCertificate.key",
    ]
    assert all("No such file" in problem for problem in problems)
    (tmp_path / "ca.pem").write_text("nothing")
    assert "ca.pem holds no certificate in PEM form" in messages(folder)[0]
    (tmp_path / "ca.pem").write_text("-----BEGIN PRIVATE KEY-----")
    assert "holds a private key" in messages(folder)[0]


def test_a_missing_list_file_is_reported_and_does_not_stop_a_running_keyhole(write: Write) -> None:
    ads = document("List", "ads", "files: [ads.txt]")
    folder = write(document("Policy", "base", "lists: [ads]"), UPSTREAM, ads)
    (problem,) = messages(folder)
    assert problem.endswith("/ads.txt is not there")
    documents, advice = load_documents([folder])
    assert [one.name for one in documents.lists] == ["ads"]
    assert advice == []


def test_loading_raises_everything_that_is_wrong_at_once(write: Write) -> None:
    policy = document("Policy", "base", "defualt: allow")
    with pytest.raises(DocumentErrors) as caught:
        load_documents([write(policy, UPSTREAM.replace("dot", "tcp"))])
    assert len(caught.value.problems) == 2
    assert str(caught.value).count("\n") == 1


def test_a_config_adds_its_documents_and_its_own_names(write: Write, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    config = tmp_path / "keyhole.yaml"
    config.write_text("documents: docs\ntls: {names: [dns.example.net]}\nrole: x\n")
    (problem,) = check([config])
    assert str(problem).startswith("keyhole.yaml:3 role: x is not valid here")
    config.write_text("documents: docs\ntls: {names: [dns.example.net]}\n")
    (tmp_path / "docs" / "a.yaml").write_text(
        document("Policy", "base", "rules:\n  - block: [dns.example.net]") + "---\n" + UPSTREAM
    )
    (problem,) = check([config])
    assert "dns.example.net blocks dns.example.net, a name of this Keyhole" in problem.why


def test_an_expression_with_capital_letters_is_advised_against(write: Write) -> None:
    policy = document("Policy", "base", "rules:\n  - block: ['/^Ads/']")
    (problem,) = check([write(policy, UPSTREAM)])
    assert problem.is_advice
    assert problem.path == "spec.rules[0].block[0]"
