"""``keyhole screen``: the budgets of names against captured queries."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.app import FAILED
from keyhole.cli.options import JSON
from keyhole.cli.output import console, print_json, sanitize

if TYPE_CHECKING:
    from keyhole.control.screen_replay import Budgets

EXAMPLES = """
[bold]Examples[/]

  keyhole screen replay capture.tsv        columns: seconds, client, name, type, rcode

  keyhole screen replay names.txt.gz --no-shipped      one name a line

  keyhole screen replay capture.tsv --block 2KiB --json

Exit code 0: nothing would be blocked. 1: something would, or the file cannot be read.
"""

_MAX_PAIRS = 50
_RULES = {"long_names": "100 long names in five minutes", "sub_names": "1,000 names in a minute"}
"""Public rules, in the words of people."""

app = typer.Typer(help="Budgets of names, against tunnels.", no_args_is_help=True)


@app.callback()
def screen() -> None:
    """Budgets of names, against tunnels."""


@app.command("replay", epilog=EXAMPLES)
def replay(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Queries with tabs between columns, whose first line names them, or one name a "
            "line; .gz too.",
        ),
    ],
    alert: Annotated[
        str | None, typer.Option("--alert", metavar="SIZE", help="Default: 1KiB an hour.")
    ] = None,
    block: Annotated[
        str | None, typer.Option("--block", metavar="SIZE", help="Default: 4KiB an hour.")
    ] = None,
    day: Annotated[
        str | None, typer.Option("--day", metavar="SIZE", help="Default: 8KiB a day.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="SIZE",
            help="Default: 4KiB an hour of all clients together, and 128B of each.",
        ),
    ] = None,
    shipped: Annotated[
        bool,
        typer.Option(
            "--shipped/--no-shipped", help="Whether the domains that Keyhole ships are exempt."
        ),
    ] = True,
    as_json: JSON = False,
) -> None:
    """Count captured queries as an engine would, and show who would be blocked when.

    Sizes are octets of distinct names of one client below one registered
    domain. Nothing is sent, and nothing is held back: what was captured has
    left. The octets shown had left before the query that was flagged or blocked.
    Domains that all clients together told too much, and clients that asked for
    many that do not exist (with a column rcode), are shown beside, and two rules
    that are in use elsewhere are run for comparison.
    """
    from keyhole.control.screen_replay import replay_capture

    report = replay_capture(file, _budgets(alert, block, day, split, shipped=shipped))
    if as_json:
        print_json(report)
    else:
        show(console(), report)
    if report["blocked_domains"]:
        raise typer.Exit(FAILED)


def show(terminal: Console, report: dict[str, Any]) -> None:
    """Prints each pair of client and domain that was flagged, and the sums."""
    pairs = report["pairs"]
    for pair in pairs[:_MAX_PAIRS]:
        style = "red" if pair["blocked"] else "yellow" if pair["flagged"] else "dim"
        who = escape(sanitize(f"{pair['client']} {pair['domain']}"))
        terminal.print(f"[{style}]{who}[/] {moments(pair)}")
    if (more := len(pairs) - _MAX_PAIRS) > 0:
        terminal.print(f"[dim]and {more:,} more; --json shows all[/]")
    if report["unreadable"]:
        terminal.print(f"[dim]lines that are no queries, skipped: {report['unreadable']:,}[/]")
    for one in report["split"][:_MAX_PAIRS]:
        terminal.print(f"[yellow]{escape(sanitize(one['domain']))}[/] {of_all(one)}")
    for one in report["missing"][:_MAX_PAIRS]:
        who = escape(sanitize(one["client"]))
        terminal.print(
            f"[yellow]{who}[/] flagged after {one['domains']:,} domains that do not exist, of "
            f"{one['domains'] + one['answers']:,} ({one['seconds']:,.0f} s)"
        )
    terminal.print(summary(report))
    terminal.print(f"domains flagged by all clients together: {len(report['split']):,}")
    terminal.print(f"clients flagged for domains that do not exist: {len(report['missing']):,}")
    for word, found in report["baseline_domains"].items():
        terminal.print(f"[dim]domains by the rule of {_RULES[word]}: {found:,}[/]")


def moments(pair: dict[str, Any]) -> str:
    """When the pair was flagged and blocked."""
    words = [
        f"{word} after {pair[word]['octets']:,} octets of distinct names "
        f"({pair[word]['seconds']:,.0f} s)"
        for word in ("flagged", "blocked")
        if pair[word]
    ]
    words += [
        f"{_RULES[word]} after {found['octets']:,} ({found['seconds']:,.0f} s)"
        for word, found in pair["baselines"].items()
        if found
    ]
    return ", ".join(words) + f"; {pair['queries']:,} queries"


def of_all(one: dict[str, Any]) -> str:
    """When all clients together had told a domain too much."""
    return (
        f"flagged after {one['octets']:,} octets of distinct names of about {one['clients']:,} "
        f"clients together ({one['seconds']:,.0f} s)"
    )


def summary(report: dict[str, Any]) -> str:
    """The sum as a sentence."""
    domains = report["domains"]
    share = 100 * report["blocked_domains"] / domains if domains else 0.0
    return (
        f"{report['queries']:,} queries, clients: {report['clients']:,}, registered domains: "
        f"{domains:,}; flagged: {report['flagged_domains']:,}, blocked: "
        f"{report['blocked_domains']:,} ({share:.3f} %)"
    )


def _budgets(
    alert: str | None, block: str | None, day: str | None, split: str | None, *, shipped: bool
) -> "Budgets":
    from keyhole.control.screen_replay import read_budgets

    return read_budgets(
        {"alert": alert, "block": block, "day": day, "split": split}, shipped=shipped
    )
