"""Surveillance: nothing but TLS where it must be, and a server that proves itself."""

import secrets
import ssl
import struct
from dataclasses import replace

from keyhole.verify.check import Check, Seen, Threat, check
from keyhole.verify.endpoint import (
    SECONDS,
    Ended,
    Endpoint,
    ask,
    broken_by,
    connect,
    must_be_there,
    refusal,
)
from keyhole.verify.error import SkippedError, VerifyError
from keyhole.verify.question import question
from keyhole.verify.standards import CISA, NIST_81, NIST_207, rfc
from keyhole.verify.target import Target

_SHORT = 1.0
_HANDSHAKE = 22


def _encrypted(target: Target, *transports: str) -> list[Endpoint]:
    wanted = transports or ("dot", "doh")
    found = {str(one): one for one in (*target.strict, *target.open) if one.transport in wanted}
    if not found:
        raise SkippedError(f"no listener for {' or '.join(wanted)} was given")
    return list(found.values())


def _seen(broken: list[str], listeners: list[Endpoint], fine: str) -> Seen:
    """A dead server speaks neither old TLS nor cleartext: where nothing got through, each listener
    must speak TLS now."""
    if not broken:
        for one in listeners:
            must_be_there(one)
    return Seen.of(broken, len(listeners), fine)


@check(
    "no-cleartext-dns",
    "An encrypted port speaks no DNS in the clear",
    Threat.SURVEILLANCE,
    rfc(7858, "3.1"),
    CISA,
    tried="a DNS question without TLS, over TCP and UDP, to each port for DoT and DoH",
    expected="no DNS answer",
)
def no_cleartext(target: Target) -> Seen:
    """RFC 7858 section 3.1: the port of DoT must not carry DNS in the clear."""
    wire, listeners = question(target.known), _encrypted(target)
    broken = [
        f"{one} answered in the clear over {plain}"
        for one in listeners
        for plain in ("tcp", "udp")
        if ask(replace(one, transport=plain), wire, _SHORT).message is not None
    ]
    return _seen(broken, listeners, "no answer over TCP or UDP")


@check(
    "no-cleartext-http",
    "The port of DoH speaks no HTTP in the clear",
    Threat.SURVEILLANCE,
    rfc(8484, "5"),
    CISA,
    tried="a DoH request over HTTP/1.1 without TLS",
    expected="no HTTP answer with success",
)
def no_http(target: Target) -> Seen:
    """RFC 8484 section 5: DoH is used over https."""
    wire, listeners = question(target.known), _encrypted(target, "doh")
    broken = []
    for one in listeners:
        head = (
            f"POST {one.path} HTTP/1.1\r\nHost: {one.host}\r\nContent-Type: "
            f"application/dns-message\r\nContent-Length: {len(wire)}\r\n\r\n"
        )
        said = _raw(one, head.encode() + wire)
        if said.startswith(b"HTTP/1.1 2"):
            broken.append(f"{one} answered {said[:30]!r}")
    return _seen(broken, listeners, "no HTTP answer with success")


@check(
    "old-tls",
    "TLS 1.0 and 1.1 are refused",
    Threat.SURVEILLANCE,
    rfc(8996),
    rfc(8310, "9"),
    tried="a ClientHello of TLS 1.0 and one of TLS 1.1 to each encrypted port",
    expected="an alert or the end of the connection",
)
def old_tls(target: Target) -> Seen:
    """RFC 8996: TLS 1.0 and 1.1 must not be used."""
    listeners = _encrypted(target)
    broken = [
        f"{one} agreed to TLS {word}"
        for one in listeners
        for minor, word in ((1, "1.0"), (2, "1.1"))
        if _raw(one, client_hello(minor))[:1] == bytes([_HANDSHAKE])
    ]
    return _seen(broken, listeners, "no handshake")


@check(
    "server-certificate",
    "The server proves its name",
    Threat.IMPERSONATION,
    rfc(8310, "8.1"),
    rfc(9525),
    tried="a handshake on each encrypted port that believes the given root alone",
    expected="a certificate of that root for that name, TLS 1.2 or newer",
)
def server_certificate(target: Target) -> Seen:
    """RFC 8310 section 8.1: the name of the server is what its certificate is checked for."""
    broken, seen = [], []
    for one in _encrypted(target):
        try:
            with connect(one) as stream:
                version = getattr(stream, "version", lambda: None)()
                seen.append(f"{one} {version}")
        except ssl.SSLError as error:
            broken.append(f"{one}: {broken_by(error).why}")
        except OSError as error:
            raise VerifyError(f"{one} was not reached: {broken_by(error).why}") from error
    return Seen.of(broken, len(seen), ", ".join(seen))


@check(
    "identity-required",
    "Nobody is answered without an identity",
    Threat.IMPERSONATION,
    NIST_207,
    NIST_81,
    tried="a question without certificate or token on each listener that needs an identity",
    expected="REFUSED, an alert of TLS, or HTTP 401 or 403",
)
def identity_required(target: Target) -> Seen:
    """NIST SP 800-207 section 2.1, tenet 3: access is granted for each request."""
    wire = question(target.secret_name())
    return all_refuse({one.shows(None): wire for one in target.over_strict()})


def all_refuse(tries: dict[Endpoint, bytes]) -> Seen:
    """Whether each listener refuses its question. Raises `VerifyError` where one says nothing that
    proves anything."""
    said = {one: refusal(one, wire) for one, wire in tries.items()}
    broken = [
        f"{one} answered {reply.rcode}"
        for one, reply in said.items()
        if reply.ended is not Ended.REFUSED
    ]
    fine = ", ".join(f"{one}: {reply.rcode}" for one, reply in said.items())
    return Seen.of(broken, len(said), fine)


def _raw(one: Endpoint, octets: bytes) -> bytes:
    """The first octets that come back on a connection without TLS; none where the server ends it.
    Raises `VerifyError` where it was not reached or stays silent."""
    try:
        with connect(replace(one, transport="tcp")) as stream:
            stream.settimeout(SECONDS)
            stream.sendall(octets)
            return stream.recv(4096)
    except OSError as error:
        said = broken_by(error)
        if said.ended is Ended.CLOSED:
            return b""
        raise VerifyError(f"{one}: {said.why}") from error


def client_hello(minor: int) -> bytes:
    """A ClientHello that offers TLS 1.0 (``minor`` 1) or 1.1 (2) and nothing newer (RFC 4346
    section 7.4.1.2). Our own library would not write it."""
    ciphers = struct.pack("!8H", 0xC013, 0xC014, 0xC009, 0xC00A, 0x002F, 0x0035, 0x000A, 0x00FF)
    groups = b"\x00\x0a\x00\x08\x00\x06\x00\x1d\x00\x17\x00\x18"
    points = b"\x00\x0b\x00\x02\x01\x00"
    extensions = groups + points
    body = bytes([3, minor]) + secrets.token_bytes(32) + b"\x00"
    body += struct.pack("!H", len(ciphers)) + ciphers + b"\x01\x00"
    body += struct.pack("!H", len(extensions)) + extensions
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return bytes([_HANDSHAKE, 3, 1]) + struct.pack("!H", len(handshake)) + handshake


CHECKS: tuple[Check, ...] = (
    no_cleartext,
    no_http,
    old_tls,
    server_certificate,
    identity_required,
)
