"""Forwarding by name: upstreams that another product asks for some domains alone."""

from collections.abc import Mapping, Sequence

from keyhole.importers.product_settings import Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import Place
from keyhole.importers.upstreams import MAX_UPSTREAMS, encrypted_server, read_upstream
from keyhole.model.address import PRIVATE_NETWORKS, is_address, read_address
from keyhole.model.domain import read_domain

PRIVATE_REVERSE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8")
"""The networks whose names a router knows."""


def take_forwarding(
    setup: Setup,
    report: Report,
    title: str,
    domains: Sequence[str],
    texts: Sequence[str],
    *,
    addresses: Mapping[str, Sequence[str]] | None = None,
    place: Place | None = None,
) -> None:
    """Adds those of the upstreams ``texts`` that are encrypted, for these domains; reports all as
    one item named ``title``. ``addresses`` are the known addresses of names."""
    found, changes = _domains(domains)
    if not found or not texts:
        why = "; ".join(changes) or "it names no domain or no server"
        report.left(Kind.FORWARDING, title, why, place)
        return
    taken = False
    for text in texts:
        try:
            parsed = read_upstream(text)
            if not parsed.protocol:
                changes.append(f"{text}: {_in_the_clear(parsed.host, parsed.port, found)}")
                continue
            server, more = encrypted_server(parsed, addresses or {})
        except ValueError as error:
            changes.append(f"{text}: {error}")
            continue
        if server not in setup.forwarding and len(setup.forwarding) >= MAX_UPSTREAMS:
            changes.append(f"{text}: it is behind the first {MAX_UPSTREAMS} servers of domains")
            continue
        setup.forwarding.setdefault(server, {}).update(dict.fromkeys(found))
        changes += more
        taken = True
    if not taken:
        report.left(Kind.FORWARDING, title, "; ".join(changes), place)
    elif changes:
        report.changed(Kind.FORWARDING, title, "; ".join(changes), place)
    else:
        why = f"an Upstream with domains: [{', '.join(found)}]"
        report.taken(Kind.FORWARDING, title, why, place)


def _domains(written: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The domains that can be taken, and why others cannot or mean more than before."""
    found: list[str] = []
    changes: list[str] = []
    for text in (text.strip() for text in written):
        try:
            if text.startswith("*."):
                changes.append(f"{text[2:]} itself is asked there, too")
            found.append(read_domain(text.removeprefix("*.").removeprefix(".")))
        except ValueError as error:
            changes.append(f"{text or 'names of one label'}: {error}")
    return tuple(dict.fromkeys(found)), changes


def _in_the_clear(host: str, port: int | None, domains: Sequence[str]) -> str:
    """Why a server is left, and what a person may write instead."""
    names = ", ".join(domains)
    why = (
        "it is not encrypted; if it offers DNS over TLS, write an Upstream with protocol: dot, its "
        f"serverName and domains: [{names}]"
    )
    if not is_address(host) or not _is_local(host):
        return why
    shown = f"[{host}]" if ":" in host else host
    address = f'"{shown}:{port}"' if port else f'"{host}"' if ":" in host else host
    return (
        f"{why}; if it cannot, and nobody else is on the way to it, write protocol: tcp, "
        f"addresses: [{address}], domains: [{names}] and insecure: local-network"
    )


def _is_local(host: str) -> bool:
    address = read_address(host)
    return any(address in one for one in PRIVATE_NETWORKS if one.version == address.version)
