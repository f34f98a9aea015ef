"""``keyhole setup``: first settings from five answers, or a used folder without a part of it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from keyhole.cli.app import FAILED
from keyhole.cli.options import CONFIG, DATA, WHY
from keyhole.cli.output import console, sanitize
from keyhole.control.data_folder import DataFolder, default_data_folder

EXAMPLES = """
[bold]Examples[/]

  keyhole setup                        five questions, then keyhole up

  keyhole setup --listen 192.168.1.2 --serve 192.168.1.0/24 --upstream quad9

      --list hagezi-light --one-time-password --dry-run

  keyhole setup --new                  a used folder, without what is gone

Upstreams by name: adguard, cloudflare, cloudflare-for-families, google, mullvad, opendns,

quad9 and their variants; dot:NAME asks one over TLS in place of HTTPS. Your own:

dot:dns.example.org@192.0.2.1. keyhole lists catalog names the lists.

Exit code 0: written, or nothing is missing. 1: nothing was written; the message

says why. 2: an option is missing or wrong.
"""

app = typer.Typer()


@app.command("setup", epilog=EXAMPLES)
def setup(
    data: DATA = None,
    config: CONFIG = None,
    listen: Annotated[
        list[str] | None,
        typer.Option(
            "--listen",
            metavar="ADDRESS",
            help="Address of this machine to listen on; again for more.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65_535, help="Port of DNS over UDP and TCP; usually 53."),
    ] = None,
    serve: Annotated[
        list[str] | None,
        typer.Option(
            "--serve",
            metavar="NETWORK",
            help="Network to serve besides this machine; none for no other.",
        ),
    ] = None,
    upstream: Annotated[
        list[str] | None,
        typer.Option(
            "--upstream",
            metavar="NAME",
            help="Upstream to ask, the preferred one first; see below.",
        ),
    ] = None,
    lists: Annotated[
        list[str] | None,
        typer.Option(
            "--list",
            metavar="NAME",
            help="List of names to block, from the catalog; none for no list.",
        ),
    ] = None,
    password_file: Annotated[
        str | None,
        typer.Option(
            "--password-file",
            metavar="FILE",
            help="File with the password of admin; - is the input.",
        ),
    ] = None,
    one_time_password: Annotated[
        bool, typer.Option("--one-time-password", help="The first start shows one, and a link.")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of this Keyhole in its certificate.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what is there; it is kept beside, as .old.")
    ] = False,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="Write also while somebody else has a port, or where --replace loses settings.",
        ),
    ] = False,
    new: Annotated[
        bool, typer.Option("--new", help="Go on without what is missing; what is lost is said.")
    ] = False,
    why: WHY = None,
) -> None:
    """Write the first settings and documents, from five questions or from options.

    Where to listen, whom to serve, upstreams, lists, password. It says who has a
    port and how to make room, and writes all or nothing. In a folder that was
    used, it says what is missing, and goes on without it with --new.
    """
    from keyhole.control.missing_parts import is_used

    folder = DataFolder(data or default_data_folder())
    given = (listen, serve, upstream, lists, password_file, name)
    is_first = any(given) or one_time_password or dry_run or replace or anyway
    if new and is_first:
        raise typer.BadParameter("--new is for a used folder, and takes no other option")
    if new or (not is_first and is_used(folder)):
        _what_is_missing(folder, config, new=new, why=why)
        return
    from keyhole.cli.setup_first import Given, run_setup

    wanted = Given(
        listen=listen,
        port=port,
        serve=serve,
        upstream=upstream,
        lists=lists,
        password_file=password_file,
        one_time_password=one_time_password,
        name=name,
        dry_run=dry_run,
        replace=replace,
        anyway=anyway,
    )
    run_setup(folder, config or folder.config, wanted)


def _what_is_missing(
    folder: DataFolder, config: Path | None, *, new: bool, why: str | None
) -> None:
    import asyncio
    from contextlib import closing

    from keyhole.control.error import ControlError
    from keyhole.control.first_run.place import finish_at_start
    from keyhole.control.setup import go_on_without, unusable_parts
    from keyhole.identity.journal import Author

    terminal = console()
    if why_not := finish_at_start(config or folder.config):
        terminal.print(f"[yellow]{escape(sanitize(why_not))}[/]", soft_wrap=True)
    if not folder.state.is_dir():
        raise ControlError(f"{folder.path} was never used; keyhole setup begins with it")
    with closing(asyncio.run(folder.claim())):
        parts = unusable_parts(folder, config)
        for one in parts:
            terminal.print(f"[yellow]{escape(sanitize(one.found))}[/]")
            terminal.print(f"    lost without it: {escape(one.lost)}")
        if not parts:
            terminal.print("nothing is missing")
            return
        if not new:
            terminal.print("restore it from a backup (keyhole restore), or run keyhole setup --new")
            raise typer.Exit(FAILED)
        for path in go_on_without(folder, parts, Author.of_command(why)):
            terminal.print(f"wrote {escape(str(path))}")
    terminal.print("the next keyhole up makes it anew")
