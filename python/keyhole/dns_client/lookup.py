"""The use case of ``keyhole dig``: from the arguments to the printed answer."""

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

__all__ = ["ArgumentError", "ClientCredentials", "LookupOptions", "lookup"]


@dataclass(frozen=True)
class LookupOptions:
    """The command line; options have precedence over words such as ``+tcp``."""

    words: list[str]
    transport: str | None
    server: str | None
    port: int | None
    name: str | None
    ca: Path | None
    reverse: str | None
    credentials: ClientCredentials


def lookup(options: LookupOptions, timeout: float, *, as_json: bool) -> bool:
    """Sends the query and prints the answer; returns whether its code is NOERROR.

    Raises :class:`ArgumentError` for invalid arguments and ``DnsClientError`` without an answer.
    """
    request = parse_arguments(options.words, options.reverse)
    assert request.name is not None
    transport = Transport(options.transport) if options.transport else request.transport
    chosen = choose_server(
        options.server or request.server, transport, options.port, options.name, options.ca
    )
    server = replace(_with_own_authority(chosen), credentials=options.credentials)
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
    """For a Keyhole on this machine, trusts the root in its data folder by default."""
    if server.ca is not None or not server.transport.encrypted or not is_loopback(server.host):
        return server
    root = DataFolder(default_data_folder()).identity / "root.pem"
    return replace(server, ca=root) if root.exists() else server
