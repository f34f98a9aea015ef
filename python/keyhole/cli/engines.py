"""``keyhole engines``: who answers, and by which snapshot."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.output import console, print_json, sanitize

EXAMPLES = """
[bold]Examples[/]

  keyhole engines

  keyhole engines --data ./home --json

Exit code 0: all decide by the newest snapshot. 1: one is behind or away.
"""
_STYLES = {"in force": "green", "behind": "red", "away": "yellow", "never seen": "dim"}

app = typer.Typer()


@app.command("engines", epilog=EXAMPLES)
def engines(
    data: Annotated[
        Path | None, typer.Option("--data", "-d", help="Data folder of the Keyhole that is meant.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
) -> None:
    """Show all engines, and which of them is behind.

    The one beside control is called local; the others run on other machines
    and are let in by link.engines.
    """
    with ApiClient(data) as api:
        found = api.ask("GET", "/engines").json()["items"]
    if as_json:
        print_json(found)
    else:
        terminal = console()
        for one in found:
            terminal.print(_line(one))
            if one["why"]:
                terminal.print(f"    {escape(sanitize(one['why']))}")
    if any(one["state"] in ("behind", "away") for one in found):
        raise typer.Exit(1)


def _line(one: dict[str, Any]) -> str:
    said = [f"[{_STYLES[one['state']]}]{one['state']}[/]"]
    if one["number"] is not None:
        behind = f" of {one['wanted']}" if one["number"] != one["wanted"] else ""
        said.append(f"snapshot {one['number']}{behind}")
    if one["version"]:
        said.append(f"version {escape(sanitize(one['version']))}")
    if one["silent"] is not None and one["state"] == "away":
        said.append(f"silent for {one['silent']:.0f} s")
    listening = {address for ones in one["addresses"].values() for address in ones}
    if listening:
        said.append(escape(sanitize(", ".join(sorted(listening)))))
    return f"{escape(one['name'])}: {'; '.join(said)}"
