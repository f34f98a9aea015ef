"""Queries as dnstap, read by an independent reader and by Debian's dnstap."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import pytest

from keyhole.engine import catalogue
from keyhole.querylog.dnstap import FileOutput, Messages, ReasonInfo
from keyhole.querylog.entry import LogEntry, read_line
from tests.world.dnstap import decode, read_stream

REASONS = {row["word"]: ReasonInfo(row["rcode"], row["stage"]) for row in catalogue()["reasons"]}
MESSAGES = Messages("resolver-1", "keyhole 0", REASONS)


def entry(**changes: Any) -> LogEntry:
    line = {
        "time": "2026-11-25T22:00:00.123456Z", "transport": "dot", "client": "192.0.2.7",
        "identity": None, "token": None, "policy": "home", "name": "www.example.org",
        "type": "AAAA", "outcome": "answered", "reason": "forwarded", "rule": None, "list": None,
        "observed": None, "upstream": "quad9", "duration_us": 2_500, "snapshot": 3, **changes,
    }  # fmt: skip
    read = read_line(json.dumps(line).encode())
    assert isinstance(read, LogEntry)
    return read


def messages(**changes: Any) -> list[dict[str, Any]]:
    return [decode(one) for one in MESSAGES.of(entry(**changes))]


def test_a_query_becomes_a_question_and_an_answer_with_their_times() -> None:
    query, response = messages()
    assert (query["identity"], query["version"], query["type"]) == (b"resolver-1", b"keyhole 0", 1)
    asked, answered = query["message"], response["message"]
    assert (asked["type"], answered["type"]) == (5, 6)
    assert (asked["socket_family"], asked["socket_protocol"]) == (1, 3)
    assert asked["query_address"] == bytes([192, 0, 2, 7])
    assert (asked["query_time_sec"], asked["query_time_nsec"]) == (1_795_644_000, 123_456_000)
    assert answered["response_time_sec"] == 1_795_644_000
    assert answered["response_time_nsec"] == 125_956_000
    read = dns.message.from_wire(asked["query_message"])
    assert str(read.question[0]) == "www.example.org. IN AAAA"
    assert "response_message" not in answered, "answers are not logged"


def test_an_answer_whose_code_is_known_is_told_by_its_header() -> None:
    _, response = messages(outcome="blocked", reason="denied_by_default", upstream=None)
    read = dns.message.from_wire(response["message"]["response_message"])
    assert (read.rcode(), len(read.answer)) == (dns.rcode.REFUSED, 0)


def test_alike_queries_of_one_entry_have_a_message_each() -> None:
    alike = messages(count=3)
    assert [one["message"]["type"] for one in alike] == [5, 6] * 3
    assert alike == messages() * 3
    assert len(messages(name=None, type=None, reason="malformed", count=3)) == 2


def test_a_refused_handshake_is_no_query() -> None:
    nothing = {"name": None, "type": None, "policy": None, "upstream": None}
    assert messages(outcome="refused", reason="certificate_untrusted", **nothing) == []
    assert len(messages(outcome="refused", reason="bad_version", **nothing)) == 2


NAME = b"\3www\7example\3org\0"
TARGET = {"reason": "blocked_target", "target": "ads.example"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"reason": "blocked_by_list", "list": "ads", "answer": "nxdomain"}, (b"ads", 1, 1, NAME)),
        ({"reason": "blocked_by_rule", "rule": "r", "answer": "nodata"}, (b"r", 2, 1, NAME)),
        ({"reason": "blocked_by_rule", "rule": "r", "answer": "null"}, (b"r", 6, 1, NAME)),
        ({"reason": "blocked_by_rule", "rule": "r", "answer": "address"}, (b"r", 6, 1, NAME)),
        ({"reason": "blocked_by_rule", "rule": "r", "answer": "refused"}, (b"r", None, 1, NAME)),
        ({"reason": "blocked_by_rule", "rule": "before answers were kept"}, (None, None, 1, NAME)),
        ({**TARGET, "list": "ads", "answer": "nxdomain"}, (b"ads", 1, 1, b"\3ads\7example\0")),
        ({"reason": "private_address", "answer": "nodata"}, (b"private_address", 2, 3, None)),
        (
            {"reason": "denied_by_default", "answer": "refused"},
            (b"denied_by_default", None, 1, NAME),
        ),
    ],
)
def test_a_blocked_query_names_rule_action_and_match(
    changes: dict[str, Any], told: tuple[bytes | None, int | None, int, bytes | None]
) -> None:
    _, response = messages(outcome="blocked", upstream=None, **changes)
    policy = response["message"]["policy"]
    assert policy["type"] == b"keyhole"
    rule = told[0] or changes["rule"].encode()
    found = (policy["rule"], policy.get("action"), policy["match"], policy.get("value"))
    assert found == (rule, *told[1:])
    assert json.loads(response["extra"]).get("answer") == changes.get("answer")


def test_what_a_rule_allows_passes_and_a_local_record_is_local_data() -> None:
    _, allowed = messages(rule="policy.yaml:7 Policy/home spec.rules[0]")
    expected = {"type": b"keyhole", "rule": b"policy.yaml:7 Policy/home spec.rules[0]"}
    assert allowed["message"]["policy"] == {**expected, "action": 3, "match": 1, "value": NAME}
    told = json.loads(allowed["extra"])
    assert (told["reason"], told["upstream"]) == ("forwarded", "quad9")
    _, local = messages(reason="local_record", upstream=None)
    expected = {"type": b"keyhole", "rule": b"local_record"}
    assert local["message"]["policy"] == {**expected, "action": 6, "match": 1, "value": NAME}


def test_a_client_that_is_turned_away_is_told_by_its_address_or_not_at_all() -> None:
    nothing = {"outcome": "refused", "policy": None, "upstream": None}
    _, network = messages(reason="network_not_served", **nothing)
    expected = {"type": b"keyhole", "rule": b"network_not_served", "match": 2}
    assert network["message"]["policy"] == {**expected, "value": bytes([192, 0, 2, 7])}
    _, token = messages(reason="unknown_token", **nothing)
    assert token["message"]["policy"] == {"type": b"keyhole", "rule": b"unknown_token"}


def test_what_no_rule_decided_has_no_policy() -> None:
    for changes in ({}, {"outcome": "refused", "reason": "type_not_served"}):
        _, response = messages(**changes)
        assert "policy" not in response["message"]


def test_the_version_of_tls_is_told() -> None:
    _, response = messages(tls="1.3", upstream_tls="1.2")
    told = json.loads(response["extra"])
    assert (told["tls"], told["upstream_tls"]) == ("1.3", "1.2")


def test_an_anonymous_query_has_no_address_and_nobody() -> None:
    for one in messages(client=None):
        assert "query_address" not in one["message"]
        assert "socket_family" not in one["message"]
        assert not {"identity", "token"} & json.loads(one.get("extra", b"{}")).keys()


def test_ipv6_hostile_names_unknown_types_and_messages_without_a_question_are_written() -> None:
    asked = messages(client="2001:db8::1", name="a\\000b\\.c.example", type="TYPE65280")[0]
    assert (asked["message"]["socket_family"], len(asked["message"]["query_address"])) == (2, 16)
    read = dns.message.from_wire(asked["message"]["query_message"])
    assert (read.question[0].name.labels[0], read.question[0].rdtype) == (b"a\0b.c", 65280)
    assert "query_message" not in messages(name=None, type=None)[0]["message"]
    root = messages(name=".", type="NS")[0]
    assert str(dns.message.from_wire(root["message"]["query_message"]).question[0]) == ". IN NS"


def test_what_was_dropped_has_no_answer() -> None:
    assert len(messages(outcome="dropped", reason="unparseable", name=None, type=None)) == 1


def test_a_file_is_one_stream_and_its_older_half_another(tmp_path: Path) -> None:
    path = tmp_path / "log" / "queries.dnstap"
    out = FileOutput(path, 4_096)
    for _ in range(20):
        out.write(MESSAGES.of(entry()))
    out.close()
    older = path.with_name("queries.dnstap.1")
    assert path.stat().st_mode & 0o777 == 0o600
    for one in (path, older):
        payloads, has_ended = read_stream(one.read_bytes())
        assert payloads
        assert has_ended
        assert one.stat().st_size <= 2_048
    FileOutput(path, 4_096).write(MESSAGES.of(entry()))
    payloads, has_ended = read_stream(path.read_bytes())
    assert (len(payloads), has_ended) == (2, False), "a new stream, not yet ended"


@pytest.mark.skipif(shutil.which("dnstap") is None, reason="needs dnstap")
def test_debians_dnstap_reads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "queries.dnstap"
    out = FileOutput(path, 1 << 20)
    out.write(MESSAGES.of(entry()))
    out.write(MESSAGES.of(entry(outcome="blocked", reason="denied_by_default", client=None)))
    out.close()
    ran = subprocess.run(
        ["dnstap", "-r", str(path), "-y"], capture_output=True, text=True, timeout=30, check=True
    )
    assert ran.stdout.count("CLIENT_QUERY") == ran.stdout.count("CLIENT_RESPONSE") == 2
    assert "www.example.org." in ran.stdout
    assert "192.0.2.7" in ran.stdout
