"""The report of ``keyhole doctor``: a line for each look, and below it what mends it."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from keyhole.cli.output import sanitize
from keyhole.control.doctor import Finding, Sign

Report = Sequence[tuple[str, list[Finding]]]

_SIGNS = {
    Sign.WORKS: ("green", "+"),
    Sign.NOTE: ("cyan", "-"),
    Sign.WARNING: ("yellow", "!"),
    Sign.WRONG: ("red", "x"),
    Sign.UNKNOWN: ("magenta", "?"),
}


def show_report(terminal: Console, report: Report) -> None:
    """Shows all findings below their headings, and at the end what they come to."""
    for heading, found in report:
        if found:
            terminal.print(f"[bold]{escape(heading)}[/]")
        for one in found:
            _show(terminal, one)
    terminal.print(_sum(Counter(one.sign for _, found in report for one in found)))


def _show(terminal: Console, one: Finding) -> None:
    style, sign = _SIGNS[one.sign]
    first, *more = one.seen.splitlines() or [""]
    about = escape(sanitize(one.about))
    terminal.print(f"  [{style}]{sign}[/] {about}: {escape(sanitize(first))}")
    for line in more:
        terminal.print(f"      {escape(sanitize(line))}")
    for line in one.do:
        terminal.print(f"      [dim]>[/] {escape(sanitize(line))}")


def _sum(signs: Counter[Sign]) -> str:
    words = []
    if wrong := signs[Sign.WRONG]:
        words.append(f"[red]{wrong} wrong[/]")
    if warnings := signs[Sign.WARNING]:
        words.append(f"[yellow]{warnings} warning{'s' * (warnings != 1)}[/]")
    if unknown := signs[Sign.UNKNOWN]:
        words.append(f"[magenta]{unknown} cannot be told[/]")
    return ", ".join(words) or "[green]all works[/]"
