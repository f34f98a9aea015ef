"""``keyhole audit``: who did what and when."""

import json
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.app import FAILED
from keyhole.cli.apply import Data
from keyhole.cli.output import console, print_json, sanitize

EXAMPLES = """
[bold]Examples[/]

  keyhole audit                         the last deeds, the newest at the end

  keyhole audit --verify                whether the record is as it was written

Exit code 1: the record is not whole.
"""

app = typer.Typer()


@app.command("audit", epilog=EXAMPLES)
def audit(
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=1000, help="How many.")] = 20,
    verify: Annotated[
        bool, typer.Option("--verify", help="Follow the digests of the whole record instead.")
    ] = False,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
) -> None:
    """Show who did what and when. The record only grows: the database refuses anything else, and
    each entry holds the digest of the one before."""
    with ApiClient(data) as api:
        if verify:
            _show_verified(api.ask("GET", "/audit/verification").json(), as_json=as_json)
            return
        found = api.ask("GET", "/audit", params={"limit": lines}).json()["items"]
    if as_json:
        print_json(found)
        return
    terminal = console()
    for one in reversed(found):
        _show(terminal, one)


def _show(terminal: Console, one: dict[str, Any]) -> None:
    moment = datetime.fromisoformat(one["time"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    who = f"{one['who']} from {one['address']}" if one["address"] else one["who"]
    documents = one["detail"].get("documents")
    what = (
        ", ".join(f"{label} {word}" for label, word in documents.items())
        if isinstance(documents, dict)
        else json.dumps(one["detail"])
    )
    why = f" [dim]({escape(sanitize(one['message']))})[/]" if one["message"] else ""
    terminal.print(
        f"{one['number']:>5} [dim]{moment}[/] [bold]{escape(sanitize(who))}[/] "
        f"{escape(one['action'])}: {escape(sanitize(what))}{why}"
    )


def _show_verified(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found["problem"] is None:
        console().print(f"[green]{found['whole']} entries are as they were written[/]")
        console().print(f"the last digest is {found['digest']}")
    else:
        console().print(f"[red]{escape(found['problem'])}[/]; {found['whole']} before it are whole")
    if found["problem"] is not None:
        raise typer.Exit(FAILED)
