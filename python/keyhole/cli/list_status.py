"""``keyhole lists status``, ``refresh`` and ``catalog``: lists of a running Keyhole."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from keyhole.cli.api_client import ApiClient
from keyhole.cli.app import FAILED
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, print_json, sanitize

STATUS_EXAMPLES = """
[bold]Examples[/]

  keyhole lists status

  keyhole lists status ads              with the lines that were skipped

Exit code 1: a list could not be downloaded, or is held back.
"""

REFRESH_EXAMPLES = """
[bold]Examples[/]

  keyhole lists refresh                 all lists, with their progress

  keyhole lists refresh ads

Exit code 1: a list could not be downloaded; its last good version stays in use.
"""

_POLL_SECONDS = 0.2
_STYLES = {"in force": "green", "held back": "yellow", "unused": "dim", "failed": "red"}
_BUSY = ("waiting", "downloading", "compiling")


def status(
    name: Annotated[str | None, typer.Argument(help="Only this list, with details.")] = None,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Show the age of the lists, their number of entries, and errors."""
    with ApiClient(data) as api:
        path = f"/lists/{name}" if name else "/lists"
        found = api.ask("GET", path).json()
    lists = [found] if name else found["items"]
    if as_json:
        print_json(found if name else lists)
    else:
        terminal = console()
        terminal.print(_table(lists))
        _show_errors(terminal, lists)
        for row in found.get("examples", []):
            place, text = sanitize(f"{row['file']}:{row['line']}"), sanitize(row["text"])
            terminal.print(f"  {escape(place)}  [dim]{escape(text)}[/]  {escape(row['reason'])}")
    if _has_error(lists):
        raise typer.Exit(FAILED)


def refresh(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="All lists by default.")
    ] = None,
    data: DATA = None,
) -> None:
    """Download lists now, and wait until changes are in force."""
    terminal = console()
    with ApiClient(data) as api:
        api.ask("POST", "/lists/refresh", json={"names": names or []})
        with Live(console=terminal, transient=True, refresh_per_second=5) as live:
            while True:
                lists = _selected(api, names)
                live.update(_table(lists))
                if not any(_is_busy(one) for one in lists):
                    break
                time.sleep(_POLL_SECONDS)
    terminal.print(_table(lists))
    _show_errors(terminal, lists)
    if _has_error(lists):
        raise typer.Exit(FAILED)


def catalog(as_json: JSON = False) -> None:
    """Show well-known lists. Keyhole contains their addresses, not their entries."""
    from keyhole.lists.catalog import catalog as known_lists

    found = known_lists().values()
    if as_json:
        print_json([vars(one) for one in found])
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "what is on it", "license and more"):
        table.add_column(column)
    for one in found:
        table.add_row(f"[bold]{one.name}[/]", escape(f"{one.title}: {one.about}"), one.home)
    console().print(table)


def _selected(api: ApiClient, names: list[str] | None) -> list[dict[str, Any]]:
    items = api.ask("GET", "/lists").json()["items"]
    return [one for one in items if not names or one["name"] in names]


def _is_busy(one: dict[str, Any]) -> bool:
    return one["state"] in _BUSY


def _has_error(lists: list[dict[str, Any]]) -> bool:
    return any(one["why"] or any(url["error"] for url in one["sources"]) for one in lists)


def _table(lists: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    numbers = ("entries", "left out", "hits in 24 h")
    for column in ("list", "kind", "state", *numbers, "checked", "next"):
        table.add_column(column, justify="right" if column in numbers else "left")
    for one in lists:
        style = _STYLES.get(one["state"], "cyan")
        table.add_row(
            f"[bold]{escape(one['name'])}[/]",
            one["kind"],
            f"[{style}]{_progress(one)}[/]",
            "" if one["taken"] is None else f"{one['taken']:,}",
            "" if one["skipped"] is None else f"{one['skipped']:,}",
            "" if one["hits"] is None else f"{one['hits']:,}",
            _oldest(one["sources"], "checked"),
            _oldest(one["sources"], "next"),
        )
    return table


def _progress(one: dict[str, Any]) -> str:
    if one["state"] != "downloading":
        return str(one["state"])
    from keyhole.model.units import show_octets

    busy = [url for url in one["sources"] if url["state"] == "downloading"]
    octets = sum(url["octets"] for url in busy)
    totals = [url["total"] for url in busy]
    of = f" of {show_octets(sum(totals))}" if all(totals) else ""
    return f"downloading, {octets / 2**20:.1f}MiB{of}"


def _oldest(sources: list[dict[str, Any]], key: str) -> str:
    times = [datetime.fromisoformat(one[key]) for one in sources if one[key]]
    if not times:
        return ""
    seconds = (min(times) - datetime.now(UTC)).total_seconds()
    age = _age(abs(seconds))
    return f"in {age}" if seconds > 0 else f"{age} ago"


def _age(seconds: float) -> str:
    for unit, word in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= unit:
            return f"{seconds / unit:.0f}{word}"
    return f"{seconds:.0f}s"


def _show_errors(terminal: Console, lists: list[dict[str, Any]]) -> None:
    for one in lists:
        if one["why"]:
            terminal.print(f"[yellow]![/] {escape(one['name'])}: {escape(sanitize(one['why']))}")
        if one["lost"]:
            terminal.print(f"[yellow]![/] {escape(one['name'])}: {escape(sanitize(one['lost']))}")
        for url in one["sources"]:
            if url["error"] and url["error"] not in one["why"]:
                error = escape(sanitize(f"{url['url']}: {url['error']}"))
                terminal.print(f"[red]x[/] {escape(one['name'])}: {error}")
