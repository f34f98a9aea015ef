"""``keyhole dig``: ask a server, and see how the answer was protected."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import dns.rcode
import typer
from rich.console import Console

from keyhole.control.data import DataFolder, default_data_folder
from keyhole.verify import report
from keyhole.verify.answer import Transport
from keyhole.verify.ask import Server, ask, is_loopback, question
from keyhole.verify.request import WordError, choose_server, read_words

EXAMPLES = """
[bold]Examples[/]

  keyhole dig example.org                    Keyhole on this machine, UDP

  keyhole dig example.org AAAA --tls         the same, encrypted

  keyhole dig @192.0.2.1 example.org MX +tcp       another server

  keyhole dig @https://192.0.2.1/dns-query example.org --ca root.pem

  keyhole dig -x 192.0.2.7                   the name of an address

Exit code 0: an answer without error. 1: no answer, or an error such as

NXDOMAIN or REFUSED. 2: wrong usage.
"""


def dig(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[@SERVER] NAME [TYPE]",
            help="In any order; +tcp, +tls, +https, +short work too.",
        ),
    ] = None,
    udp: Annotated[bool, typer.Option("--udp", help="In the clear; the default.")] = False,
    tcp: Annotated[bool, typer.Option("--tcp", help="In the clear, over TCP.")] = False,
    tls: Annotated[bool, typer.Option("--tls", help="DNS over TLS.")] = False,
    https: Annotated[bool, typer.Option("--https", help="DNS over HTTPS, HTTP/2.")] = False,
    server: Annotated[
        str | None,
        typer.Option("--server", "-s", help="The same as @SERVER; also a URL, as tls://192.0.2.1."),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", "-p", min=1, max=65535, help="Port of the server.")
    ] = None,
    ca: Annotated[
        Path | None, typer.Option("--ca", help="PEM file: trust these certificates alone.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="What the certificate must carry instead of SERVER."),
    ] = None,
    reverse: Annotated[
        str | None, typer.Option("-x", metavar="ADDRESS", help="Ask for the name of an address.")
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, max=600, help="Seconds for everything.")
    ] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for a program.")] = False,
) -> None:
    """Ask a DNS server; see what it says, how fast, and how it was protected."""
    flags = {Transport.UDP: udp, Transport.TCP: tcp, Transport.TLS: tls, Transport.HTTPS: https}
    chosen = [transport for transport, wanted in flags.items() if wanted]
    if len(chosen) > 1:
        raise typer.BadParameter("choose one of --udp, --tcp, --tls and --https")
    try:
        request = read_words(words or [], reverse)
        transport = chosen[0] if chosen else request.transport
        target = choose_server(server or request.server, transport, port, name, ca)
    except WordError as error:
        raise typer.BadParameter(str(error)) from error
    assert request.name is not None
    message = question(
        request.name,
        request.kind,
        target.transport,
        recursion=request.recursion,
        dnssec=request.dnssec,
    )
    answer = ask(_with_own_authority(target), message, timeout)
    console = Console()
    if as_json:
        print(json.dumps(report.as_document(answer), indent=2))
    elif request.short:
        report.show_short(console, answer)
    else:
        report.show(console, answer, target)
    if answer.message.rcode() != dns.rcode.NOERROR:
        raise typer.Exit(1)


def _with_own_authority(server: Server) -> Server:
    """For a Keyhole on this machine, trusts the root in its data folder unless told otherwise."""
    if server.ca is not None or not server.transport.encrypted or not is_loopback(server.host):
        return server
    root = DataFolder(default_data_folder()).identity / "root.pem"
    return replace(server, ca=root) if root.exists() else server
