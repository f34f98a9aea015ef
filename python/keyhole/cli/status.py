"""``keyhole status``: what works and what does not, on one screen."""

from pathlib import Path
from typing import Any

import typer
from rich.markup import escape

from keyhole.cli.api_client import ApiClient, ApiError
from keyhole.cli.app import FAILED
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, errors_console, print_json, show_error
from keyhole.cli.server_target import find_target
from keyhole.control.data_folder import DataFolder, default_data_folder

EXAMPLES = """
[bold]Examples[/]

  keyhole status

  keyhole status --data ./home --json

Exit code 0: all works. 1: something is wrong, such as no upstream that works, a

list that could not be downloaded or has no entries, no documents in force, or a

Keyhole that does not run. A pause of blocking is not wrong.
"""

app = typer.Typer()


@app.command("status", epilog=EXAMPLES)
def status(
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Show what works and what does not: blocking, lists, upstreams, listeners.

    Of a data folder whose Keyhole does not run, it shows what is wrong with the folder.
    """
    try:
        with ApiClient(data) as api:
            found = api.ask("GET", "/status").json()
    except ApiError as error:
        if error.status == 0 and find_target(data) is None:
            _show_folder(data, error, as_json=as_json)
            raise typer.Exit(FAILED) from None
        raise
    if as_json:
        print_json(found)
    else:
        # Imported here, so that a program that asks for JSON does not wait for it.
        from keyhole.cli.status_screen import show_status

        show_status(console(), found)
    if found["wrong"]:
        raise typer.Exit(FAILED)


def _show_folder(data: Path | None, error: ApiError, *, as_json: bool) -> None:
    """What the data folder itself shows; an engine may still serve it."""
    from keyhole.control.offline_status import look, serves
    from keyhole.control.restore_record import read_restore_record

    folder = DataFolder(data or default_data_folder())
    parts, has_engine, record = look(folder), serves(folder), read_restore_record(folder)
    if as_json:
        states = [{"name": one.name, "state": one.state.value, "why": one.why} for one in parts]
        wrong = [str(error), *(f"{one['name']}: {one['state']}" for one in states)]
        document: dict[str, Any] = {"is_running": False, "engine_serves": has_engine}
        document["restored"] = record.text if record else None
        print_json({**document, "parts": states, "wrong": wrong})
        return
    from keyhole.cli.status_screen import show_part

    terminal = console()
    if record is not None:
        terminal.print(f"restored {escape(record.text)}")
    for one in parts:
        show_part(terminal, {"name": one.name, "state": one.state.value, "why": one.why})
    if has_engine:
        where = escape(str(folder.path))
        terminal.print(f"an engine serves {where} from the last good snapshot, without control")
    show_error(errors_console(), error)
