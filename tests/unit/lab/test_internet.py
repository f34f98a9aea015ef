"""The lab's internet gives the same answer to a name each time, or fails as its mode says."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from keyhole.dns_client.answer import Answer, Transport
from keyhole.dns_client.error import DnsClientError
from keyhole.dns_client.exchange import Server, exchange, question
from keyhole.lab.internet.mode import Mode
from keyhole.lab.internet.names import BLOCKED_EXAMPLE, SPECIAL, reply_to

Start = Callable[..., AbstractContextManager[dict[str, Any]]]


@pytest.fixture(scope="module", params=["doh", "dot"])
def running(
    request: pytest.FixtureRequest, internet: Start, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("internet")
    with internet(folder, "--protocol", request.param, "--log", str(folder / "log")) as ready:
        yield {**ready, "log": folder / "log"}


def _ask(
    ready: dict[str, Any], name: str, kind: str = "A", *, seconds: float = 5, ca: str | None = None
) -> Answer:
    transport = {"doh": Transport.HTTPS, "dot": Transport.TLS}[ready["protocol"]]
    server = Server("127.0.0.1", ready["port"], transport, ca=Path(ca or ready["ca"]))
    message = question(dns.name.from_text(name), dns.rdatatype.from_text(kind), transport)
    return exchange(server, message, seconds)


def _values(answer: Answer) -> list[str]:
    return [record.to_text() for records in answer.message.answer for record in records]


def test_any_name_has_an_address_and_keeps_it(running: dict[str, Any]) -> None:
    first, again = _ask(running, "Any.Example.org"), _ask(running, "any.example.ORG")
    assert _values(first) == _values(again)
    assert ip_address(_values(first)[0]) in ip_network("198.18.0.0/15")
    (six,) = _values(_ask(running, "any.example.org", "AAAA"))
    assert ip_address(six) in ip_network("2001:db8::/32")


def test_answers_are_padded_where_the_question_was(running: dict[str, Any]) -> None:
    assert _ask(running, "padded.example.org").octets % 468 == 0


def test_a_big_answer_arrives_whole(running: dict[str, Any]) -> None:
    assert _ask(running, "big.example.org", "TXT").octets > 4000


def test_what_was_seen_is_in_the_log(running: dict[str, Any]) -> None:
    _ask(running, "logged.example.org")
    seen = [json.loads(line) for line in Path(running["log"]).read_text().splitlines()]
    (entry,) = [one for one in seen if one.get("name") == "logged.example.org."]
    assert entry["octets"] % 128 == 0
    assert entry["transport"] == running["protocol"]


def test_the_certificate_is_proved(running: dict[str, Any]) -> None:
    proof = _ask(running, "example.org").protection
    assert proof is not None
    assert proof.version == "TLSv1.3"
    assert proof.certificate.issuer.startswith("CN=Keyhole lab root issuer ")


# Only a client's own patience ends these.
_SILENT = (Mode.BLACK_HOLE, Mode.SILENT, Mode.CUT)


@pytest.mark.parametrize("protocol", ["doh", "dot"])
@pytest.mark.parametrize(
    ("mode", "why"),
    [
        (Mode.REFUSE, "nothing listens"),
        (Mode.BLACK_HOLE, "in time|within"),
        (Mode.SILENT, "within"),
        (Mode.RESET, "reset|closed|broke off"),
        (Mode.CLOSE, "closed"),
        (Mode.GARBAGE, "malformed DNS message|a different question"),
        (Mode.CUT, "malformed DNS message|closed|within"),
        (Mode.WRONG_QUESTION, "a different question"),
        (Mode.WRONG_ID, "a different question"),
        (Mode.WRONG_CERTIFICATE, "signed by no trusted authority"),
        (Mode.WRONG_NAME, "not for the address"),
        (Mode.EXPIRED_CERTIFICATE, "expired"),
    ],
)
def test_each_misbehavior_is_told_from_the_others(
    internet: Start, tmp_path: Path, protocol: str, mode: Mode, why: str
) -> None:
    with (
        internet(tmp_path, "--protocol", protocol, "--mode", mode.value) as ready,
        pytest.raises(DnsClientError, match=why),
    ):
        _ask(ready, "example.org", seconds=0.2 if mode in _SILENT else 30)


def test_an_http_error_is_said_in_words(internet: Start, tmp_path: Path) -> None:
    with (
        internet(tmp_path, "--mode", "http-error") as ready,
        pytest.raises(DnsClientError, match="HTTP status 503"),
    ):
        _ask(ready, "example.org")


def _reply(name: str, kind: str = "A") -> dns.message.Message:
    return reply_to(dns.message.make_query(name, kind)).message


@pytest.mark.parametrize("label", sorted(SPECIAL))
def test_a_special_label_answers_its_own_question(label: str) -> None:
    query = dns.message.make_query(f"{label}.example.net", "A")
    reply = reply_to(query)
    assert query.is_response(reply.message)
    assert (reply.delay > 0) == (label == "slow")


def test_a_cloaked_name_leads_to_the_blocked_one() -> None:
    (alias, address) = _reply("cloaked.shop.example").answer
    assert alias[0].to_text() == f"{BLOCKED_EXAMPLE}."
    assert address.name.to_text() == f"{BLOCKED_EXAMPLE}."


def test_a_chain_is_unbroken() -> None:
    records = _reply("chain.example.net").answer
    assert len(records) == 5
    for link, following in itertools.pairwise(records):
        assert link[0].to_text() == following.name.to_text()


@pytest.mark.parametrize(("name", "kind"), [("nx.example.net", "A"), ("a.example.net", "SRV")])
def test_a_negative_answer_brings_its_soa(name: str, kind: str) -> None:
    assert [dns.rdatatype.to_text(r.rdtype) for r in _reply(name, kind).authority] == ["SOA"]


def test_a_failure_says_why() -> None:
    message = _reply("servfail.example.net")
    assert message.rcode() == dns.rcode.SERVFAIL
    assert message.options
