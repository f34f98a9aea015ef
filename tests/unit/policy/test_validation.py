"""DNSSEC validation in documents: what is written, and what engines get of it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from keyhole.config import read_documents
from keyhole.model.snapshot import Snapshot
from keyhole.policy import compile_documents, cross_check
from keyhole.policy.trust_anchors import ROOT_ANCHORS

from .conftest import UPSTREAM, Write, document

DIGEST = "ab" * 32
CORP = UPSTREAM.replace("name: one", "name: corp").rstrip() + "\n  domains: [corp.example]\n"


def _snapshot(folder: Path) -> Snapshot:
    documents, problems = read_documents([folder])
    assert problems == []
    return compile_documents(documents, 1).snapshot


def _policy(validate: str, name: str = "base") -> str:
    return document("Policy", name, f"upstreams: {{names: [one, corp], validate: {validate}}}")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("off", None),
        ("log", "log"),
        ("on", "on"),
        ('"on"', "on"),
        # As kubectl sends the bare words.
        ("true", "on"),
        ("false", None),
        ("{mode: on}", "on"),
        ("{mode: true}", "on"),
        ("{}", None),
    ],
)
def test_one_word_says_whether_answers_are_validated(
    tmp_path: Path, write: Write, written: str, expected: str | None
) -> None:
    write(_policy(written), UPSTREAM, CORP)
    general = _snapshot(tmp_path).upstream_sets[0].validation
    assert (None if general is None else general.mode) == expected
    assert general is None or general.anchors == list(ROOT_ANCHORS)


def test_names_of_a_domain_are_validated_by_an_anchor_of_their_own_alone(
    tmp_path: Path, write: Write
) -> None:
    write(_policy("{mode: on, anchors: keys.txt}"), UPSTREAM, CORP)
    for records, expected in {
        f". IN DS 20326 8 2 {DIGEST}": None,
        f". DS 20326 8 2 {DIGEST}\nother.example. 60 IN DS 1 13 2 {DIGEST}": None,
        f". DS 20326 8 2 {DIGEST}\nCorp.example. 60 IN DS 1 13 2 {DIGEST}": "corp.example",
        f". DS 20326 8 2 {DIGEST}\na.corp.example. IN DS 1 13 2 {DIGEST}": "a.corp.example",
        f". DS 20326 8 2 {DIGEST}\nexample. IN DS 1 13 2 {DIGEST} ; why": "example",
    }.items():
        # The file alone changes.
        (tmp_path / "keys.txt").write_text(records + "\n")
        snapshot = _snapshot(tmp_path)
        general = snapshot.upstream_sets[snapshot.policies[0].upstream_set].validation
        corp = snapshot.upstream_sets[snapshot.policies[0].domains[0].upstream_set].validation
        assert general is not None, records
        assert general.anchors[0].digest == DIGEST, records
        assert corp is not None, "AD of its upstreams counts for nothing either"
        assert corp.mode == "on"
        assert [one.name for one in corp.anchors] == ([expected] if expected else []), records


def test_a_file_of_one_key_without_the_root_leaves_the_keys_of_the_root_in_force(
    tmp_path: Path, write: Write
) -> None:
    # RFC 8080 section 6.1.
    key = "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="
    (tmp_path / "keys.txt").write_text(f"example.com. 3600 IN DNSKEY {key}\n")
    write(_policy("{mode: log, anchors: keys.txt}"), UPSTREAM, CORP)
    validation = _snapshot(tmp_path).upstream_sets[0].validation
    assert validation is not None
    *root, only = validation.anchors
    assert root == list(ROOT_ANCHORS), "all other names are validated as before"
    assert (only.name, only.tag, only.algorithm, only.digest_type) == ("example.com", 3613, 15, 2)
    assert only.digest == "3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b"


def test_policies_that_validate_otherwise_share_no_upstream_set(
    tmp_path: Path, write: Write
) -> None:
    until = "{domain: broken.example, reason: theirs, until: 2099-03-31}"
    others = {
        "a": "on",
        "b": "on",
        "c": "log",
        "d": "off",
        "e": f"{{mode: on, exempt: [{until}]}}",
    }
    policies = [
        _policy(written, name).rstrip() + f"\n  subjects: [cidr:10.0.{number}.0/24]\n"
        for number, (name, written) in enumerate(others.items())
    ]
    write(*policies, UPSTREAM, CORP)
    snapshot = _snapshot(tmp_path)
    general = [one.upstream_set for one in snapshot.policies]
    assert general[0] == general[1]
    assert len(set(general)) == 4
    # Nobody vouches for names of a domain where validation acts; elsewhere its upstreams do.
    private = [one.domains[0].upstream_set for one in snapshot.policies]
    assert private[0] == private[1] == private[4]
    assert private[2] == private[3] != private[0]
    vouched_by_nobody = snapshot.upstream_sets[private[0]].validation
    assert vouched_by_nobody is not None
    assert (vouched_by_nobody.mode, vouched_by_nobody.anchors) == ("on", [])
    assert snapshot.upstream_sets[private[2]].validation is None
    last = snapshot.upstream_sets[general[-1]].validation
    assert last is not None
    assert last.exempt[0].until == datetime(2099, 3, 31, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("written", "records", "why"),
    [
        ("maybe", "", "valid are off, log, on"),
        ("{mode: on, exempt: [{domain: ., reason: x, until: 2099-01-01}]}", "", "validate: off"),
        ("{mode: on, exempt: [{domain: a.example, until: 2099-01-01}]}", "", "reason"),
        ("{mode: on, exempt: [{domain: a.example, reason: x, until: soon}]}", "", "not a day"),
        (
            "{mode: on, exempt: [{domain: a.example, reason: x, until: 2020-01-01}]}",
            "",
            "the exception for a.example ended on 2020-01-01",
        ),
        ("{mode: on, anchors: gone.txt}", "", "cannot read"),
        ("{mode: on, anchors: keys.txt}", "; nothing\n", "has no records"),
        ("{mode: on, anchors: keys.txt}", ". DS what\n", "not in the form of a zone file"),
        ("{mode: on, anchors: keys.txt}", ". A 192.0.2.1\n", "anchors are DS or DNSKEY"),
        ("{mode: on, anchors: keys.txt}", ". DS 1 8 9 abcd\n", "use SHA-256"),
    ],
)
def test_what_cannot_be_used_is_told_where_it_stands(
    tmp_path: Path, write: Write, written: str, records: str, why: str
) -> None:
    (tmp_path / "keys.txt").write_text(records)
    write(_policy(written), UPSTREAM, CORP)
    documents, problems = read_documents([tmp_path])
    found = [*problems, *(cross_check(documents) if not problems else ())]
    texts = [str(one) for one in found if "validate" in one.path]
    assert any(why in text for text in texts), found


def test_the_keys_of_the_root_do_not_count_towards_the_limit_of_a_file(
    tmp_path: Path, write: Write
) -> None:
    write(_policy("{mode: on, anchors: keys.txt}"), UPSTREAM, CORP)
    records = [f"n{number}.example. IN DS {number} 8 2 {DIGEST}\n" for number in range(101)]
    (tmp_path / "keys.txt").write_text("".join(records[:100]))
    validation = _snapshot(tmp_path).upstream_sets[0].validation
    assert validation is not None
    assert len(validation.anchors) == 102
    (tmp_path / "keys.txt").write_text("".join(records))
    documents, _ = read_documents([tmp_path])
    assert any("has 101 records; at most 100" in str(one) for one in cross_check(documents))
