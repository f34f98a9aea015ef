"""``keyhole token``: tokens for devices without a certificate."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from keyhole.cli.app import FAILED
from keyhole.cli.options import CONFIG, DATA, JSON, WHY
from keyhole.cli.output import console, errors_console, print_json
from keyhole.control.data_folder import DataFolder, default_data_folder

if TYPE_CHECKING:
    from keyhole.control.tokens import NewToken

CREATE_EXAMPLES = """
[bold]Examples[/]

  keyhole token create living-room-tv

  keyhole token create living-room-tv --replace      replaces the old one

In a policy, its subject is token:living-room-tv.

Exit code 0: created. 1: the name exists already.
"""

app = typer.Typer(help="Tokens for devices without a certificate.", no_args_is_help=True)


@app.command("create", epilog=CREATE_EXAMPLES)
def create(
    name: Annotated[str, typer.Argument(help="Name of the device, for policies.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a token of this name.")
    ] = False,
    why: WHY = None,
    data: DATA = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Create a token and show it, with its DoH URL and DoT name.

    It is shown once: Keyhole stores only its digest.
    """
    from keyhole.cli.delivery import deliver, show_missing
    from keyhole.control.identity import settings_of
    from keyhole.control.tokens import create_token
    from keyhole.identity.journal import Author

    folder, author = DataFolder(data or default_data_folder()), Author.of_command(why)
    made = create_token(folder, config, name, replace=replace, author=author)
    # The one that it replaces must end everywhere.
    missing = deliver(settings_of(folder, config), folder) if replace else {}
    _show(name, made, as_json=as_json)
    show_missing(missing)
    if missing:
        raise typer.Exit(FAILED)


def _show(name: str, made: "NewToken", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "name": name,
                "token": made.secret,
                "doh": made.doh,
                "dot": made.dot,
                "notes": made.notes,
            }
        )
        return
    terminal = console()
    terminal.print(f"[green]+[/] [bold]{made.secret}[/]")
    if made.doh:
        terminal.print(f"  {'DoH':4} {escape(made.doh)}")
    if made.dot:
        terminal.print(f"  {'DoT':4} {escape(made.dot)}")
    for note in made.notes:
        errors_console().print(f"[yellow]![/] {escape(note)}")


@app.command("list")
def list_(data: DATA = None, as_json: JSON = False) -> None:
    """List the names of the tokens."""
    from keyhole.control.tokens import list_tokens

    tokens = list_tokens(DataFolder(data or default_data_folder()))
    if as_json:
        print_json([one.model_dump(mode="json") for one in tokens])
        return
    for one in tokens:
        console().print(f"[bold]{escape(one.name)}[/]  since {one.created:%Y-%m-%d %H:%M} UTC")
    if not tokens:
        console().print("no tokens")


@app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="Name of the token.")],
    why: WHY = None,
    data: DATA = None,
    config: CONFIG = None,
) -> None:
    """Revoke a token. It takes effect while documents are not valid, too.

    It ends when all engines have it, after ten seconds at the latest. Exit
    code 1: an engine does not have it yet, and is named.
    """
    from keyhole.cli.delivery import deliver, show_missing
    from keyhole.control.identity import settings_in_force
    from keyhole.control.tokens import revoke_token
    from keyhole.identity.journal import Author

    folder = DataFolder(data or default_data_folder())
    settings = settings_in_force(folder, config)
    revoke_token(folder, name, Author.of_command(why))
    missing = deliver(settings, folder)
    console().print(f"[red]revoked[/] {escape(name)}")
    show_missing(missing)
    if missing:
        raise typer.Exit(FAILED)
