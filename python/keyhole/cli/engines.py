"""``keyhole engines``: the engines, and the snapshot that each uses."""

from typing import Any

import typer
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, print_json, sanitize

EXAMPLES = """
[bold]Examples[/]

  keyhole engines

  keyhole engines --data ./home --json

Exit code 0: all use the newest snapshot. 1: one is behind or away.
"""
_STYLES = {"in force": "green", "behind": "red", "away": "yellow", "never seen": "dim"}

app = typer.Typer()


@app.command("engines", epilog=EXAMPLES)
def engines(
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Show all engines, and which of them is behind.

    The one on the machine of control is called local. The others run on other
    machines, and link.engines lists them.
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
    parts = [f"[{_STYLES[one['state']]}]{one['state']}[/]"]
    if one["number"] is not None:
        behind = f" of {one['wanted']}" if one["number"] != one["wanted"] else ""
        parts.append(f"snapshot {one['number']}{behind}")
    if one["version"]:
        parts.append(f"version {escape(sanitize(one['version']))}")
    if one["silent"] is not None and one["state"] == "away":
        parts.append(f"silent for {one['silent']:.0f} s")
    listening = {address for ones in one["addresses"].values() for address in ones}
    if listening:
        parts.append(escape(sanitize(", ".join(sorted(listening)))))
    return f"{escape(one['name'])}: {'; '.join(parts)}"
