"""Compares the wire crate with dnspython: both must read messages in the same way.

The crate's example program `inspect` prints what it reads in a message; dnspython reads the same
octets. They are independent implementations, so where they agree, both are probably right.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.world.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
TYPES = ["A", "AAAA", "MX", "TXT", "HTTPS", "NS", "SOA", "PTR", "SRV", "ANY", "TYPE65280"]
RELAXED = settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Inspector:
    """The running example program: for each input line it prints a JSON object."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, word: str, message: bytes) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word} {message.hex()}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the program died of {message.hex()}"
        seen: dict[str, Any] = json.loads(line)
        return seen

    def close(self) -> None:
        self._process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module")
def inspector() -> Iterator[Inspector]:
    if shutil.which("cargo") is None:
        pytest.skip("cargo is not installed")
    build = ["cargo", "build", "--release", "-p", "keyhole-wire", "--example", "inspect"]
    result = subprocess.run(
        [*build, "--message-format=json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    messages = [json.loads(line) for line in result.stdout.splitlines()]
    [program] = [m["executable"] for m in messages if m.get("executable")]
    inspector = Inspector(Path(program))
    yield inspector
    inspector.close()


labels = st.binary(min_size=1, max_size=12)
names = st.lists(labels, max_size=6).map(lambda some: dns.name.Name([*some, b""]))
hosts = st.lists(st.text("abcAB", min_size=1, max_size=3), min_size=1, max_size=4).map(
    lambda some: dns.name.from_text(".".join(some))
)
kinds = st.sampled_from(TYPES).map(dns.rdatatype.from_text)
COOKIE, PADDING, PRIVATE = (dns.edns.OptionType.make(code) for code in (10, 12, 65001))
one_option: st.SearchStrategy[dns.edns.Option] = st.one_of(
    st.binary(min_size=16, max_size=40).map(lambda data: dns.edns.GenericOption(COOKIE, data)),
    st.integers(0, 32).map(lambda bits: dns.edns.ECSOption("192.0.2.1", bits)),
    st.integers(0, 60).map(lambda size: dns.edns.GenericOption(PADDING, bytes(size))),
    st.binary(max_size=9).map(lambda data: dns.edns.GenericOption(PRIVATE, data)),
)
options = st.lists(one_option, max_size=4)


@st.composite
def queries(draw: st.DrawFn) -> bytes:
    message = dns.message.make_query(
        draw(names),
        draw(kinds),
        use_edns=0 if draw(st.booleans()) else False,
        want_dnssec=draw(st.booleans()),
        options=draw(options),
        payload=draw(st.integers(0, 65535)),
    )
    message.id = draw(st.integers(0, 65535))
    return message.to_wire()


@RELAXED
@given(packet=queries())
def test_both_read_a_query_in_the_same_way(inspector: Inspector, packet: bytes) -> None:
    theirs, ours = dns.message.from_wire(packet), inspector("query", packet)
    [question] = theirs.question
    assert ours["ok"], ours
    assert ours["id"] == theirs.id
    assert bytes.fromhex(ours["name"]) == octets(question.name)
    assert ours["kind"] == question.rdtype
    assert (ours["edns"] is None) == (theirs.edns < 0)
    if ours["edns"]:
        codes = [option.otype for option in theirs.options]
        assert ours["edns"]["octets"] == max(512, theirs.payload)
        assert ours["edns"]["dnssec_ok"] == bool(theirs.ednsflags & dns.flags.DO)
        assert ours["edns"]["padding"] == (12 in codes)
        assert ours["edns"]["client_subnet"] == (8 in codes)
        assert (ours["edns"]["cookie"] is None) == (10 not in codes)


@RELAXED
@given(packet=queries())
def test_an_upstream_query_has_only_name_and_type_of_the_query(
    inspector: Inspector, packet: bytes
) -> None:
    theirs, ours = dns.message.from_wire(packet), inspector("query", packet)
    wire = bytes.fromhex(ours["rebuilt"])
    rebuilt = dns.message.from_wire(wire)
    assert [(q.name, q.rdtype, q.rdclass) for q in rebuilt.question] == [
        (q.name, q.rdtype, dns.rdataclass.IN) for q in theirs.question
    ]
    assert octets(rebuilt.question[0].name).lower() == octets(rebuilt.question[0].name)
    assert rebuilt.flags == dns.flags.RD
    assert rebuilt.ednsflags == dns.flags.DO
    assert [option.otype for option in rebuilt.options] == [12]
    assert len(wire) % 128 == 0
    assert not rebuilt.answer
    assert not rebuilt.authority
    assert not rebuilt.additional


@RELAXED
@given(packet=queries(), at=st.integers(0, 400), octet=st.integers(0, 255))
def test_a_malformed_query_is_refused_by_both(
    inspector: Inspector, packet: bytes, at: int, octet: int
) -> None:
    broken = bytearray(packet)
    broken[at % len(packet)] = octet
    ours = inspector("query", bytes(broken))
    if ours["ok"]:
        try:
            theirs = dns.message.from_wire(bytes(broken))
        except (dns.message.TrailingJunk, dns.message.BadEDNS):
            raise
        except dns.exception.FormError:
            # dnspython also parses options and records that a server must ignore.
            theirs = dns.message.from_wire(bytes(broken), question_only=True)
        [question] = theirs.question
        assert bytes.fromhex(ours["name"]) == octets(question.name)
        assert ours["kind"] == question.rdtype
    elif ours["reply"] is None:
        assert broken[2] & 0x80, f"dropped, though it is a query: {ours['flaw']}"
    else:
        # A reply to an unknown operation has only a header, so it always parses.
        reply = dns.message.from_wire(bytes.fromhex(ours["reply"]))
        assert reply.id == int.from_bytes(broken[:2], "big")
        assert reply.flags & dns.flags.QR
        assert reply.rcode() != dns.rcode.NOERROR


@st.composite
def rdatas(draw: st.DrawFn) -> dns.rdata.Rdata:
    host = draw(hosts).to_text()
    text = draw(
        st.sampled_from(
            [
                ("A", "192.0.2.1"),
                ("AAAA", "2001:db8::1"),
                ("CNAME", host),
                ("DNAME", host),
                ("NS", host),
                ("PTR", host),
                ("MX", f"5 {host}"),
                ("SRV", f"1 2 53 {host}"),
                ("RP", f"{host} {host}"),
                ("AFSDB", f"1 {host}"),
                ("NAPTR", f'1 2 "u" "s" "" {host}'),
                ("TXT", '"one" "two"'),
                ("HINFO", '"a" "b"'),
                ("SOA", f"{host} {host} 1 2 3 4 60"),
                ("HTTPS", f"1 {host} alpn=h2 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1"),
                ("CAA", '0 issue "ca.example.org"'),
                ("NSEC", f"{host} A RRSIG"),
            ]
        )
    )
    return dns.rdata.from_text("IN", *text)


@st.composite
def responses(draw: st.DrawFn) -> dns.message.Message:
    query = dns.message.make_query(draw(hosts), draw(kinds), use_edns=0)
    response = dns.message.make_response(query)
    response.set_rcode(draw(st.sampled_from([dns.rcode.NOERROR, dns.rcode.NXDOMAIN])))
    for section in (response.answer, response.authority, response.additional):
        for rdata in draw(st.lists(rdatas(), max_size=8)):
            owner = draw(st.one_of(st.just(query.question[0].name), hosts))
            found = response.find_rrset(section, owner, rdata.rdclass, rdata.rdtype, create=True)
            found.add(rdata, draw(st.integers(0, 2**31 - 1)))
    return response


def records(message: dns.message.Message) -> set[tuple[bool, bytes, int, bytes]]:
    """Section, owner, type and data of every record; names in lower case."""
    return {
        (section is message.answer, octets(found.name).lower(), found.rdtype, octets(rdata).lower())
        for section in (message.answer, message.authority)
        for found in section
        for rdata in found
    }


def is_referral(message: dns.message.Message) -> bool:
    """Whether it only says which servers to ask (RFC 2308 section 2.2)."""
    beside = {found.rdtype for found in message.authority}
    is_empty = message.rcode() == dns.rcode.NOERROR and not message.answer
    return is_empty and dns.rdatatype.NS in beside and dns.rdatatype.SOA not in beside


def octets(thing: dns.name.Name | dns.rdata.Rdata) -> bytes:
    wire = thing.to_wire()
    assert wire is not None
    return wire


@RELAXED
@given(response=responses())
def test_an_answer_has_only_records_of_the_response(
    inspector: Inspector, response: dns.message.Message
) -> None:
    ours = inspector("answer", response.to_wire())
    assert ours["ok"] != is_referral(response), ours
    if not ours["ok"]:
        return
    kept = {
        (
            record["answer"],
            bytes.fromhex(record["owner"]).lower(),
            record["kind"],
            bytes.fromhex(record["data"]).lower(),
        )
        for record in ours["records"]
    }
    assert kept <= records(response)
    # All records that directly answer the question are kept.
    [question] = response.question
    direct = {
        (answer, owner, kind, wire)
        for answer, owner, kind, wire in records(response)
        if answer and owner == octets(question.name).lower()
        if kind == question.rdtype or question.rdtype == dns.rdatatype.ANY
    }
    assert direct <= kept


@RELAXED
@given(response=responses())
def test_dnspython_reads_a_written_answer_in_the_same_way(
    inspector: Inspector, response: dns.message.Message
) -> None:
    assume(not is_referral(response))
    ours = inspector("answer", response.to_wire())
    written = dns.message.from_wire(bytes.fromhex(ours["written"]), one_rr_per_rrset=True)
    assert written.rcode() == response.rcode()
    assert written.flags & dns.flags.RA
    assert written.edns == 0
    seen = [
        (
            section is written.answer,
            octets(found.name),
            found.rdtype,
            found.ttl,
            octets(rdata).lower(),
        )
        for section in (written.answer, written.authority)
        for found in section
        for rdata in found
    ]
    assert seen == [
        (
            record["answer"],
            bytes.fromhex(record["owner"]),
            record["kind"],
            record["ttl"],
            bytes.fromhex(record["data"]).lower(),
        )
        for record in ours["records"]
    ]


# Types whose data the crate validates as strictly as dnspython.
CHECKED = {
    dns.rdatatype.from_text(kind)
    for kind in [
        "A",
        "AAAA",
        "CNAME",
        "DNAME",
        "NS",
        "PTR",
        "MX",
        "SRV",
        "RP",
        "AFSDB",
        "NAPTR",
        "TXT",
        "HINFO",
        "SOA",
    ]
}


@RELAXED
@given(response=responses(), at=st.integers(12, 2000), octet=st.integers(0, 255))
def test_the_records_kept_of_a_malformed_answer_are_valid(
    inspector: Inspector, response: dns.message.Message, at: int, octet: int
) -> None:
    broken = bytearray(response.to_wire())
    broken[at % len(broken)] = octet
    ours = inspector("answer", bytes(broken))
    # Hypothesis fails the test when too few broken answers are read.
    assume(ours["ok"] and all(record["kind"] in CHECKED for record in ours["records"]))
    written = dns.message.from_wire(bytes.fromhex(ours["written"]), one_rr_per_rrset=True)
    assert len(written.answer) + len(written.authority) == len(ours["records"])
