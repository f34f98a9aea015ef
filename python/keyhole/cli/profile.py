"""``keyhole profile``: settings for other programs and systems."""

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

  keyhole profile unbound --token-file tv.token        for a resolver in front

  keyhole profile coredns --identity /etc/keyhole      with a client certificate

  keyhole profile apple --token-file - < tv.token > keyhole.mobileconfig

Kinds: systemd-resolved, unbound, stubby, coredns, windows, apple, android, firefox,
chromium.

Exit code 0: printed. 1: there is no such profile; the message says why.
"""

app = typer.Typer()


@app.command("profile", epilog=EXAMPLES)
def profile(
    kind: Annotated[str, typer.Argument(help="The program or system; see below.")],
    token_file: Annotated[
        str | None,
        typer.Option(
            "--token-file", metavar="FILE", help="File with the token; - is standard input."
        ),
    ] = None,
    identity: Annotated[
        Path | None,
        typer.Option(
            "--identity", metavar="FOLDER", help="Folder with svid.pem, from issue or redeem."
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option("--address", help="Address of Keyhole. Default: from the settings."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name in the certificate of the server.")
    ] = None,
    roots: Annotated[
        Path | None,
        typer.Option("--roots", help="Path of bundle.pem on the machine of the program."),
    ] = None,
    data: DATA = None,
    config: CONFIG = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print text, file and notes as JSON.")
    ] = False,
) -> None:
    """Print settings for another program to use this Keyhole, with its credentials.

    The text goes to standard output. Notes, such as that a program cannot use
    a client certificate, go to standard error.
    """
    from keyhole.control.profile import ProfileRequest, make_profile
    from keyhole.system.secret_input import read_secret

    if token_file is not None and identity is not None:
        raise typer.BadParameter(
            "give --token-file or --identity, not both: with both, the certificate decides"
        )
    token = None if token_file is None else read_secret(token_file, "Token")
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
