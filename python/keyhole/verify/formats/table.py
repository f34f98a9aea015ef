"""The report for a terminal: what is wrong first, with all its words; the rest one line each."""

from rich.console import Console
from rich.markup import escape

from keyhole.verify.check import Check, Line, Verdict
from keyhole.verify.run import Report

_STYLES = {
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold yellow",
    Verdict.SKIP: "dim",
    Verdict.PASS: "green",
}
_INDENT = " " * 6


def show(console: Console, report: Report) -> None:
    """Prints the report."""
    for line in report.in_order_of_interest():
        _show_line(console, line)
    _show_counts(console, report)


def show_changes(console: Console, before: Report, report: Report) -> None:
    """Prints what became of each line since the run before, and nothing of lines that are as they
    were."""
    verdicts = {line.check.id: line.verdict for line in before.lines}
    for line in report.in_order_of_interest():
        if verdicts.get(line.check.id) is not line.verdict:
            _show_line(console, line)
    _show_counts(console, report)


def _show_counts(console: Console, report: Report) -> None:
    counts = [f"{report.count(one)} {one.value}" for one in Verdict if report.count(one)]
    when = f"{report.started:%Y-%m-%d %H:%M:%S} UTC"
    console.print(f"[bold]{escape(report.target)}[/]: {', '.join(counts)} [dim]({when})[/]")


def _show_line(console: Console, line: Line) -> None:
    one, style = line.check, _STYLES[line.verdict]
    asked = escape(", ".join(one.standards))
    console.print(
        f"[{style}]{line.verdict.value:5}[/] {escape(one.title)} [dim]({one.id}; {asked})[/]"
    )
    if line.verdict is Verdict.SKIP:
        console.print(f"[dim]{_INDENT}skipped: {escape(line.seen)}[/]")
    elif line.verdict is not Verdict.PASS:
        told = {"threat": one.threat.value, "tried": one.tried, "expected": one.expected}
        for word, text in {**told, "seen": line.seen}.items():
            console.print(f"{_INDENT}{word + ':':9} {escape(text)}")


def show_checks(console: Console, checks: tuple[Check, ...]) -> None:
    """Prints what would be tried."""
    for one in checks:
        console.print(
            f"[bold]{one.id}[/] {escape(one.title)} [dim]({escape(', '.join(one.standards))})[/]"
        )
        console.print(f"{_INDENT}{'tried:':9} {escape(one.tried)}")
        console.print(f"{_INDENT}{'expected:':9} {escape(one.expected)}")
