"""Sections A and D: names and addresses with a special use, and messages that are no question."""

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from keyhole.system.unix_socket import short_path
from tests.world.ask import TRANSPORTS, Reply
from tests.world.certificates import Authority
from tests.world.ports import free_port
from tests.world.process import Program
from tests.world.raw import ask_udp, secured, tcp
from tests.world.resolver import PATIENT, Resolver, document
from tests.world.signed_root import SignedRoot
from tests.world.tools import needs, run
from tests.world.upstream import Upstream, Zone
from tests.world.waiting import PATIENCE, until

REVERSE = [
    "10.in-addr.arpa", "16.172.in-addr.arpa", "31.172.in-addr.arpa", "168.192.in-addr.arpa",
    "64.100.in-addr.arpa", "127.100.in-addr.arpa", "0.in-addr.arpa", "127.in-addr.arpa",
    "254.169.in-addr.arpa", "2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa",
    "113.0.203.in-addr.arpa", "255.255.255.255.in-addr.arpa", f"{'0.' * 32}ip6.arpa",
    f"1.{'0.' * 31}ip6.arpa", "d.f.ip6.arpa", "8.e.f.ip6.arpa", "b.e.f.ip6.arpa",
    "8.b.d.0.1.0.0.2.ip6.arpa", "170.0.0.192.in-addr.arpa", "171.0.0.192.in-addr.arpa",
]  # fmt: skip
BELOW_ARPA = [*REVERSE, "home.arpa", "service.arpa", "resolver.arpa", "ipv4only.arpa"]
TOP_LEVEL = ["localhost", "test", "invalid", "local", "onion", "alt", "internal", "intranet",
             "private", "corp", "home", "lan", "mail", "localdomain", "wpad", "isatap"]  # fmt: skip
PRIVATE = [
    "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.8",
    "192.88.99.1", "192.168.1.1", "224.0.0.251", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "::10.0.0.1", "::ffff:0:10.0.0.1",
    "64:ff9b::10.0.0.1", "64:ff9b:1::1", "100::1", "100:0:0:1::1", "2001:0:c612:1::1", "2001:2::1",
    "2001:10::1", "2002:a00:1::1", "2606::5efe:10.0.0.1", "2606::200:5efe:192.168.0.1", "5f00::1",
    "fc00::1", "fe80::1", "fec0::1", "ff02::fb",
]  # fmt: skip
PUBLIC = ["9.9.9.9", "192.0.0.9", "198.18.0.7", "203.0.113.1", "2001:db8::1", "2001:1::1",
          "2606:4700::1111", "64:ff9b::9.9.9.9", "2002:909:909::1"]  # fmt: skip


@dataclass(frozen=True)
class Addresses(Zone):
    """Also answers names of ``addresses`` with theirs, and denies those that begin with gone-."""

    addresses: dict[str, str] = field(default_factory=dict)

    def replies(self, word: str, query: dns.message.Message) -> list[bytes]:
        name, kind = query.question[0].name, query.question[0].rdtype
        address = self.addresses.get(name.to_text(omit_final_dot=True).lower())
        if word != "gone" and address is None:
            return super().replies(word, query)
        reply = dns.message.make_response(query, recursion_available=True)
        own, hint = ("AAAA", "ipv6hint") if ":" in (address or "") else ("A", "ipv4hint")
        if address is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif kind.name == own:
            reply.answer = [dns.rrset.from_text(name, 300, "IN", own, address)]
        elif kind.name == "HTTPS":
            reply.answer = [dns.rrset.from_text(name, 300, "IN", "HTTPS", f"1 . {hint}={address}")]
        return [reply.to_wire()]


def _names(addresses: list[str]) -> dict[str, str]:
    return {f"n{index}.example.org": address for index, address in enumerate(addresses)}


@pytest.fixture(scope="module")
def upstream_of_zones(authority: Authority) -> Iterator[Upstream]:
    zone = Addresses(addresses=_names(PRIVATE + PUBLIC))
    with Upstream(authority.issue("upstream.example.org", "127.0.0.1"), zone=zone) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def zones(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, upstream_of_zones: Upstream
) -> Iterator[Resolver]:
    """A resolver with local records inside and outside of zones with a special use."""
    resolver = Resolver(tmp_path_factory.mktemp("zones") / "data", authority)
    resolver.write(
        resolver.upstream(upstream_of_zones.port),
        document("Record", "ptr", name="10.3.2.1", ptr="nas.internal"),
        document("Record", "nas", name="nas.internal", a=["10.3.2.1"]),
        document("Record", "deep", name="a.b.lan", a=["10.3.2.2"]),
        document("Record", "wild", name="*.apps.home.arpa", a=["10.3.2.3"]),
        document("Record", "apex", name="corp", a=["10.3.2.4"]),
        document("Record", "out", name="deep.gone-parent.example.org", a=["192.0.2.8"]),
        document("Record", "some", name="*.wild.example.org", a=["192.0.2.9"]),
        document("Record", "alias", name="alias.example.org", cname="secret.lan"),
        document("Record", "here", name="here.example.org", cname="localhost"),
        document("Policy", "home", default="allow", upstreams=PATIENT),
    )
    try:
        yield resolver.start()
    finally:
        resolver.stop()


def _soa(reply: Reply) -> str:
    """Where the SOA record of a negative answer stands."""
    (soa,) = [rrset for rrset in reply.message.authority if rrset.rdtype == dns.rdatatype.SOA]
    return soa.name.to_text(omit_final_dot=True)


@pytest.mark.parametrize("zone", BELOW_ARPA + TOP_LEVEL)
def test_every_special_zone_has_soa_and_ns_at_its_apex_and_denies_with_its_own_soa(
    zones: Resolver, zone: str
) -> None:
    """D5: RFC 6303 section 3, RFC 2308 section 3."""
    for kind in ("SOA", "NS"):
        reply = zones.server.ask(zone, kind)
        (rrset,) = reply.message.answer
        assert (rrset.name.to_text(omit_final_dot=True), rrset.rdtype.name) == (zone, kind)
        assert reply.message.flags & dns.flags.AA
    for name in (zone, f"x.{zone}", f"x.y.{zone}"):
        reply = zones.server.ask(name, "MX", is_proved=True)
        assert reply.rcode in ("NOERROR", "NXDOMAIN")
        assert not reply.message.answer
        assert _soa(reply) == zone
    assert zones.server.ask(zone, "MX").rcode == "NOERROR", "what has a SOA record exists"


@pytest.mark.parametrize(
    ("name", "soa"),
    [
        ("3.10.in-addr.arpa", "10.in-addr.arpa"),
        ("2.3.10.in-addr.arpa", "10.in-addr.arpa"),
        ("b.lan", "lan"),
        ("apps.home.arpa", "home.arpa"),
        ("a.b.lan", "lan"),
        ("x.apps.home.arpa", "home.arpa"),
        ("corp", "corp"),
        ("gone-parent.example.org", "gone-parent.example.org"),
        ("x.wild.example.org", "wild.example.org"),
    ],
)
def test_what_has_a_record_below_it_exists_in_every_zone(
    zones: Resolver, name: str, soa: str
) -> None:
    """D5: a name that does not exist takes all below it along (RFC 8020)."""
    for transport in TRANSPORTS:
        reply = zones.server.ask(name, "MX", transport, is_proved=True)
        assert (reply.rcode, reply.message.answer, _soa(reply)) == ("NOERROR", [], soa)


def test_records_in_special_zones_are_answered_and_their_neighbors_do_not_exist(
    zones: Resolver,
) -> None:
    """D5: a local record opens its own name alone."""
    assert zones.server.ask("nas.internal").addresses == ["10.3.2.1"]
    assert zones.server.ask("a.b.lan").addresses == ["10.3.2.2"]
    assert zones.server.ask("x.apps.home.arpa").addresses == ["10.3.2.3"]
    assert zones.server.ask("corp").addresses == ["10.3.2.4"]
    for name in ("other.internal", "x.b.lan", "other.home.arpa", "x.corp", "4.10.in-addr.arpa"):
        assert zones.server.ask(name).rcode == "NXDOMAIN", name


@pytest.mark.parametrize("name", [
    *(f"host.{zone}" for zone in TOP_LEVEL), *TOP_LEVEL, *(f"1.{zone}" for zone in BELOW_ARPA),
    "wpad.com", "WPAD.org", "isatap.net", "x.eap-noob.arpa", "x.6tisch.arpa",
])  # fmt: skip
def test_names_with_a_special_use_never_leave(
    zones: Resolver, upstream_of_zones: Upstream, name: str
) -> None:
    """A16: whatever is asked of them."""
    for kind in ("A", "AAAA", "HTTPS", "TXT", "SRV"):
        assert zones.server.ask(name, kind).rcode in ("NOERROR", "NXDOMAIN")
    assert upstream_of_zones.times_asked(name) == 0


def test_an_alias_of_the_user_takes_no_special_name_out(
    zones: Resolver, upstream_of_zones: Upstream
) -> None:
    """A16: the target of a local alias is a name like any other."""
    reply = zones.server.ask("alias.example.org", is_proved=True)
    assert (reply.rcode, reply.addresses, _soa(reply)) == ("NXDOMAIN", [], "lan")
    assert zones.server.ask("here.example.org").addresses == ["127.0.0.1"]
    assert upstream_of_zones.times_asked("secret.lan") == 0
    assert upstream_of_zones.times_asked("localhost") == 0


def test_names_that_only_look_special_are_asked(zones: Resolver) -> None:
    for name in ("corp.example.org", "wpad.example.org", "example", "www.internal.example"):
        assert zones.server.ask(name).addresses == ["198.18.0.7"], name


@pytest.mark.parametrize(("name", "address"), _names(PRIVATE + PUBLIC).items())
def test_public_names_lead_to_no_address_with_a_special_purpose(
    zones: Resolver, name: str, address: str
) -> None:
    """A16: in records, and in the hints of HTTPS records."""
    kind = "AAAA" if ":" in address else "A"
    for transport in TRANSPORTS:
        reply = zones.server.ask(name, kind, transport)
        if address in PUBLIC:
            assert len(reply.addresses) == 1
        else:
            assert reply.addresses == []
            assert [code for code, _ in reply.errors] == [17]
    hinted = zones.server.ask(name, "HTTPS").message.to_text()
    assert ("hint=" in hinted) == (address in PUBLIC)


@pytest.mark.parametrize("zone", [*BELOW_ARPA, "wpad.com"])
def test_the_ds_record_at_a_special_zone_is_asked_of_its_parent(
    zones: Resolver, upstream_of_zones: Upstream, zone: str
) -> None:
    """D2: its absence is for the parent to prove."""
    zones.server.ask(zone, "DS")
    assert upstream_of_zones.times_asked(zone) == 1
    assert zones.server.ask(f"x.{zone}", "DS").rcode in ("NOERROR", "NXDOMAIN")
    assert upstream_of_zones.times_asked(f"x.{zone}") == 0


@pytest.mark.parametrize("zone", TOP_LEVEL)
def test_the_ds_record_of_a_name_that_the_root_does_not_delegate_stays_here(
    zones: Resolver, upstream_of_zones: Upstream, zone: str
) -> None:
    reply = zones.server.ask(zone, "DS", is_proved=True)
    assert (reply.rcode, reply.message.answer, _soa(reply)) == ("NOERROR", [], zone)
    assert upstream_of_zones.times_asked(zone) == 0


def _unbound(folder: Path, resolver: Resolver, anchor: str, port: int, zones: list[str]) -> Program:
    """A validator whose only source is the resolver."""
    passed = "\n".join(f'  local-zone: "{zone}." nodefault' for zone in zones)
    config = folder / "unbound.conf"
    config.write_text(f"""
server:
  interface: 127.0.0.1@{port}
  do-not-query-localhost: no
  module-config: "validator iterator"
  trust-anchor: ". IN DS {anchor}"
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  do-ip6: no
{passed}
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{resolver.server.udp}
""")
    return Program(["/usr/sbin/unbound", "-d", "-c", str(config)], folder / "unbound.log")


@needs("unbound")
@needs("dig")
def test_a_validator_behind_us_accepts_what_is_said_of_special_zones(
    tmp_path: Path, authority: Authority
) -> None:
    """D2: a validating unbound, with a signed root behind Keyhole."""
    insecure = ["10.in-addr.arpa", "168.192.in-addr.arpa", "d.f.ip6.arpa", "home.arpa",
                "ipv4only.arpa", "170.0.0.192.in-addr.arpa", "2.0.192.in-addr.arpa"]  # fmt: skip
    root, port = SignedRoot(insecure), free_port()
    certificate = authority.issue("upstream.example.org", "127.0.0.1")
    resolver = Resolver(tmp_path / "data", authority)
    with Upstream(certificate, zone=cast("Zone", root)) as upstream:
        resolver.write(
            resolver.upstream(upstream.port),
            document("Record", "ptr", name="10.3.2.1", ptr="nas.home.arpa"),
            document("Record", "nas", name="nas.home.arpa", a=["10.3.2.1"]),
            document("Record", "forged", name="forged", a=["192.0.2.66"]),
            document("Policy", "home", default="allow", upstreams=["test"]),
        )
        resolver.start()
        unbound = _unbound(tmp_path, resolver, root.anchor, port, insecure)

        def ask(name: str, kind: str) -> str:
            unbound.must_run()
            return run("dig", "@127.0.0.1", "-p", str(port), "+dnssec", "+time=30", "+tries=1",
                       name, kind).stdout  # fmt: skip

        try:
            until(lambda: "NOERROR" in ask("signed", "A"), "it runs")
            assert " ad" in ask("signed", "A"), "it validates"
            assert "SERVFAIL" in ask("forged", "A"), "it refuses what the root denies"
            assert "nas.home.arpa." in ask("1.2.3.10.in-addr.arpa", "PTR")
            assert "10.3.2.1" in ask("nas.home.arpa", "A")
            assert "192.0.0.170" in ask("ipv4only.arpa", "A")
            assert "ipv4only.arpa." in ask("170.0.0.192.in-addr.arpa", "PTR")
            for name in ("9.9.9.10.in-addr.arpa", "1.1.168.192.in-addr.arpa", "1.d.f.ip6.arpa",
                         "other.home.arpa", "99.2.0.192.in-addr.arpa"):  # fmt: skip
                assert "NXDOMAIN" in ask(name, "PTR"), name
            asked = {name for name, _ in root.asked}
            assert asked >= {"10.in-addr.arpa", "home.arpa", "ipv4only.arpa"}
            assert all(kind == "DS" for name, kind in root.asked if name in insecure)
            assert not [name for name in asked if any(name.endswith(f".{z}") for z in insecure)]
        finally:
            unbound.stop()
            resolver.stop()


_OPT_HEAD = b"\0\0\x29\x04\xd0"
_QUESTION = b"\3www\7example\3org\0\0\1\0\1"
_RECORD = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4"
_COOKIE = bytes(range(8))


def _opt(options: bytes = b"", flags: bytes = b"\0\0\x80\0") -> bytes:
    return _OPT_HEAD + flags + len(options).to_bytes(2, "big") + options


def _option(code: int, data: bytes) -> bytes:
    return code.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def _packet(body: bytes, counts: tuple[int, int, int, int], opcode: int = 0) -> bytes:
    head = b"\x12\x34" + (opcode << 11 | 0x0100).to_bytes(2, "big")
    return head + b"".join(count.to_bytes(2, "big") for count in counts) + body


FAULTY = {
    **{f"opcode {code}": (_QUESTION, (1, 0, 0, 1), code, 4) for code in (1, 2, 3, 4, 5, 6, 15)},
    "an update with records": (_QUESTION + _RECORD * 2, (1, 1, 1, 1), 5, 4),
    "no question": (b"", (0, 0, 0, 1), 0, 1),
    "two questions": (_QUESTION * 2, (2, 0, 0, 1), 0, 1),
    "an answer": (_QUESTION + _RECORD, (1, 1, 0, 1), 0, 1),
    "an authority": (_QUESTION + _RECORD, (1, 0, 1, 1), 0, 1),
    "too many records": (_QUESTION + _RECORD * 9, (1, 0, 0, 10), 0, 1),
    "a pointer in the question": (b"\3www\xc0\x0c\0\1\0\1", (1, 0, 0, 1), 0, 1),
    "a pointer ahead": (b"\3www\xc0\xff\0\1\0\1", (1, 0, 0, 1), 0, 1),
    "a name that is too long": (b"\1a" * 200 + b"\0\0\1\0\1", (1, 0, 0, 1), 0, 1),
    "another class": (_QUESTION[:-1] + b"\3", (1, 0, 0, 1), 0, 5),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_message_that_is_no_question_gets_an_opt_record_where_it_had_one(
    zones: Resolver, fault: str
) -> None:
    """D7: RFC 6891 section 6.1.1, and the cookie of RFC 7873 section 5.2."""
    body, counts, opcode, rcode = FAULTY[fault]
    bare = (*counts[:3], counts[3] - 1)
    cookie = _opt(_option(10, _COOKIE))
    for opt, octets in ((b"", None), (_opt(), b""), (cookie, _COOKIE)):
        packet = _packet(body + opt, counts if opt else bare, opcode)
        for data in (ask_udp(zones.server, packet), _over_tcp(zones, packet)):
            if octets == _COOKIE and fault == "no question":
                continue  # that is a question, after all: the next test
            assert data is not None
            reply = dns.message.from_wire(data)
            assert (reply.id, reply.rcode(), int(reply.opcode())) == (0x1234, rcode, opcode)
            assert reply.edns == (0 if opt else -1)
            assert bool(reply.ednsflags & 0x8000) == bool(opt), "DO is repeated (RFC 3225)"
            shown = [one.to_wire() for one in reply.options if int(one.otype) == 10]
            assert [one[:8] for one in shown] == ([_COOKIE] if octets else [])
            assert all(len(one) == 24 for one in shown)


def _over_tcp(resolver: Resolver, packet: bytes) -> bytes | None:
    with tcp(resolver.server) as stream:
        stream.send(packet)
        return stream.receive()


def test_a_cookie_alone_is_answered_with_ours(zones: Resolver) -> None:
    """D7: RFC 7873 section 5.4."""

    def ask(cookie: bytes) -> tuple[int, bytes]:
        data = ask_udp(zones.server, _packet(_opt(_option(10, cookie)), (0, 0, 0, 1)))
        assert data is not None
        reply = dns.message.from_wire(data)
        assert (reply.question, reply.answer, reply.authority) == ([], [], [])
        (option,) = [one.to_wire() for one in reply.options if int(one.otype) == 10]
        return reply.rcode(), bytes(option)

    rcode, cookie = ask(_COOKIE)
    assert (rcode, cookie[:8], len(cookie)) == (0, _COOKIE, 24)
    assert ask(cookie)[0] == 0, "it is ours"
    forged = cookie[:-1] + bytes([cookie[-1] ^ 1])
    for wrong in (forged, _COOKIE[::-1] + cookie[8:], cookie[:16]):
        rcode, fresh = ask(wrong)
        assert (rcode, ask(fresh)[0]) == (23, 0), "it is not, and the right one is told"
    packet = _packet(_opt(_option(10, b"short")), (0, 0, 0, 1))
    assert (ask_udp(zones.server, packet) or b"\0" * 4)[3] & 15 == 1


GET = b"GET /dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA29yZwAAAQAB HTTP/1.1\r\n"
API = b"GET /api/v1/health HTTP/1.1\r\n"
LINK = b"GET /commands HTTP/1.1\r\n"


def _status(sock: socket.socket, line: bytes, headers: bytes, before: bytes) -> int:
    """The status of the answer to a request that is sent in one piece, ``before`` its path."""
    sock.settimeout(PATIENCE)
    line = line.replace(b" /", b" " + before, 1)
    sock.sendall(line + headers + b"Connection: close\r\n\r\n")
    octets = b""
    while b"\r\n" not in octets:
        piece = sock.recv(4096)
        assert piece, "there is an answer"
        octets += piece
    return int(octets.split(b" ")[1])


def _doh(resolver: Resolver, headers: bytes, before: bytes = b"/") -> int:
    context = ssl.create_default_context(cafile=str(resolver.server.ca))
    context.set_alpn_protocols(["http/1.1"])
    with secured(resolver.server.doh, context, "127.0.0.1") as sock:
        return _status(sock, GET, headers, before)


def _local(resolver: Resolver, file: str, line: bytes, headers: bytes, before: bytes) -> int:
    resolver.wait_for_api()
    with (
        socket.socket(socket.AF_UNIX) as sock,
        short_path(resolver.folder / "run" / file) as path,
    ):
        sock.connect(path)
        return _status(sock, line, headers, before)


def _api(resolver: Resolver, headers: bytes, before: bytes = b"/") -> int:
    return _local(resolver, "api.sock", API, headers, before)


def _link(resolver: Resolver, headers: bytes, before: bytes = b"/") -> int:
    return _local(resolver, "link.sock", LINK, headers, before)


LISTENERS: dict[str, Callable[..., int]] = {"doh": _doh, "api": _api, "link": _link}


@pytest.mark.parametrize("listener", LISTENERS)
def test_a_request_names_exactly_one_host(zones: Resolver, listener: str) -> None:
    """D8: RFC 9112 section 3.2."""
    ask = LISTENERS[listener]
    for headers in (b"", b"Host: a\r\nHost: a\r\n", b"Host: a\r\nhost: b\r\n", b"Host: a b\r\n",
                    b"Host: a/b\r\n", b"Host: user@a\r\n", b"Host: a:b\r\n"):  # fmt: skip
        assert ask(zones, headers) == 400, headers
    for headers in (b"Host: localhost\r\n", b"Host: localhost:8080\r\n"):
        assert ask(zones, headers) not in (400, 431), headers


@pytest.mark.parametrize("listener", LISTENERS)
def test_a_target_that_is_a_whole_url_is_one_for_its_path(zones: Resolver, listener: str) -> None:
    """D8: RFC 9112 section 3.2.2."""
    ask, host = LISTENERS[listener], b"Host: localhost\r\n"
    plain = ask(zones, host)
    for url in (b"https://127.0.0.1/", b"HTTP://other.example:8080/", b"https://[::1]/"):
        assert ask(zones, host, url) == plain, url
    assert ask(zones, b"", b"https://127.0.0.1/") == 400, "RFC 9112 section 3.2"


@pytest.mark.parametrize("listener", LISTENERS)
def test_a_header_that_comes_in_one_read_is_limited_like_any_other(
    zones: Resolver, listener: str
) -> None:
    """A18: in one header or several; DoH has the limit of its settings."""
    ask, host = LISTENERS[listener], b"Host: localhost\r\n"
    limit = 8_192 if listener == "doh" else 16_384
    assert ask(zones, host + b"X-Large: " + b"x" * (limit - 1_000) + b"\r\n") not in (400, 431)
    for size in (limit, limit + 600, 20_000, 60_000):
        assert ask(zones, host + b"X-Large: " + b"x" * size + b"\r\n") in (400, 431), size
    many = b"".join(b"X-%d: " % index + b"x" * 1_000 + b"\r\n" for index in range(20))
    assert ask(zones, host + many) in (400, 431)
