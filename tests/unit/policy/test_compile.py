from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyhole.config import read_text_documents
from keyhole.model.record import character_strings
from keyhole.model.snapshot import ListFile, Snapshot
from keyhole.policy import Compiled, compile_documents, lists_in_use, load_documents

from .conftest import POLICY, UPSTREAM, Write, document

FILE = ListFile(path="/var/lib/keyhole/state/lists.khl", sha256="0" * 64)


def compiled(*texts: str, number: int = 1) -> Compiled:
    documents, problems = read_text_documents("---\n".join(texts), "a.yaml", Path("/nowhere"))
    assert problems == []
    return compile_documents(documents, number, FILE)


def test_equal_documents_give_equal_bytes_apart_from_the_number() -> None:
    first, again = compiled(POLICY, UPSTREAM), compiled(POLICY, UPSTREAM)
    assert first.snapshot.to_json() == again.snapshot.to_json()
    later = compiled(POLICY, UPSTREAM, number=2).snapshot
    assert later.model_copy(update={"number": 1}) == first.snapshot


def test_a_snapshot_reads_back_from_its_bytes() -> None:
    rules = "rules:\n  - block: ['/a/', b.example, '*.c.example']\n    answer: 192.0.2.1"
    snapshot = compiled(document("Policy", "base", rules), UPSTREAM).snapshot
    assert Snapshot.model_validate_json(snapshot.to_json()) == snapshot


def test_a_policy_that_names_no_upstream_asks_all_in_the_order_of_documents() -> None:
    second = UPSTREAM.replace("name: one", "name: two")
    (only,) = compiled(POLICY, second, UPSTREAM).snapshot.upstream_sets
    assert (only.upstreams, only.hedge_ms, only.timeout_ms) == ([0, 1], 300, 2000)
    named = document("Policy", "base", "upstreams: {names: [one, two], hedge: 1s, timeout: 3s}")
    (only,) = compiled(named, second, UPSTREAM).snapshot.upstream_sets
    assert (only.upstreams, only.hedge_ms, only.timeout_ms) == ([1, 0], 1000, 3000)


def test_only_lists_in_use_are_in_the_snapshot_and_keep_the_order_of_documents() -> None:
    lists = [document("List", name, f"files: [{name}.txt]") for name in ("a", "b", "c")]
    policy = document("Policy", "base", "lists: {names: [c, a], answer: refused, mode: observe}")
    snapshot = compiled(policy, UPSTREAM, *lists).snapshot
    assert [one.name for one in snapshot.lists] == ["a", "c"]
    assert snapshot.policies[0].lists == [1, 0]
    assert snapshot.policies[0].list_answer.text == "refused"
    assert snapshot.policies[0].list_mode == "observe"
    assert snapshot.list_file == FILE


def test_without_lists_in_use_there_is_no_list_file() -> None:
    unused = document("List", "a", "files: [a.txt]")
    assert compiled(POLICY, UPSTREAM, unused).snapshot.list_file is None


def test_lists_in_use_have_to_be_compiled_first() -> None:
    texts = document("Policy", "base", "lists: [a]"), UPSTREAM, document("List", "a", "files: [a]")
    documents, _ = read_text_documents("---\n".join(texts), "a.yaml", Path("/nowhere"))
    assert [one.name for one in lists_in_use(documents)] == ["a"]
    with pytest.raises(ValueError, match="compiled first"):
        compile_documents(documents, 1)


def test_every_rule_and_record_knows_where_it_was_declared() -> None:
    policy = document("Policy", "base", "rules:\n  - allow: [a.example]\n  - block: [b.example]")
    record = document("Record", "nas", "name: nas.example.org\na: [192.0.2.1]\naaaa: 2001:db8::1")
    snapshot = compiled(policy, UPSTREAM, record).snapshot
    assert [rule.origin for rule in snapshot.policies[0].rules] == [
        "a.yaml:6 Policy/base spec.rules[0]",
        "a.yaml:7 Policy/base spec.rules[1]",
    ]
    assert [one.origin for one in snapshot.records] == ["a.yaml:17 Record/nas"] * 2
    assert [one.data.model_dump() for one in snapshot.records] == [
        {"a": "192.0.2.1"},
        {"aaaa": "2001:db8::1"},
    ]


def test_an_address_stands_for_its_reverse_name() -> None:
    record = document("Record", "nas", "name: 192.0.2.7\nptr: NAS.example.org.")
    (one,) = compiled(POLICY, UPSTREAM, record).snapshot.records
    assert one.name == "7.2.0.192.in-addr.arpa"
    assert one.data.model_dump() == {"ptr": "nas.example.org"}


@given(st.text(max_size=900))
def test_a_long_text_becomes_whole_character_strings_of_legal_size(text: str) -> None:
    strings = character_strings(text)
    assert "".join(strings) == text
    assert all(len(string.encode()) <= 255 for string in strings)


def test_the_client_certificate_of_an_upstream_is_an_identity_by_its_own_name() -> None:
    upstream = UPSTREAM + "  clientCertificate: {certificate: c.pem, key: k.pem}\n"
    result = compiled(POLICY, upstream)
    assert result.snapshot.upstreams[0].client_identity == "upstream-one"
    assert result.identities == {"upstream-one": (Path("/nowhere/c.pem"), Path("/nowhere/k.pem"))}


def test_ports_and_paths_that_were_left_out_are_resolved_by_protocol() -> None:
    doh = UPSTREAM.replace("dot", "doh").replace("192.0.2.1", "192.0.2.1, '[2001:db8::1]:8443'")
    (upstream,) = compiled(POLICY, doh).snapshot.upstreams
    assert upstream.addresses == ["192.0.2.1:443", "[2001:db8::1]:8443"]
    assert upstream.path == "/dns-query"
    (upstream,) = compiled(POLICY, UPSTREAM).snapshot.upstreams
    assert upstream.addresses == ["192.0.2.1:853"]
    assert upstream.path == ""


def test_what_is_loaded_from_a_folder_compiles(write: Write) -> None:
    documents, advice = load_documents([write(POLICY, UPSTREAM)])
    assert advice == []
    assert compile_documents(documents, 7).snapshot.number == 7
