"""Upstreams in the forms of other products. Only encrypted ones are imported.

``tls://dns.example.org``, ``https://dns.example.org/dns-query``, ``tcp-tls:dns.example.org:853``,
``sdns://...``, ``192.0.2.53#5353``: each product accepts some of these forms.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from keyhole.importers.dns_stamp import read_stamp
from keyhole.importers.product_settings import Server, Setup
from keyhole.importers.public_resolvers import resolver_at, resolver_named
from keyhole.importers.report import Kind, Report
from keyhole.model.address import is_address, read_upstream_address
from keyhole.model.name import read_server_name
from keyhole.model.upstream import DOH_PATH, PORTS, read_doh_path

_ENCRYPTED = {
    "tls": "dot",
    "tcp-tls": "dot",
    "dot": "dot",
    "https": "doh",
    "h3": "doh",
    "doh": "doh",
}
_QUIC = ("quic", "doq")
MAX_UPSTREAMS = 256
_MAX_TIMEOUT = 30
"""Seconds."""
_SCHEME = re.compile(r"([A-Za-z0-9+-]+)://|(tcp-tls|tcp\+udp|quic|udp|tcp):(?!//)")


@dataclass(frozen=True)
class ParsedUpstream:
    """The parts of an upstream."""

    protocol: str
    """dot, doh, quic, or empty for DNS without encryption."""
    host: str
    port: int | None = None
    path: str = ""
    server_name: str = ""
    """The name in its certificate, if that is not the host."""
    addresses: tuple[str, ...] = ()
    """Its addresses, if they were given."""
    changes: tuple[str, ...] = ()


def take_upstreams(
    setup: Setup,
    report: Report,
    texts: Sequence[str],
    *,
    addresses: Mapping[str, Sequence[str]] | None = None,
) -> list[Server]:
    """The encrypted ones of these; all are reported, and others may add a suggestion.

    ``addresses`` are the known addresses of names.
    """
    servers: list[Server] = []
    different = list(dict.fromkeys(texts))
    for text in different[MAX_UPSTREAMS:]:
        why = f"it is behind the first {MAX_UPSTREAMS} upstreams; more are not read"
        report.left(Kind.UPSTREAM, text, why)
    for text in different[:MAX_UPSTREAMS]:
        try:
            server, changes = encrypted_server(read_upstream(text), addresses or {})
        except _CleartextError as cleartext:
            report.left(Kind.UPSTREAM, text, cleartext.why)
            if cleartext.suggestion is not None and cleartext.suggestion not in setup.suggestions:
                setup.suggestions.append(cleartext.suggestion)
        except ValueError as error:
            report.left(Kind.UPSTREAM, text, str(error))
        else:
            report.add(Kind.UPSTREAM, text, changes)
            if server not in servers:
                servers.append(server)
    return servers


def take_timeout(setup: Setup, report: Report, title: str, seconds: int | None) -> None:
    """Sets the time that one try of an upstream may take, as far as a Policy allows it."""
    if not seconds:
        report.left(Kind.SETTING, title, "it is no time from 1s to 30s")
        return
    setup.timeout = min(seconds, _MAX_TIMEOUT)
    shown = f"upstreams.timeout: {setup.timeout}s"
    if setup.timeout == seconds:
        report.taken(Kind.SETTING, title, shown)
    else:
        report.changed(Kind.SETTING, title, f"{shown}; more is not allowed")


class _CleartextError(Exception):
    def __init__(self, host: str) -> None:
        resolver = resolver_at(host)
        self.suggestion = resolver.server() if resolver else None
        self.why = "it is not encrypted, and Keyhole uses encrypted upstreams only; "
        if resolver is not None:
            self.why += (
                f"{resolver.title} has an encrypted service: protocol dot, addresses "
                f"{', '.join(resolver.addresses[:2])}, serverName {resolver.name}"
            )
        elif is_address(host) and not _is_public(host):
            self.why += (
                "if it is your own, set up DNS over TLS with a certificate, and write an Upstream "
                "with its ca; or use a public resolver instead"
            )
        else:
            self.why += "write an Upstream with protocol dot or doh, its addresses and serverName"
        super().__init__(self.why)


def _is_public(address: str) -> bool:
    return read_upstream_address(address).ip.is_global


def read_upstream(text: str) -> ParsedUpstream:
    """Parses an upstream; raises ValueError where it is invalid."""
    text = text.strip()
    if text.startswith("sdns://"):
        return _from_stamp(text)
    found = _SCHEME.match(text)
    scheme = (found[1] or found[2]).lower() if found else ""
    rest = text[found.end() :] if found else text
    if scheme in ("https", "h3", "doh"):
        return _from_url(rest, by_quic=scheme == "h3")
    protocol = "quic" if scheme in _QUIC else _ENCRYPTED.get(scheme, "")
    if scheme and not protocol and scheme not in ("udp", "tcp", "tcp+udp", "dns"):
        raise ValueError(f"the protocol {scheme} is not supported")
    name, at, rest = rest.rpartition("@")  # NAME@ADDRESS: Pi-hole's form for a known address
    if "#" in rest and not rest.rpartition("#")[2].isdigit():
        rest, _, name = rest.partition("#")  # ADDRESS#NAME: the form of blocky and systemd
    host, port = _host_and_port(rest)
    return ParsedUpstream(protocol, host, port, server_name=name if at or name else "")


def _from_url(rest: str, *, by_quic: bool) -> ParsedUpstream:
    rest, hash_, name = rest.partition("#")
    if hash_ and name[:1].isdigit():  # HOST#PORT/PATH: Pi-hole's form
        port, slash, path = name.partition("/")
        rest, name = f"{rest}:{port}{slash}{path}", ""
    parts = urlsplit(f"https://{rest}")
    verify, _, _ = parts.netloc.rpartition("@")
    if ":" in verify:
        raise ValueError("it has a password in it; write the Upstream by hand")
    if parts.query:
        raise ValueError("its URL has a query; write the Upstream by hand")
    changes = ("uses HTTP/2, not HTTP/3",) if by_quic else ()
    path = parts.path or DOH_PATH
    host = (parts.hostname or "").strip("[]")
    return ParsedUpstream("doh", host, parts.port, path, verify or name, changes=changes)


def _from_stamp(text: str) -> ParsedUpstream:
    stamp = read_stamp(text)
    if stamp.protocol == "plain":
        return ParsedUpstream("", "", None)
    if stamp.protocol not in ("doh", "dot"):
        raise ValueError(f"the protocol {stamp.protocol} is not supported; dot and doh are")
    host, port = _host_and_port(stamp.host)
    address, address_port = _host_and_port(stamp.address) if stamp.address else ("", None)
    pins = "its pins are dropped: they are hashes of other certificates than Keyhole pins"
    return ParsedUpstream(
        stamp.protocol,
        host,
        port or address_port,
        stamp.path,
        addresses=(address,) if address else (),
        changes=(pins,) if stamp.pins else (),
    )


def _host_and_port(text: str) -> tuple[str, int | None]:
    text = text.strip()
    bracketed = re.fullmatch(r"\[([^\]]*)\](?:[:#](\d{1,5}))?", text)
    if bracketed:
        return bracketed[1], int(bracketed[2]) if bracketed[2] else None
    if text.count(":") > 1 and "#" not in text:
        return text, None
    found = re.fullmatch(r"([^#]*?)(?:[:#](\d{1,5}))?", text)
    if found is None:
        raise ValueError("it cannot be parsed as an upstream")
    return found[1], int(found[2]) if found[2] else None


def encrypted_server(
    parsed: ParsedUpstream, known: Mapping[str, Sequence[str]]
) -> tuple[Server, tuple[str, ...]]:
    """The server, and what differs; raises ``ValueError`` where it cannot be taken. ``known`` are
    the known addresses of names."""
    if not parsed.protocol:
        raise _CleartextError(parsed.host)
    if parsed.protocol == "quic":
        raise ValueError(
            "DNS over QUIC is not supported; most such servers support DNS over TLS as well: "
            "protocol dot"
        )
    name = read_server_name(parsed.server_name or parsed.host)
    addresses, changes = _addresses(parsed, name, known)
    if is_address(name) and (resolver := resolver_at(name)):
        name = resolver.name
    port = parsed.port if parsed.port not in (None, PORTS[parsed.protocol]) else None
    path = None
    if parsed.protocol == "doh" and parsed.path not in ("", DOH_PATH):
        path = read_doh_path(parsed.path)
    endpoints = tuple(_endpoint(address, port) for address in addresses)
    return Server(parsed.protocol, endpoints, name, path), (*parsed.changes, *changes)


def _addresses(
    parsed: ParsedUpstream, name: str, known: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Its addresses. A name alone is not enough: Keyhole uses no DNS to find an upstream."""
    if parsed.addresses:
        return parsed.addresses, ()
    if is_address(parsed.host):
        return (parsed.host,), ()
    if known.get(parsed.host):
        return tuple(known[parsed.host]), ()
    resolver = resolver_named(name)
    if resolver is None:
        raise ValueError(
            f"only its name is known; write an Upstream with protocol {parsed.protocol}, "
            f"serverName {name} and its addresses, since Keyhole uses no DNS to find upstreams"
        )
    change = f"its addresses are fixed in the document, as {resolver.title} publishes them"
    return resolver.addresses, (change,)


def _endpoint(address: str, port: int | None) -> str:
    endpoint = read_upstream_address(address)
    return str(read_upstream_address(endpoint.with_port(port))) if port else str(endpoint)
