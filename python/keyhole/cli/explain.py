"""``keyhole explain``: what would happen to a question, and why."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from keyhole.cli.program import FAILED
from keyhole.cli.screen import console, print_json
from keyhole.control.data import DataFolder, default_data_folder

EXAMPLES = """
[bold]Examples[/]

  keyhole explain example.org          with the documents of the data folder

  keyhole explain example.org AAAA --json

  keyhole explain example.org --documents draft/       what a draft would do

Exit code 0: it would be answered. 1: it would be blocked, refused or fail.

3: the documents are not valid.
"""

_STYLES = {"answered": "green", "blocked": "red", "refused": "yellow"}


def explain(
    name: Annotated[str, typer.Argument(help="The name to ask for.")],
    kind: Annotated[str, typer.Argument(metavar="[TYPE]", help="The record type.")] = "A",
    data: Annotated[
        Path | None, typer.Option("--data", "-d", help="Data folder of the Keyhole that is meant.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="Settings; by default keyhole.yaml in the data folder."
        ),
    ] = None,
    documents: Annotated[
        Path | None,
        typer.Option("--documents", help="These documents instead of those in the data folder."),
    ] = None,
    transport: Annotated[
        str, typer.Option("--transport", help="udp, tcp, dot or doh; verdicts are the same.")
    ] = "udp",
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
) -> None:
    """Show what would happen to a question, and which rule and line decide it.

    Nobody is asked. The same function decides as in the engine, with a
    recorder beside it, and the documents are read as they are on the disk.
    """
    from keyhole.control.explain import explain_name

    folder = DataFolder(data or default_data_folder())
    told = explain_name(folder, name, kind, transport, config=config, documents=documents)
    if as_json:
        print_json(told)
    else:
        show(console(), told)
    if told["outcome"] != "answered":
        raise typer.Exit(FAILED)


def show(screen: Console, told: dict[str, Any]) -> None:
    """Each step on a line, then what came of it and what decided it."""
    for step in told["steps"]:
        sign = "[bold cyan]>[/]" if step["decides"] else "[dim]-[/]"
        stage = f"[dim]{step['stage']:9}[/]"
        screen.print(f"{sign} {stage} {escape(step['what'])}: {escape(step['result'])}")
        for line in _details(step["detail"]):
            screen.print(f"              [dim]{escape(line)}[/]")
    style = _STYLES.get(told["outcome"], "red")
    question = escape(f"{told['name']} {told['type']}")
    screen.print(
        f"\n[bold]{question}[/] is [{style}]{told['outcome']}[/] "
        f"({told['reason']}): {escape(told['meaning'])}"
    )
    for word, cause in (("decided by", told["cause"]), ("would be", told["observed"])):
        if cause:
            screen.print(f"[bold]{word}[/] {escape(describe(cause))}")


def describe(cause: dict[str, Any]) -> str:
    """What decided, with its document and line."""
    match cause.get("cause"):
        case "rule":
            said = cause.get("match") or cause.get("entry") or ""
            return f"rule {said} in {cause.get('origin', '?')}".replace("  ", " ")
        case "list":
            entry = f", entry {cause['entry']}" if cause.get("entry") else ""
            return f"list {cause['list']}, file {cause['file']} line {cause['line']}{entry}"
        case "default":
            return f"the default of the policy {cause['policy']} ({cause['policy_origin']})"
    return ", ".join(f"{key} {value}" for key, value in cause.items())


def _details(detail: Any) -> list[str]:
    if isinstance(detail, dict):
        return [
            f"{key}: {_plain(value)}" for key, value in detail.items() if value not in (None, [])
        ]
    if isinstance(detail, list):
        return [_plain(value) for value in detail]
    return [] if detail is None else [str(detail)]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(inner) for inner in value)
    return str(value)
