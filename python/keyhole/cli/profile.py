"""``keyhole profile``: settings for other programs and systems."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from keyhole.cli.options import CONFIG, DATA
from keyhole.cli.output import errors_console, print_json
from keyhole.control.data_folder import DataFolder, default_data_folder

EXAMPLES = """
[bold]Examples[/]

  keyhole token create tv                              a token first, then

  keyhole profile unbound --token abcdefgh...          for a resolver in front

  keyhole profile coredns --identity /etc/keyhole      with a client certificate

  keyhole profile apple --token - < tv.token > keyhole.mobileconfig

Kinds: systemd-resolved, unbound, stubby, coredns, windows, apple, firefox, chromium.

Exit code 0: printed. 1: such a profile cannot be, and why.
"""

app = typer.Typer()


@app.command("profile", epilog=EXAMPLES)
def profile(
    kind: Annotated[str, typer.Argument(help="For which program or system; see below.")],
    token: Annotated[
        str | None,
        typer.Option("--token", help="The token itself, 32 characters; - reads it from the input."),
    ] = None,
    identity: Annotated[
        Path | None,
        typer.Option(
            "--identity", metavar="FOLDER", help="Folder with svid.pem, from issue or redeem."
        ),
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", help="Where the client finds Keyhole, if elsewhere.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The name that the server's certificate carries.")
    ] = None,
    roots: Annotated[
        Path | None,
        typer.Option("--roots", help="Where bundle.pem will lie on the machine of the program."),
    ] = None,
    data: DATA = None,
    config: CONFIG = None,
    as_json: Annotated[bool, typer.Option("--json", help="Text, file and notes.")] = False,
) -> None:
    """Print settings by which another program asks this Keyhole, and shows who it is.

    The text goes to standard output. What must be known beside it, such as
    that a program cannot show a certificate, goes to standard error.
    """
    from keyhole.control.profile import ProfileRequest, make_profile

    if token is not None and identity is not None:
        raise typer.BadParameter("give --token or --identity; the certificate would decide anyway")
    if token == "-":  # noqa: S105
        token = sys.stdin.readline().strip()
    made = make_profile(
        DataFolder(data or default_data_folder()),
        config,
        ProfileRequest(kind, token, identity, address, name, roots),
    )
    if as_json:
        print_json({"kind": kind, "file": made.file, "text": made.text, "notes": list(made.notes)})
        return
    print(made.text, end="")
    terminal = errors_console()
    terminal.print(f"[bold]for[/] {escape(made.file)}")
    for note in made.notes:
        terminal.print(f"  {escape(note)}")
