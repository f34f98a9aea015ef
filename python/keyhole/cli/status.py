"""``keyhole status``: the state of a running Keyhole."""

from collections.abc import Mapping
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.api_client import ApiClient, ApiError
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, print_json, sanitize
from keyhole.cli.server_target import find_target
from keyhole.control.data_folder import DataFolder, default_data_folder

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
    try:
        with ApiClient(data) as api:
            found = api.ask("GET", "/status").json()
    except ApiError as error:
        if error.status == 0 and find_target(data) is None and not as_json:
            _show_folder(DataFolder(data or default_data_folder()))
        raise
    if as_json:
        print_json(found)
        return
    _show(console(), found)


def _show(terminal: Console, found: Mapping[str, Any]) -> None:
    terminal.print(f"Keyhole {escape(found['role'])}, version {escape(found['version'])}")
    for transport, addresses in found["listeners"].items():
        terminal.print(f"  {escape(transport)}: {escape(', '.join(addresses))}")
    _show_problems(terminal, found)
    for one in found["handshakes"]:
        count, why = one["count"], escape(sanitize(one["reason"]))
        terminal.print(f"handshakes refused ({escape(one['listener'])}): {count} {why}")
    for word, count in (found["closed_connections"] or {}).items():
        terminal.print(f"connections closed: {count} {escape(word)}")
    for one in found["dnstap"]:
        how = "" if one["is_working"] else " (not connected; will retry)"
        counts = f"{one['sent']} sent, {one['dropped']} dropped"
        terminal.print(f"dnstap to {escape(one['target'])}: {counts}{how}")
    if found["traces"]:
        _show_traces(terminal, found["traces"])


def _show_traces(terminal: Console, one: Mapping[str, Any]) -> None:
    where = escape(sanitize(one["endpoint"]))
    counts = f"{one['exported']} sent, {one['lost']} lost, {one['limited']} over the rate"
    terminal.print(f"traces to {where}: {counts}")
    if not one["is_working"]:
        why = escape(sanitize(one["last_error"] or ""))
        terminal.print(f"[red]traces are not taken by {where}[/]: {why}")


def _show_problems(terminal: Console, found: Mapping[str, Any]) -> None:
    for one in found["parts"]:
        show_part(terminal, one)
    for one in found["lists"]:
        name, why = escape(sanitize(one["name"])), escape(sanitize(one["why"]))
        terminal.print(f"[yellow]list[/] {name}: {why}")
    for one in found["undelivered"]:
        name, why = escape(sanitize(one["engine"])), escape(sanitize(one["why"]))
        terminal.print(f"[red]revocations are not yet at[/] {name}: {why}")
    for one in found["upstreams"]:
        if not one["is_healthy"]:
            name, why = escape(sanitize(one["name"])), escape(sanitize(one["last_error"] or ""))
            terminal.print(f"[red]upstream {name} is asked after the others[/]: {why}")


def _show_folder(folder: DataFolder) -> None:
    """What the data folder itself shows; an engine may still serve it."""
    from dataclasses import asdict

    from keyhole.control.offline_status import look

    for one in look(folder):
        show_part(console(), asdict(one))


def show_part(terminal: Console, one: Mapping[str, Any]) -> None:
    """One part that needs attention, with the reason below it."""
    terminal.print(f"[red]{escape(one['name'])}: {escape(one['state'])}[/]")
    for line in one["why"].splitlines():
        terminal.print(f"    {escape(sanitize(line))}")
