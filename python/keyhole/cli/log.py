"""``keyhole log``: shows the queries and their outcomes."""

import json
import time
from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.options import DATA
from keyhole.cli.output import console, errors_console, named_by, sanitize
from keyhole.control.data_folder import DataFolder, default_data_folder
from keyhole.control.error import ControlError

if TYPE_CHECKING:
    from keyhole.cli.log_client import LogClient
    from keyhole.control.client_names import QueryClients
    from keyhole.querylog import LogEntry

EXAMPLES = """
[bold]Examples[/]

  keyhole log                           the last queries

  keyhole log example.org               those for this name, and below it

  keyhole log --follow --name example.org

  keyhole log --client "spiffe://keyhole.lab/ns/shop/*" --lines 100

  keyhole log --follow --json           for a program

  keyhole log --since 7d --outcome blocked --contains tracker --why

  keyhole log --since 1d --protection open

  keyhole log --since 30d --export queries.parquet
"""

_PANEL = "Search the history of a running Keyhole"
_POLL_SECONDS = 0.2
_STYLES = {"answered": "green", "blocked": "red", "refused": "yellow", "failed": "magenta"}

app = typer.Typer()


@app.command("log", epilog=EXAMPLES)
def log(
    below: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="As --name: only for this one and those below it."),
    ] = None,
    data: DATA = None,
    lines: Annotated[
        int, typer.Option("--lines", "--limit", "-n", min=0, help="Number of last queries.")
    ] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show new queries until Ctrl-C.")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="Only for this name and those below it.")
    ] = None,
    client: Annotated[
        str | None,
        typer.Option(
            "--client",
            help="Only this client: the name of a Client document or token, an identity or its "
            "short form such as shop/web, an address; with * at the end, any that starts so.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Such as 30m, 2h, 7d or a time.", rich_help_panel=_PANEL),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Before this time.", rich_help_panel=_PANEL)
    ] = None,
    contains: Annotated[
        str | None, typer.Option("--contains", help="Text in the name.", rich_help_panel=_PANEL)
    ] = None,
    expression: Annotated[
        str | None,
        typer.Option(
            "--expression", help="A regular expression for the name.", rich_help_panel=_PANEL
        ),
    ] = None,
    outcome: Annotated[
        str | None,
        typer.Option(
            "--outcome", help="answered, blocked, refused, failed.", rich_help_panel=_PANEL
        ),
    ] = None,
    protection: Annotated[
        str | None,
        typer.Option(
            "--protection",
            help="protected, open, unencrypted, unauthenticated.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    list_name: Annotated[
        str | None, typer.Option("--list", help="The list that decided.", rich_help_panel=_PANEL)
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine", help="The engine: its SPIFFE ID, or local.", rich_help_panel=_PANEL
        ),
    ] = None,
    why: Annotated[
        bool, typer.Option("--why", help="Show file and line of the list.", rich_help_panel=_PANEL)
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--export", help="Write to a .csv, .jsonl or .parquet file.", rich_help_panel=_PANEL
        ),
    ] = None,
    own: Annotated[
        bool,
        typer.Option(
            "--own", help="Show Keyhole's own queries instead, which are counted nowhere else."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one line each.")] = False,
) -> None:
    """Show queries: the client, the name, the outcome, and its cause.

    The policy of a client decides how much of its queries is logged. In
    keyhole.yaml, log.keep limits the log, and log.history and log.retention
    limit the searchable history.
    """
    if below is not None and name is not None and below != name:
        raise ControlError(f"give one name: {below}, or --name {name}")
    name = below if name is None else name
    searched = {
        "since": since,
        "until": until,
        "contains": contains,
        "expression": expression,
        "outcome": outcome,
        "protection": protection,
        "list": list_name,
        "engine": engine,
    }
    if why or output is not None or any(one is not None for one in searched.values()):
        if follow:
            raise ControlError("a search does not follow new queries; omit --follow or the search")
        if own:
            raise ControlError("own queries are in no history; omit --own or the search")
        searched |= {"below": name, "client": client}
        _search(data, searched, lines, why=why, output=output, as_json=as_json)
    else:
        _show_last(data, lines, name, client, follow=follow, own=own, as_json=as_json)


def _search(
    data: Path | None,
    searched: dict[str, str | None],
    lines: int,
    *,
    why: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    from keyhole.cli import log_search

    criteria = log_search.Search.of(**searched)
    if output is not None:
        log_search.export(data, criteria, output)
        return
    found = log_search.search(data, criteria, lines)
    if lines and not found:
        _show_nothing()
    places = log_search.lines_of(data, found) if why else {}
    for entry in found:
        _show(console(), entry, as_json=as_json)
        for place in places.get(entry.name or "", []):
            console().print(f"    [dim]in {escape(sanitize(place))}[/]")


def _show_nothing() -> None:
    # Not on standard output: a program reads lines there.
    errors_console().print("[dim]no query matches[/]")


def _show_last(
    data: Path | None,
    lines: int,
    name: str | None,
    client: str | None,
    *,
    follow: bool,
    own: bool,
    as_json: bool,
) -> None:
    from keyhole.cli.log_client import LogClient, find_clients
    from keyhole.querylog import Tail
    from keyhole.querylog.read import FILES, OWN_FILES, log_files

    there = DataFolder(data or default_data_folder())
    folder = there.query_log.parent
    files = OWN_FILES if own else FILES
    if not follow:
        log_files(folder, files)  # raises if there is no log
    clients = find_clients(there, is_asked=client is not None)
    wanted = LogClient(client, clients) if clients and client is not None else None

    named = partial(_named, clients)
    tail = Tail(folder, files)
    terminal = console()
    recent = deque((one for one in tail.new() if _matches(one, name, wanted)), maxlen=lines)
    if wanted is not None and not recent:
        wanted.must_be_known()
    for entry in recent:
        _show(terminal, named(entry), as_json=as_json)
    if lines and not recent and not follow:
        _show_nothing()
    missed = tail.missed
    while follow:
        time.sleep(_POLL_SECONDS)
        for entry in tail.new():
            if _matches(entry, name, wanted):
                _show(terminal, named(entry), as_json=as_json)
        if tail.missed > missed:
            _show_missed(terminal, tail.missed - missed, as_json=as_json)
            missed = tail.missed


def _named(clients: "QueryClients | None", entry: "LogEntry") -> "LogEntry":
    """The query with the name of its client, as far as somebody has one."""
    name = clients.named(entry.document) if clients else None
    if name is None:
        return entry
    return replace(entry, client_name=name.name, client_name_source=name.source)


def _show_missed(terminal: Console, count: int, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"lost": count}), flush=True)
        return
    terminal.print(f"[dim]{count:,} queries were lost, or left the log before they were read[/]")


def _matches(entry: "LogEntry", name: str | None, client: "LogClient | None") -> bool:
    from keyhole.model.name import as_logged, is_at_or_below

    if name is not None:
        parent = as_logged(name)
        if entry.name is None or not is_at_or_below(entry.name, parent):
            return False
    return client is None or client.has(entry)


def _show(terminal: Console, entry: "LogEntry", *, as_json: bool) -> None:
    if as_json:
        # Escaped to ASCII, so that no character can control the terminal.
        print(json.dumps({**entry.document, **_name(entry)}), flush=True)
        return
    terminal.print(line(entry))


def _name(entry: "LogEntry") -> dict[str, str]:
    """What its client is called, and who says so, where it has a name."""
    named = {"client_name": entry.client_name, "client_name_source": entry.client_name_source}
    return {key: value for key, value in named.items() if value is not None}


def line(entry: "LogEntry") -> str:
    """A query as one line, with markup."""
    from keyhole.model.idn import to_unicode

    style = _STYLES.get(entry.outcome, "dim")
    local_time = entry.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    question = "no question"
    if entry.name is not None:
        readable = to_unicode(entry.name)
        beside = "" if readable == entry.name else f" ({readable})"
        question = f"{entry.name}{beside} {entry.kind}"
    if entry.count > 1:
        queries = f"{entry.count:,} queries"
        question = queries if entry.name is None else f"{question}, {queries}"
    who = named_by(_name(entry), str(entry.client_ref))
    words = [
        f"[dim]{local_time}[/]",
        f"[{style}]{escape(sanitize(entry.reason)):18}[/]",
        f"[bold]{escape(sanitize(question))}[/]",
        f"from {escape(sanitize(who))} over {escape(sanitize(entry.transport))}",
    ]
    place = f" in {entry.file}:{entry.line}" if entry.file is not None and entry.target else ""
    for word, value in (
        ("because it leads to", entry.target),
        ("by", entry.rule or (entry.list_name and f"{entry.list_name}{place}")),
        ("would be blocked by", entry.observed),
        ("answer of", entry.upstream),
        ("to allow it: keyhole allow", entry.allow),
        ("at engine", None if entry.engine == "local" else entry.engine),
    ):
        if value is not None:
            words.append(f"{word} {escape(sanitize(value))}")
    if entry.duration_us:
        words.append(f"in {entry.duration_us / 1000:.1f} ms")
    return " ".join(words)
