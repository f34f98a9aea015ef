"""Included rules come after a policy's own rules, and the snapshot is flat."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from keyhole.config import read_text_documents
from keyhole.model.snapshot import ListFile, SnapshotPolicy
from keyhole.policy import check, compile_documents, cross_check, lists_in_use

from .conftest import POLICY, UPSTREAM, Write, document

FILE = ListFile(path="/var/lib/keyhole/state/lists.khl", sha256="0" * 64)


def policy(name: str, include: str = "", *, block: str = "", more: str = "") -> str:
    spec = f"subjects: [client:{name}]\ninclude: [{include}]"
    spec += f"\nrules:\n  - block: [{block}.example]" if block else ""
    return document("Policy", name, f"{spec}\n{more}".rstrip())


def compiled(*texts: str) -> dict[str, SnapshotPolicy]:
    documents, problems = read_text_documents("---\n".join(texts), "a.yaml", Path("/nowhere"))
    assert problems == []
    snapshot = compile_documents(documents, 1, FILE if lists_in_use(documents) else None).snapshot
    return {one.name: one for one in snapshot.policies}


def blocked(one: SnapshotPolicy) -> list[str]:
    return [match.text.removesuffix(".example") for rule in one.rules for match in rule.matches]


def messages(*texts: str) -> list[str]:
    documents, problems = read_text_documents("---\n".join(texts), "a.yaml", Path("/nowhere"))
    problems += cross_check(documents)
    return [f"{one.document} {one.path}: {one.why}" for one in sorted(set(problems))]


def test_own_rules_come_first_and_included_ones_in_the_order_of_the_names() -> None:
    found = compiled(
        policy("a", "b, c", block="a"),
        policy("b", "d", block="b"),
        policy("c", block="c"),
        policy("d", block="d"),
        UPSTREAM,
    )
    assert blocked(found["a"]) == ["a", "b", "d", "c"]
    assert blocked(found["b"]) == ["b", "d"]
    assert blocked(found["d"]) == ["d"]


def test_a_policy_that_is_included_by_two_paths_counts_once() -> None:
    found = compiled(
        policy("a", "b, c", block="a"),
        policy("b", "d", block="b"),
        policy("c", "d", block="c"),
        policy("d", block="d"),
        UPSTREAM,
    )
    assert blocked(found["a"]) == ["a", "b", "d", "c"]


def test_an_included_rule_keeps_its_own_place() -> None:
    found = compiled(policy("a", "b"), policy("b", block="b"), UPSTREAM)
    (rule,) = found["a"].rules
    assert rule.origin == "a.yaml:15 Policy/b spec.rules[0]"


def test_lists_are_united_and_the_including_policy_decides_their_effect() -> None:
    lists = [document("List", name, f"files: [{name}.txt]") for name in ("x", "y", "z")]
    found = compiled(
        policy("a", "b", more="lists: {names: [z], answer: refused}\nprivateAddresses: allow"),
        policy("b", more="default: allow\nlists: {names: [x, z], mode: observe}\nmode: observe"),
        UPSTREAM,
        *lists,
    )
    # Ids are places among the lists in use: x, z.
    assert found["a"].lists == [1, 0]
    assert found["a"].list_answer.text == "refused"
    assert (found["a"].list_mode, found["a"].mode) == ("enforce", "enforce")
    assert (found["a"].default, found["a"].private_addresses) == ("deny", "allow")
    assert (found["b"].list_mode, found["b"].mode) == ("observe", "observe")


def test_a_policy_for_nobody_is_only_included_and_not_in_the_snapshot() -> None:
    base = document("Policy", "base", "subjects: []\nrules:\n  - block: [base.example]")
    found = compiled(policy("a", "base"), base, UPSTREAM)
    assert set(found) == {"a"}
    assert blocked(found["a"]) == ["base"]


def test_policies_that_include_each_other_are_refused_each_with_the_path() -> None:
    problems = messages(
        policy("a", "b"), policy("b", "c"), policy("c", "a"), policy("d", "a"), UPSTREAM
    )
    circles = [one for one in problems if "include each other" in one]
    assert circles == [
        "Policy/a spec.include[0]: the policies include each other: a -> b -> c -> a",
        "Policy/b spec.include[0]: the policies include each other: b -> c -> a -> b",
        "Policy/c spec.include[0]: the policies include each other: c -> a -> b -> c",
    ]
    assert any("a -> a" in one for one in messages(policy("a", "a"), UPSTREAM))


def test_an_included_policy_has_to_exist() -> None:
    problems = messages(POLICY, document("Policy", "a", "subjects: []\ninclude: [bose]"), UPSTREAM)
    assert "Policy/a spec.include[0]: there is no Policy bose; did you mean base?" in problems


def test_a_policy_for_nobody_that_nobody_includes_is_advised_against(write: Write) -> None:
    (problem,) = check([write(POLICY, UPSTREAM, document("Policy", "a", "subjects: []"))])
    assert problem.is_advice
    assert problem.why.startswith("it applies to nobody and no policy includes it")


def test_a_list_that_only_an_included_policy_names_is_in_use(write: Write, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("a.example\n")
    texts = [
        document("Policy", "base", "include: [more]"),
        document("Policy", "more", "subjects: []\nlists: [x]"),
        document("List", "x", "files: [x.txt]"),
    ]
    assert check([write(*texts, UPSTREAM)]) == []


def test_an_included_policy_may_not_block_a_name_that_keyhole_needs(
    write: Write,
) -> None:
    blocks = "subjects: []\nrules:\n  - block: [dns.example.org]"
    folder = write(
        document("Policy", "base", "include: [more]"), document("Policy", "more", blocks), UPSTREAM
    )
    (problem,) = check([folder])
    assert (problem.document, problem.path) == ("Policy/more", "spec.rules[0].block[0]")
    allows = "include: [more]\nrules:\n  - allow: [dns.example.org]"
    (folder / "0.yaml").write_text(document("Policy", "base", allows))
    assert check([folder]) == []
    only_sometimes = allows + "\n    when: {days: [mon], timezone: UTC}"
    (folder / "0.yaml").write_text(document("Policy", "base", only_sometimes))
    assert len(check([folder])) == 1


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef")), min_size=1))
def test_whatever_includes_what_compiling_ends_and_each_policy_counts_once(
    includes: dict[str, set[str]],
) -> None:
    texts = [
        policy(name, ", ".join(sorted(others)), block=name) for name, others in includes.items()
    ]
    for name, one in compiled(*texts, UPSTREAM).items():
        reached, waiting = {name}, [name]
        while waiting:
            new = (includes.get(waiting.pop(), set()) & set(includes)) - reached
            reached |= new
            waiting += new
        assert blocked(one)[0] == name
        assert sorted(blocked(one)) == sorted(reached)


def test_a_list_may_name_the_policies_that_use_it_and_included_ones_have_it_too() -> None:
    listed = document("List", "ads", "urls: [https://a.example/]\npolicies: [b]")
    named = document("List", "own", "urls: [https://b.example/]\npolicies: [a, b]")
    texts = (policy("a", "b", more="lists: [own]"), policy("b"), policy("c"), listed, named)
    found = compiled(*texts, UPSTREAM)
    assert {name: one.lists for name, one in found.items()} == {"a": [1, 0], "b": [0, 1], "c": []}
    assert not [one for one in messages(*texts, UPSTREAM) if one.startswith("List/")]


def test_a_list_that_names_a_policy_that_does_not_exist_is_an_error() -> None:
    one = document("List", "ads", "urls: [https://a.example/]\npolicies: [bb]")
    found = messages(policy("b"), one, UPSTREAM)
    assert "List/ads spec.policies[0]: there is no Policy bb; did you mean b?" in found
    assert [one for one in found if one.startswith("List/ads metadata.name: no policy uses")]
