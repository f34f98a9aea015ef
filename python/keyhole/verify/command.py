"""``keyhole verify``: attacks a running Keyhole, and says of each promise whether it holds."""

import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """
[bold]Examples[/]

  keyhole verify                            starts a lab and attacks it

  keyhole verify --list                     what is tried, and which standard asks for it

  keyhole verify --only tunnel-budget --only revocation

  keyhole verify --format html --output proof.html --format sarif --output proof.sarif

  keyhole verify --server 192.0.2.1 --i-have-permission --ca root.pem --blocked ads.example.net

Exit code 0: all promises that were tried hold. 1: one is broken, or a check failed by
itself. 2: nothing was tried, a file could not be written, or wrong usage.
"""

app = typer.Typer()
_NOT_RUN = 2
_SERVER, _REPORT = "Another Keyhole", "Report"


@app.command("verify", epilog=EXAMPLES)
def verify(
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="ID", help="This check; may be repeated.")
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="List the checks, try none.")] = False,
    lab: Annotated[
        Path | None,
        typer.Option("--lab", metavar="FILE", help="Ready file of a lab that runs already."),
    ] = None,
    watch: Annotated[
        float | None,
        typer.Option(
            "--watch",
            metavar="SECONDS",
            min=10,
            help="Try again so long after each run, until Ctrl-C; print what changed.",
        ),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            rich_help_panel=_REPORT,
            help="json, html, junit, sarif or prometheus, in place of the table or for --output; "
            "may be repeated.",
        ),
    ] = None,
    outputs: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            rich_help_panel=_REPORT,
            help="File for the --format in the same place of the line.",
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option("--server", "-s", rich_help_panel=_SERVER, help="Its name or address."),
    ] = None,
    permitted: Annotated[
        bool,
        typer.Option(
            "--i-have-permission",
            rich_help_panel=_SERVER,
            help="Whoever runs it has agreed to be attacked.",
        ),
    ] = False,
    dns: Annotated[
        int | None, typer.Option("--dns", rich_help_panel=_SERVER, help="Its port for UDP and TCP.")
    ] = None,
    tcp: Annotated[
        int | None,
        typer.Option(
            "--tcp",
            rich_help_panel=_SERVER,
            help="Its port for TCP alone, which answers this machine also with --strict.",
        ),
    ] = None,
    dot: Annotated[
        int | None, typer.Option("--dot", rich_help_panel=_SERVER, help="Its port for DoT.")
    ] = None,
    doh: Annotated[
        int | None, typer.Option("--doh", rich_help_panel=_SERVER, help="Its port for DoH.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", rich_help_panel=_SERVER, help="The name in its certificate."),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option("--ca", rich_help_panel=_SERVER, help="PEM file: trust only this root."),
    ] = None,
    cert: Annotated[
        Path | None,
        typer.Option("--cert", rich_help_panel=_SERVER, help="PEM file: a good certificate."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", rich_help_panel=_SERVER, help="PEM file: its key.")
    ] = None,
    token_file: Annotated[
        str | None,
        typer.Option("--token-file", rich_help_panel=_SERVER, help="File with a good token, or -."),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            rich_help_panel=_SERVER,
            help="It should answer nobody here without certificate or token.",
        ),
    ] = False,
    known: Annotated[
        str, typer.Option("--known", rich_help_panel=_SERVER, help="A name that it answers.")
    ] = "example.org",
    blocked: Annotated[
        str | None,
        typer.Option("--blocked", rich_help_panel=_SERVER, help="A name that it blocks."),
    ] = None,
    alias: Annotated[
        str | None,
        typer.Option("--alias", rich_help_panel=_SERVER, help="An alias of a name it blocks."),
    ] = None,
    tunnel: Annotated[
        str | None,
        typer.Option("--tunnel", rich_help_panel=_SERVER, help="A domain to tunnel through."),
    ] = None,
    api: Annotated[
        str | None, typer.Option("--api", rich_help_panel=_SERVER, help="URL of its API.")
    ] = None,
    closed_api: Annotated[
        str | None,
        typer.Option(
            "--closed-api",
            metavar="URL",
            rich_help_panel=_SERVER,
            help="URL of its API, where a mesh or proxy lets nobody through from here.",
        ),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option("--metrics", rich_help_panel=_SERVER, help="URL of its metrics."),
    ] = None,
) -> None:
    """Attack a Keyhole, and prove each of its promises.

    Without options it starts a lab of its own. Another Keyhole is attacked only
    with permission; what needs the inside of a lab is then skipped.
    """
    # Imported here, so that other commands start faster.
    from keyhole.errors import KeyholeError
    from keyhole.system.parent_death import die_if_asked
    from keyhole.verify.proof import Proof, keep_proving, list_checks, prove
    from keyhole.verify.server import Server

    die_if_asked()
    proof = Proof(tuple(only or ()), tuple(formats or ()), tuple(outputs or ()))
    if server is not None and not permitted:
        raise typer.BadParameter(
            f"attack {server} only if whoever runs it has agreed: add --i-have-permission"
        )
    if server is not None and lab is not None:
        raise typer.BadParameter("give --server or --lab, not both")
    try:
        if show_list:
            list_checks(proof)
            return
        there = None
        if server is not None:
            from keyhole.system.secret_input import read_secret

            there = Server(
                host=server,
                dns=dns,
                tcp=tcp,
                dot=dot,
                doh=doh,
                name=name,
                ca=ca,
                cert=cert,
                key=key,
                token=None if token_file is None else read_secret(token_file, "Token"),
                strict=strict,
                known=known,
                blocked=blocked,
                alias=alias,
                tunnel=tunnel,
                api=api,
                closed_api=closed_api,
                metrics=metrics or [],
            )
        if watch is not None:
            keep_proving(proof, there, lab, partial(time.sleep, watch))
        code = prove(proof, there, lab)
    except (KeyholeError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(_NOT_RUN) from None
    raise typer.Exit(code)
