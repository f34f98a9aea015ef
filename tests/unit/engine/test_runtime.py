"""The typed interface to the native core."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode
import pytest

from keyhole.engine import Refusal, Runtime, catalogue, explain, judge
from keyhole.engine.runtime import EventBatch
from tests.world.waiting import PATIENCE

GOLDEN = Path(__file__).parents[2] / "contract" / "golden"


def options(**listen: list[str]) -> dict[str, Any]:
    """The golden options with these listeners and no others."""
    document: dict[str, Any] = json.loads((GOLDEN / "options.json").read_text())
    none: dict[str, list[str]] = {
        "udp": [],
        "tcp": [],
        "dot": [],
        "doh": [],
        "doh_cleartext": [],
        "mesh": [],
    }
    document["listen"] = {**none, **listen, "doh_path": "/dns-query"}
    document["clients"] = ["127.0.0.0/8"]
    document["workers"] = 1
    return document


def snapshot(number: int, **changes: object) -> bytes:
    """A snapshot with one rule; its only upstream is never reached."""
    rule = {
        "action": "block",
        "matches": [{"below": "ads.example.org"}],
        "types": [],
        "answer": "nxdomain",
        "mode": "enforce",
        "when": None,
        "important": False,
        "during": None,
        "decision": False,
        "origin": "policy.yaml:7 Policy/home spec.rules[0]",
    }
    policy = {
        "name": "home",
        "mode": "enforce",
        "log": "full",
        "default": "allow",
        "rules": [rule],
        "lists": [],
        "list_answer": "nxdomain",
        "list_mode": "enforce",
        "paused": None,
        "private_addresses": "block",
        "private_names": [],
        "forwarded_names": [],
        "blocked_ttl": 10,
        "upstream_set": 0,
        "record_set": 0,
        "origin": "policy.yaml:1 Policy/home",
    }
    upstream = {
        "name": "nobody",
        "protocol": "dot",
        "addresses": ["127.0.0.1:9"],
        "server_name": "127.0.0.1",
        "path": "",
        "pins": [],
        "server_id": None,
        "roots": "public",
        "crls": "",
        "client_identity": None,
    }
    document: dict[str, object] = {
        "version": 1,
        "number": number,
        "list_file": None,
        "lists": [],
        "upstreams": [upstream],
        "upstream_sets": [{"name": "home", "upstreams": [0], "hedge_ms": 100, "timeout_ms": 1000}],
        "records": [],
        "record_sets": [[]],
        "schedules": [],
        "trust": {"domains": [], "revoked": {"identities": [], "certificates": []}},
        "subjects": {
            "identities": [],
            "below": [],
            "tokens": [],
            "networks": [],
            "expired": None,
        },
        "policies": [policy],
        "default_policy": 0,
        "unlogged": [],
    }
    return json.dumps({**document, **changes}).encode()


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    """An engine on a free UDP port, which is its `start`'s first address."""
    one = Runtime(options(udp=["127.0.0.1:0"]))
    yield one
    one.drain(0)


def ask(address: str, name: str) -> dns.message.Message:
    """Asks over UDP."""
    query = dns.message.make_query(name, "A", use_edns=0)
    return dns.query.udp(query, "127.0.0.1", port=int(address.rpartition(":")[2]), timeout=PATIENCE)


def test_an_engine_without_a_snapshot_refuses_and_says_why(runtime: Runtime) -> None:
    reply = ask(runtime.start()["udp"][0], "www.example.org")
    assert reply.rcode() == dns.rcode.REFUSED
    assert reply.extended_errors()[0].text == "not_ready"


def test_a_snapshot_that_is_not_valid_changes_nothing(runtime: Runtime) -> None:
    address = runtime.start()["udp"][0]
    assert runtime.commit(snapshot(1)) == 1
    with pytest.raises(Refusal, match=r"snapshot.*version") as caught:
        runtime.commit(snapshot(2, version=99))
    assert "99" in caught.value.why
    with pytest.raises(Refusal):
        runtime.commit(b"{")
    assert runtime.stats()["snapshot"] == 1
    assert ask(address, "x.ads.example.org").rcode() == dns.rcode.NXDOMAIN


def test_options_that_are_not_valid_name_the_place() -> None:
    with pytest.raises(Refusal, match=r"options\.workers"):
        Runtime(options() | {"workers": 0})


def test_a_port_in_use_is_told_with_its_address(runtime: Runtime) -> None:
    address = runtime.start()["udp"][0]
    other = Runtime(options(tcp=["192.0.2.1:0"]))
    with pytest.raises(Refusal, match=r"192\.0\.2\.1"):
        other.start()
    assert address.startswith("127.0.0.1:")


def test_a_key_that_does_not_fit_its_certificate_is_refused(
    runtime: Runtime, tmp_path: Path
) -> None:
    (tmp_path / "pem").write_text("no certificate")
    with pytest.raises(Refusal, match="pem"):
        runtime.install_identity("server", tmp_path / "pem", tmp_path / "pem")
    with pytest.raises(Refusal, match="cannot read"):
        runtime.install_identity("server", tmp_path / "gone", tmp_path / "gone")


def test_explain_names_the_rule_and_its_line() -> None:
    told = explain(snapshot(3), "X.ads.Example.org", "AAAA")
    assert (told["outcome"], told["reason"], told["snapshot"]) == ("blocked", "blocked_by_rule", 3)
    assert "policy.yaml:7" in json.dumps(told["cause"])
    assert told["steps"]


def test_explain_tells_who_asks_and_which_policy_speaks_for_them() -> None:
    web = "spiffe://example.org/web"
    subjects = {
        "identities": [{"id": web, "client": "shop", "policy": 0, "subject": web}],
        "below": [],
        "tokens": [],
        "networks": [],
        "expired": None,
    }
    octets = snapshot(4, subjects=subjects, default_policy=None)
    told = explain(octets, "x.ads.example.org", "A", "dot", who={"identity": web}, at=0)
    assert told["client"] == {
        "subject": web,
        "client": "shop",
        "policy": "home",
        "policy_origin": "policy.yaml:1 Policy/home",
        "mode": "enforce",
        "log": "full",
    }
    expired = explain(octets, "www.example.org", "A", who={"identity": web}, expired=True)
    assert expired["reason"] == "identity_expired"
    assert explain(octets, "www.example.org", "A")["reason"] == "no_policy"
    with pytest.raises(Refusal, match="SPIFFE ID"):
        explain(octets, "www.example.org", "A", who={"identity": "web"})


def test_events_are_taken_as_lines_while_other_threads_go_on(runtime: Runtime) -> None:
    address = runtime.start()["udp"][0]
    runtime.commit(snapshot(5))
    taken: list[EventBatch] = []
    taker = threading.Thread(target=lambda: taken.append(runtime.take_events(10, 30)))
    taker.start()
    # If the call held the interpreter lock, no query would be sent, and it would wait in vain.
    ask(address, "X.ads.example.org")
    taker.join(PATIENCE)
    (event,) = map(json.loads, taken[0].lines.splitlines())
    assert (event["name"], event["reason"], event["snapshot"]) == (
        "x.ads.example.org",
        "blocked_by_rule",
        5,
    )
    assert event["rule"] == "policy.yaml:7 Policy/home spec.rules[0]"
    assert event["client"] == "127.0.0.1"
    assert abs(datetime.fromisoformat(event["time"]).timestamp() - time.time()) < 60
    assert (taken[0].events, taken[0].lost, taken[0].own) == (1, 0, b"")
    assert runtime.take_events(10, 0) == EventBatch()
    assert runtime.query_counts()["queries"]["udp"] == {"blocked_by_rule": 1}


def test_many_questions_are_judged_under_one_snapshot() -> None:
    names = ["x.ads.example.org", "www.example.org"]
    questions = [{"name": name, "type": "A", "transport": "dot"} for name in names]
    verdicts = judge(snapshot(1), questions)
    assert [verdict["reason"] for verdict in verdicts] == ["blocked_by_rule", "forwarded"]
    assert verdicts[0]["cause"]["origin"] == "policy.yaml:7 Policy/home spec.rules[0]"
    assert judge(snapshot(1), []) == []
    with pytest.raises(Refusal, match=r"queries\[1\]\.name"):
        judge(snapshot(1), [questions[0], {**questions[0], "name": "a..b"}])


def test_every_reason_has_its_word_and_its_meaning() -> None:
    reasons = catalogue()["reasons"]
    words = [reason["word"] for reason in reasons]
    assert len(set(words)) == len(words)
    assert {"forwarded", "cached", "blocked_by_list", "not_ready"} <= set(words)
    assert words[-6:] == [
        "no_identity",
        "unreadable_identity",
        "unknown_token",
        "identity_revoked",
        "identity_untrusted",
        "identity_expired",
    ]
    assert all(reason["meaning"].endswith(".") for reason in reasons)
