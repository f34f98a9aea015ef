"""The use case behind ``keyhole dig``: from the words to what is shown."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import dns.rcode
from rich.console import Console

from keyhole.control.data_folder import DataFolder, default_data_folder
from keyhole.dns_client import report
from keyhole.dns_client.answer import Transport
from keyhole.dns_client.arguments import ArgumentError, choose_server, parse_arguments
from keyhole.dns_client.credentials import ClientCredentials
from keyhole.dns_client.exchange import Server, exchange, is_loopback, question

__all__ = ["LookupOptions", "ClientCredentials", "ArgumentError", "lookup"]


@dataclass(frozen=True)
class LookupOptions:
    """What a person gave on the command line, options before words where both say something."""

    words: list[str]
    transport: str | None
    server: str | None
    port: int | None
    name: str | None
    ca: Path | None
    reverse: str | None
    shown: ClientCredentials


def lookup(asked: LookupOptions, timeout: float, *, as_json: bool) -> bool:
    """Asks and shows; whether the answer is one without an error.

    Raises :class:`ArgumentError` for what cannot be understood and ``DnsClientError`` when no answer comes.
    """
    request = parse_arguments(asked.words, asked.reverse)
    assert request.name is not None
    transport = Transport(asked.transport) if asked.transport else request.transport
    chosen = choose_server(
        asked.server or request.server, transport, asked.port, asked.name, asked.ca
    )
    server = replace(_with_own_authority(chosen), shown=asked.shown)
    message = question(
        request.name,
        request.kind,
        server.transport,
        recursion=request.recursion,
        dnssec=request.dnssec,
    )
    answer = exchange(server, message, timeout)
    console = Console()
    if as_json:
        print(json.dumps(report.as_document(answer, server), indent=2))
    elif request.short:
        report.show_short(console, answer)
    else:
        report.show(console, answer, server)
    return answer.message.rcode() == dns.rcode.NOERROR


def _with_own_authority(server: Server) -> Server:
    """For a Keyhole on this machine, trusts the root in its data folder unless told otherwise."""
    if server.ca is not None or not server.transport.encrypted or not is_loopback(server.host):
        return server
    root = DataFolder(default_data_folder()).identity / "root.pem"
    return replace(server, ca=root) if root.exists() else server
