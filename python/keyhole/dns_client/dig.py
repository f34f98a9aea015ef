"""The command ``keyhole dig``: asks a DNS server."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """
[bold]Examples[/]

  keyhole dig example.org                    Keyhole on this machine, UDP

  keyhole dig example.org AAAA --tls         the same, encrypted

  keyhole dig @192.0.2.1 example.org MX +tcp       another server

  keyhole dig @https://192.0.2.1/dns-query example.org --ca root.pem

  keyhole dig @192.0.2.1 +tls example.org --cert web.pem --key web-key.pem

  keyhole dig -x 192.0.2.7                   the name of an address

Exit code 0: an answer without error. 1: no answer, or an error such as

NXDOMAIN or REFUSED. 2: wrong usage.
"""

app = typer.Typer()


@app.command("dig", epilog=EXAMPLES)
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
        Path | None, typer.Option("--ca", help="PEM file: trust only these certificates.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="The name in the certificate, if not SERVER."),
    ] = None,
    cert: Annotated[
        Path | None,
        typer.Option("--cert", help="PEM file: our client certificate."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="PEM file: the key of our certificate.")
    ] = None,
    token_file: Annotated[
        str | None,
        typer.Option("--token-file", metavar="FILE", help="File with our token, or -."),
    ] = None,
    reverse: Annotated[
        str | None, typer.Option("-x", metavar="ADDRESS", help="Look up the name of an address.")
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, max=600, help="Total time limit in seconds.")
    ] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Ask a DNS server; print the answer, its time, and how it was protected."""
    # Imported here, since other commands do not need it.
    from keyhole.dns_client.lookup import ArgumentError, ClientCredentials, LookupOptions, lookup
    from keyhole.system.secret_input import read_secret

    token = None if token_file is None else read_secret(token_file, "Token")
    wanted = [
        one
        for one, is_set in (("udp", udp), ("tcp", tcp), ("tls", tls), ("https", https))
        if is_set
    ]
    if len(wanted) > 1:
        raise typer.BadParameter("choose one of --udp, --tcp, --tls and --https")
    options = LookupOptions(
        words=words or [],
        transport=wanted[0] if wanted else None,
        server=server,
        port=port,
        name=name,
        ca=ca,
        reverse=reverse,
        credentials=ClientCredentials(cert, key, token),
    )
    try:
        is_good = lookup(options, timeout, as_json=as_json)
    except ArgumentError as error:
        raise typer.BadParameter(str(error)) from error
    if not is_good:
        raise typer.Exit(1)
