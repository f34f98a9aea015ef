"""``keyhole status``: what the Keyhole of a data folder does now."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.output import console, print_json

EXAMPLES = """
[bold]Examples[/]

  keyhole status

  keyhole status --data ./home --json

Exit code 0: it runs. 1: it does not.
"""

app = typer.Typer()


@app.command("status", epilog=EXAMPLES)
def status(
    data: Annotated[
        Path | None, typer.Option("--data", "-d", help="Data folder of the Keyhole that is meant.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
) -> None:
    """Show what runs with a data folder, and where it listens."""
    with ApiClient(data) as api:
        found = api.ask("GET", "/status").json()
    if as_json:
        print_json(found)
        return
    terminal = console()
    terminal.print(f"Keyhole {escape(found['role'])}, version {escape(found['version'])}")
    for transport, addresses in found["listeners"].items():
        terminal.print(f"  {escape(transport)}: {escape(', '.join(addresses))}")
    for one in found["dnstap"]:
        how = "" if one["is_working"] else " (it is not taken; tried again)"
        counts = f"{one['sent']} sent, {one['dropped']} dropped"
        terminal.print(f"dnstap to {escape(one['target'])}: {counts}{how}")
