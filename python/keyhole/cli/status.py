"""``keyhole status``: the state of a running Keyhole."""

import typer
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, print_json, sanitize

EXAMPLES = """
[bold]Examples[/]

  keyhole status

  keyhole status --data ./home --json

Exit code 0: it runs. 1: it does not.
"""

app = typer.Typer()


@app.command("status", epilog=EXAMPLES)
def status(
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Show the Keyhole of a data folder, and where it listens."""
    with ApiClient(data) as api:
        found = api.ask("GET", "/status").json()
    if as_json:
        print_json(found)
        return
    terminal = console()
    terminal.print(f"Keyhole {escape(found['role'])}, version {escape(found['version'])}")
    for transport, addresses in found["listeners"].items():
        terminal.print(f"  {escape(transport)}: {escape(', '.join(addresses))}")
    for one in found["undelivered"]:
        name, why = escape(sanitize(one["engine"])), escape(sanitize(one["why"]))
        terminal.print(f"[red]revocations are not yet at[/] {name}: {why}")
    for one in found["dnstap"]:
        how = "" if one["is_working"] else " (not connected; will retry)"
        counts = f"{one['sent']} sent, {one['dropped']} dropped"
        terminal.print(f"dnstap to {escape(one['target'])}: {counts}{how}")
