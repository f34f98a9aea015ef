"""Parses the arguments of ``keyhole dig``, which follow those of BIND's dig."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import dns.exception
import dns.name
import dns.rdatatype
import dns.reversename
from dns.rdatatype import RdataType

from keyhole.dns_client.answer import DEFAULT_PORTS, KEYHOLE_PORTS, Transport
from keyhole.dns_client.error import DnsClientError
from keyhole.dns_client.exchange import Server
from keyhole.model.idn import to_ascii

# As Keyhole makes them: 160 bits in base32 (RFC 4648 section 6).
_TOKEN = re.compile("[a-z2-7]{32}")
_SCHEMES = {
    "https": Transport.HTTPS,
    "tls": Transport.TLS,
    "tcp": Transport.TCP,
    "udp": Transport.UDP,
}


class ArgumentError(DnsClientError):
    """An argument is not valid."""


@dataclass
class LookupRequest:
    """A query and how to send it."""

    name: dns.name.Name | None = None
    kind: RdataType = RdataType.A
    server: str | None = None
    transport: Transport | None = None
    short: bool = False
    recursion: bool = True
    dnssec: bool = False
    seen: set[str] = field(default_factory=set)


def parse_arguments(words: list[str], reverse: str | None) -> LookupRequest:
    """Parses ``@server``, ``+tcp``, a type and a name in any order.

    Raises :class:`ArgumentError` for an unknown argument.
    """
    request = LookupRequest()
    if reverse is not None:
        try:
            request.name = dns.reversename.from_address(str(ip_address(reverse)))
        except ValueError:
            raise ArgumentError(f"{reverse} is not an IP address; -x asks for its name") from None
        request.kind = RdataType.PTR
    for word in words:
        _take(request, word)
    if request.name is None:
        raise ArgumentError("give a name to ask for, such as example.org")
    return request


def _take(request: LookupRequest, word: str) -> None:
    if word.startswith("@"):
        request.server = word[1:]
    elif word.startswith("+"):
        _flag(request, word)
    elif word.upper() == "IN":
        return  # the only class that Keyhole serves
    elif (kind := _type(word)) is not None and "type" not in request.seen:
        request.kind = kind
        request.seen.add("type")
    elif request.name is None:
        request.name = _name(word)
    else:
        raise ArgumentError(f"{word} is neither a record type nor a second name; ask for one name")


def _flag(request: LookupRequest, word: str) -> None:
    match word.removeprefix("+").lower():
        case "tcp" | "vc":
            request.transport = Transport.TCP
        case "tls":
            request.transport = Transport.TLS
        case "https":
            request.transport = Transport.HTTPS
        case "udp" | "notcp":
            request.transport = Transport.UDP
        case "short":
            request.short = True
        case "norecurse" | "norec":
            request.recursion = False
        case "dnssec":
            request.dnssec = True
        case _:
            raise ArgumentError(
                f"{word} is not known here; there are +udp, +tcp, +tls, +https, +short, "
                "+norecurse and +dnssec"
            )


def _type(word: str) -> RdataType | None:
    try:
        return dns.rdatatype.from_text(word)
    except (dns.rdatatype.UnknownRdatatype, ValueError):
        return None


def _name(word: str) -> dns.name.Name:
    try:
        text = word if word.isascii() else to_ascii(word)
        return dns.name.from_text(text, origin=dns.name.root)
    except (dns.exception.DNSException, ValueError) as error:
        raise ArgumentError(f"{word} is not a DNS name: {error}") from error


def choose_server(
    text: str | None,
    transport: Transport | None,
    port: int | None,
    name: str | None,
    ca: Path | None,
) -> Server:
    """Parses ``192.0.2.1``, ``[2001:db8::1]:853``, ``tls://host`` or a DoH URL.

    ``None`` means Keyhole on this machine, at its default ports.
    """
    if text is None:
        chosen = transport or Transport.UDP
        return Server("127.0.0.1", port or KEYHOLE_PORTS[chosen], chosen, name, ca=ca)
    scheme, found, rest = text.partition("://")
    if found and scheme not in _SCHEMES:
        raise ArgumentError(f"{scheme}:// is not known; there are https, tls, tcp and udp")
    chosen = transport or (_SCHEMES[scheme] if found else Transport.UDP)
    if found and transport not in (None, _SCHEMES[scheme]):
        raise ArgumentError(f"{text} and {transport} contradict each other")
    host, given_port, path = _split(rest if found else text)
    _refuse_token(host, name, path)
    return Server(
        host,
        port or given_port or DEFAULT_PORTS[chosen],
        chosen,
        name,
        path or "/dns-query",
        ca,
    )


def _refuse_token(host: str, name: str | None, path: str) -> None:
    """Raises `ArgumentError` for a token in an argument, which it does not repeat."""
    labels = [one.partition(".")[0] for one in (host, name or "")]
    if any(_TOKEN.fullmatch(one.lower()) for one in (*labels, *path.split("/"))):
        raise ArgumentError(
            "this looks like a token, and other users of this machine can read command lines; give "
            "it with --token-file"
        )


def _split(text: str) -> tuple[str, int | None, str]:
    try:
        ip_address(text)
    except ValueError:
        pass
    else:
        return text, None, ""  # a bare IPv6 address has colons, but no port
    try:
        url = urlsplit(f"//{text}")
        host, port = url.hostname, url.port
    except ValueError as error:
        raise ArgumentError(f"@{text} is not a server: {error}") from error
    if not host:
        raise ArgumentError("give a server after @, such as @127.0.0.1 or @https://host/dns-query")
    return host, port, url.path
