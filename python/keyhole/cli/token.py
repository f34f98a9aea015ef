"""``keyhole token``: secrets for devices that have no certificate."""

from typing import Annotated

import typer
from rich.markup import escape

from keyhole.cli.options import CONFIG, DATA, JSON
from keyhole.cli.output import console, errors_console, print_json
from keyhole.control.data_folder import DataFolder, default_data_folder

CREATE_EXAMPLES = """
[bold]Examples[/]

  keyhole token create living-room-tv

  keyhole token create living-room-tv --replace      the old one ends

In a policy it is the subject token:living-room-tv.

Exit code 0: made. 1: the name is taken.
"""

app = typer.Typer(help="Secrets for devices that have no certificate.", no_args_is_help=True)


@app.command("create", epilog=CREATE_EXAMPLES)
def create(
    name: Annotated[str, typer.Argument(help="Of the device, as policies will name it.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="End the token of this name first.")
    ] = False,
    data: DATA = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Make a token and show it, with the URL and the name that carry it.

    It is shown once: Keyhole keeps its digest alone.
    """
    from keyhole.control.tokens import create_token

    made = create_token(DataFolder(data or default_data_folder()), config, name, replace=replace)
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
    """List the tokens by name; what they are is not kept."""
    from keyhole.control.tokens import list_tokens

    tokens = list_tokens(DataFolder(data or default_data_folder()))
    if as_json:
        print_json([one.model_dump(mode="json") for one in tokens])
        return
    for one in tokens:
        console().print(f"[bold]{escape(one.name)}[/]  since {one.created:%Y-%m-%d %H:%M} UTC")
    if not tokens:
        console().print("none so far")


@app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="Of the token that ends.")], data: DATA = None
) -> None:
    """End a token; within seconds nobody is served by it."""
    from keyhole.control.tokens import revoke_token

    revoke_token(DataFolder(data or default_data_folder()), name)
    console().print(f"[red]revoked[/] {escape(name)}")
