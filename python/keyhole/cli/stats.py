"""``keyhole stats``: numbers of queries by outcome, and the most frequent clients and names."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from keyhole.cli.api_client import ApiClient
from keyhole.cli.log_search import read_time
from keyhole.cli.options import DATA, JSON
from keyhole.cli.output import console, named_by, print_json, sanitize

EXAMPLES = """
[bold]Examples[/]

  keyhole stats                         of the last 24 hours

  keyhole stats --since 7d --top 20

  keyhole stats --since 2026-11-01 --json
"""

_TOPS = {
    "clients": ("client", False),
    "identities": ("identity", False),
    "names": ("name", False),
    "blocked names": ("name", True),
    "lists": ("list", True),
    "upstreams": ("upstream", False),
}

app = typer.Typer()


@app.command("stats", epilog=EXAMPLES)
def stats(
    since: Annotated[str, typer.Option("--since", help="Such as 30m, 2h, 7d or a time.")] = "24h",
    until: Annotated[str | None, typer.Option("--until", help="By default now.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="Rows of each table.")] = 5,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """Count the queries of a time span. The numbers are those of the query log."""
    params = {"since": read_time(since).isoformat()}
    if until is not None:
        params["until"] = read_time(until).isoformat()
    with ApiClient(data) as api:
        found = api.ask("GET", "/statistics", params=params).json()
        tops = {
            title: api.ask(
                "GET",
                f"/statistics/top/{dimension}",
                params={**params, "most": str(top), "withheld": str(withheld).lower()},
            ).json()["items"]
            for title, (dimension, withheld) in _TOPS.items()
        }
    if as_json:
        print_json({**found, "top": tops})
        return
    terminal = console()
    _show_totals(terminal, found)
    for title, rows in tops.items():
        if rows:
            _show_top(terminal, title, rows, "withheld" if _TOPS[title][1] else "total")


def _show_totals(terminal: Console, found: dict[str, Any]) -> None:
    terminal.print(f"[bold]{found['total']:,}[/] queries")
    for word, count in found["by_outcome"].items():
        share = 100 * count / found["total"] if found["total"] else 0.0
        terminal.print(f"  {escape(sanitize(word)):10} {count:>12,}  {share:5.1f} %")
    if found["waited"]:
        mean = found["mean_wait_us"] / 1000
        terminal.print(f"  {found['waited']:,} waited for an upstream, {mean:.1f} ms in the mean")
    if found["lost"]:
        terminal.print(
            f"[yellow]![/] {found['lost']:,} of them were counted but are in no search: they were "
            "lost before they could be stored"
        )
    if found["unlogged"]:
        terminal.print(f"  {found['unlogged']:,} of them were counted only, as their policy says")


def _show_top(terminal: Console, title: str, rows: list[dict[str, Any]], column: str) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column(f"[bold]{title}[/]", overflow="fold")
    table.add_column("", justify="right")
    for row in rows:
        shown = named_by(row, row["value"])
        table.add_row(escape(sanitize(shown)), f"{row[column]:,}")
    terminal.print()
    terminal.print(table)
