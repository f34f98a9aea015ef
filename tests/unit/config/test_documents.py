from pathlib import Path

from keyhole.config import read_documents, read_text_documents
from keyhole.model.document_file import DocumentFile

UPSTREAM = """\
apiVersion: keyhole.dev/v1
kind: Upstream
metadata: {name: NAME}
spec: {protocol: dot, addresses: [192.0.2.1], serverName: dns.example.org}
"""


def problems_of(text: str) -> list[str]:
    _, problems = read_text_documents(text, "a.yaml", Path("/nowhere"))
    return [str(problem) for problem in problems]


def test_documents_come_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(UPSTREAM.replace("NAME", "third"))
    pair = UPSTREAM.replace("NAME", "first") + "---\n" + UPSTREAM.replace("NAME", "second")
    (tmp_path / "a.yaml").write_text(pair)
    documents, problems = read_documents([tmp_path])
    assert problems == []
    assert [one.name for one in documents.upstreams] == ["first", "second", "third"]
    assert documents.upstreams[1].origin() == "a.yaml:6 Upstream/second"
    assert documents.upstreams[1].origin("spec", "addresses", 0) == (
        "a.yaml:9 Upstream/second spec.addresses[0]"
    )


def test_an_unknown_kind_or_version_is_answered_with_the_nearest() -> None:
    wrong = UPSTREAM.replace("NAME", "a")
    assert problems_of(wrong.replace("kind: Upstream", "kind: Upstraem")) == [
        "a.yaml:2 kind: there is no kind Upstraem; did you mean Upstream?"
    ]
    assert problems_of(wrong.replace("dev/v1", "dev/v2")) == [
        "a.yaml:1 Upstream apiVersion: the version keyhole.dev/v2 is not known here; "
        "write apiVersion: keyhole.dev/v1"
    ]
    assert problems_of("- a\n") == [
        "a.yaml:1: a document has the keys apiVersion, kind, metadata and spec"
    ]


def test_all_problems_are_reported_at_once_with_line_and_path() -> None:
    text = """\
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: Base}
spec:
  defualt: allow
  rules:
    - allow: ["a b"]
      types: [AAA]
    - {}
    - block: ["*.example.org"]
      answer: nxdomian
      important: yes
  upstreams: {names: [a], hedge: 1h}
  lists: ads
---
apiVersion: keyhole.dev/v1
kind: Record
spec: {name: nas.example.org, ttl: 8d}
"""
    assert problems_of(text) == [
        "a.yaml:3 Policy/Base metadata.name: Base is not a name for a document; use lower-case "
        "letters, digits, - and . inside, at most 63 characters",
        "a.yaml:13 Policy/Base spec.upstreams.hedge: 1h is out of range; give something from 10ms "
        "to 10s",
        "a.yaml:7 Policy/Base spec.rules[0].allow[0]: 'a b' has a space in it; give each name an "
        "entry of its own",
        "a.yaml:8 Policy/Base spec.rules[0].types[0]: AAA is not a record type; did you mean AAAA?",
        "a.yaml:9 Policy/Base spec.rules[1]: the rule does nothing; give allow or block, with "
        "names",
        "a.yaml:11 Policy/Base spec.rules[2].answer: nxdomian is not an answer; give nxdomain, "
        "nodata, refused, null (0.0.0.0 and ::) or an IP address; did you mean nxdomain?",
        "a.yaml:12 Policy/Base spec.rules[2].important: yes is neither true nor false",
        "a.yaml:14 Policy/Base spec.lists: keys with values are wanted here",
        "a.yaml:5 Policy/Base spec.defualt: there is no key defualt here; did you mean default?",
        "a.yaml:16 Record metadata: the key metadata is missing: the name of the document",
        "a.yaml:18 Record spec.ttl: 8d is out of range; give something from 0s to 7d",
    ]


def test_a_file_without_documents_is_advice_and_not_an_error() -> None:
    _, problems = read_text_documents("# nothing\n---\n", "a.yaml", Path("/nowhere"))
    assert [problem.is_advice for problem in problems] == [True]


def test_null_without_quotes_is_an_answer_too() -> None:
    text = """\
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: base}
spec:
  rules:
    - {block: [a.example], answer: null}
    - {block: [b.example], answer: "null"}
    - {block: [c.example], answer: 192.0.2.1}
"""
    documents, problems = read_text_documents(text, "a.yaml", Path("/nowhere"))
    assert problems == []
    rules = documents.policies[0].spec.rules
    assert [rule.answer for rule in rules] == ["null", "null", "192.0.2.1"]


def test_a_path_in_a_document_starts_in_the_folder_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.yaml").write_text(UPSTREAM.replace("NAME", "a"))
    documents, _ = read_documents([tmp_path])
    assert (
        documents.upstreams[0].path_of(DocumentFile("../ca.pem")) == tmp_path.resolve() / "ca.pem"
    )
    assert documents.upstreams[0].path_of(DocumentFile("/etc/ca.pem")) == Path("/etc/ca.pem")
