"""``keyhole log``: what became of the queries, as they come."""

import json
import time
from collections import deque
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.screen import console, harmless
from keyhole.control.data import DataFolder, default_data_folder
from keyhole.model.name import is_at_or_below
from keyhole.querylog import Entry, Tail
from keyhole.querylog.read import log_files

EXAMPLES = """
[bold]Examples[/]

  keyhole log                           the last queries

  keyhole log --follow --name example.org

  keyhole log --client "spiffe://keyhole.lab/ns/shop/*" --lines 100

  keyhole log --follow --json           for a program
"""

_LOOK_SECONDS = 0.2
_STYLES = {"answered": "green", "blocked": "red", "refused": "yellow", "failed": "magenta"}


def log(
    data: Annotated[
        Path | None, typer.Option("--data", "-d", help="Data folder of the Keyhole that is meant.")
    ] = None,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many to begin with.")
    ] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with those that come, until Ctrl-C.")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="Only for this name and those below it.")
    ] = None,
    client: Annotated[
        str | None,
        typer.Option(
            "--client",
            help="Only from this identity, token or address; with * at its end, all that begin so.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program, one line each.")] = False,
) -> None:
    """Show what became of the queries: who asked, for what, and what decided.

    How much of a query is written down is what the policy of its client
    says; log.keep in keyhole.yaml says how many are kept.
    """
    folder = DataFolder(data or default_data_folder()).query_log.parent
    if not follow:
        log_files(folder)  # says so where there is none
    tail = Tail(folder)
    screen = console()
    recent = deque((one for one in tail.new() if _is_wanted(one, name, client)), maxlen=lines)
    for entry in recent:
        _show(screen, entry, as_json=as_json)
    try:
        while follow:
            time.sleep(_LOOK_SECONDS)
            for entry in tail.new():
                if _is_wanted(entry, name, client):
                    _show(screen, entry, as_json=as_json)
    except KeyboardInterrupt:
        pass


def _is_wanted(entry: Entry, name: str | None, client: str | None) -> bool:
    if name is not None:
        wanted = name.lower().rstrip(".")
        if entry.name is None or not is_at_or_below(entry.name, wanted):
            return False
    if client is None:
        return True
    known = (entry.who.value, entry.client or "")
    if client.endswith("*"):
        return any(one.startswith(client[:-1]) for one in known if one)
    return client in known


def _show(screen: Console, entry: Entry, *, as_json: bool) -> None:
    if as_json:
        # Without any letter that a terminal could take for more than a letter.
        print(json.dumps(entry.document), flush=True)
        return
    screen.print(line(entry))


def line(entry: Entry) -> str:
    """One query on one line, with markup."""
    style = _STYLES.get(entry.outcome, "dim")
    moment = entry.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    question = f"{entry.name} {entry.kind}" if entry.name is not None else "no question"
    words = [
        f"[dim]{moment}[/]",
        f"[{style}]{escape(harmless(entry.reason)):18}[/]",
        f"[bold]{escape(harmless(question))}[/]",
        f"from {escape(harmless(str(entry.who)))} over {escape(harmless(entry.transport))}",
    ]
    for word, value in (
        ("by", entry.rule or entry.list_name),
        ("would be blocked by", entry.observed),
        ("answer of", entry.upstream),
    ):
        if value is not None:
            words.append(f"{word} {escape(harmless(value))}")
    if entry.duration_us:
        words.append(f"in {entry.duration_us / 1000:.1f} ms")
    return " ".join(words)
