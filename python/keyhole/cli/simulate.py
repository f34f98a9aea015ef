"""``keyhole simulate``: what would a draft have done to the queries of the log?"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.app import FAILED
from keyhole.cli.explain import describe
from keyhole.cli.output import console, print_json, sanitize
from keyhole.control.data_folder import DataFolder, default_data_folder

if TYPE_CHECKING:
    from keyhole.control.simulate import Change, Simulation

EXAMPLES = """
[bold]Examples[/]

  keyhole simulate draft.yaml           one document instead of that in force

  keyhole simulate drafts/ --log old/   a whole set, and another log

  keyhole simulate draft.yaml --json    every change, for a program

Exit code 0: no client would see a difference. 1: some would. 3: the draft is not valid.
"""

_MAX_NAMES = 20
_STYLES = {
    "newly blocked": "red",
    "newly allowed": "green",
    "other reason": "yellow",
    "would be observed": "cyan",
}

app = typer.Typer()


@app.command("simulate", epilog=EXAMPLES)
def simulate(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Draft documents. A folder is the whole set; files are laid over the documents in "
            "force and replace those of their kind and name.",
        ),
    ],
    log: Annotated[
        list[Path] | None,
        typer.Option(
            "--log", help="Query log, a file or a folder; by default that of the data folder."
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", "-d", help="Data folder of the Keyhole that is meant.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="Settings; by default keyhole.yaml in the data folder."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
) -> None:
    """Replay recorded queries against a draft, and show what would change.

    What cannot be known: nobody is asked here, so where an answer would
    lead (the target of an alias, a private address) is not judged.
    Schedules are judged at the time of each query. What no document
    decides, such as a malformed query, is left out and counted.
    """
    from keyhole.control.simulate import simulate as run

    folder = DataFolder(data or default_data_folder())
    simulation = run(folder, files, log or [], config=config)
    if as_json:
        print_json(as_document(simulation))
    else:
        show(console(), simulation)
    if simulation.changes_answers:
        raise typer.Exit(FAILED)


def show(terminal: Console, simulation: "Simulation") -> None:
    """What would change, by client and name, then what is not known, then the sum."""
    for who, changes in groupby(simulation.changes, key=lambda change: change.who):
        terminal.print(f"[bold]{escape(sanitize(str(who)))}[/]")
        for line in _lines(list(changes)):
            terminal.print(f"  {line}")
        terminal.print()
    for note in notes(simulation):
        terminal.print(f"[dim]{note}[/]")
    terminal.print(summary(simulation))


def as_document(simulation: "Simulation") -> dict[str, Any]:
    """The whole of it, for a program."""
    document = asdict(simulation)
    document["summary"] = summary(simulation)
    for change in document["changes"]:
        who = change.pop("who")
        change["client"] = None if who["kind"] == "anonymous" else {who["kind"]: who["value"]}
    return document


def summary(simulation: "Simulation") -> str:
    """The sum, in a sentence."""
    blocked, allowed = simulation.count("newly blocked"), simulation.count("newly allowed")
    other, observed = simulation.count("other reason"), simulation.count("would be observed")
    sums = [f"this change would have blocked {blocked:,} of {_queries(simulation.judged)}"]
    sums += [f"allowed {allowed:,} that were not answered"] if allowed else []
    sums += [f"ended {other:,} for another reason"] if other else []
    sums += [f"observed {observed:,}"] if observed else []
    return ", ".join(sums)


def notes(simulation: "Simulation") -> Iterator[str]:
    """What to know about the sum."""
    left_out = simulation.not_judged.total()
    if left_out:
        reasons = ", ".join(f"{word} {n:,}" for word, n in simulation.not_judged.most_common())
        yield f"left out, since no document decides them: {_queries(left_out)} ({reasons})"
    if simulation.undecidable:
        yield (
            f"not judged again: {_queries(simulation.undecidable)} blocked because of the answer, "
            "which only an upstream knows"
        )
    if simulation.anonymous:
        yield (
            f"without a client in the log: {_queries(simulation.anonymous)}, judged as one from "
            "this machine that shows nothing"
        )
    if simulation.damaged:
        yield f"damaged lines in the log, skipped: {simulation.damaged:,}"
    if simulation.lost:
        yield f"missing in the log, which says so itself: {_queries(simulation.lost)}"


def _lines(changes: list["Change"]) -> Iterator[str]:
    for change in changes[:_MAX_NAMES]:
        question = escape(sanitize(f"{change.name} {change.kind}"))
        style = _STYLES[change.what]
        times = f"{change.count:,} time{'s' * (change.count != 1)}"
        yield f"[{style}]{change.what}[/] {question}, {times}: {escape(_why(change))}"
    if more := _rest(changes[_MAX_NAMES:]):
        yield more


def _why(change: "Change") -> str:
    by = sanitize(describe(change.cause)) if change.cause else ""
    if change.what == "would be observed":
        return f"by {by}"
    return f"{change.before} becomes {change.after}" + (f" by {by}" if by else "")


def _rest(changes: Iterable["Change"]) -> str:
    rest = list(changes)
    if not rest:
        return ""
    names, queries = len(rest), sum(change.count for change in rest)
    return f"and {names:,} more, {_queries(queries)}; --json shows all"


def _queries(count: int) -> str:
    return f"{count:,} quer{'y' if count == 1 else 'ies'}"
