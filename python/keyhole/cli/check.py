"""``keyhole check``: validates documents and settings."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from keyhole.cli.app import INVALID
from keyhole.cli.options import JSON
from keyhole.cli.output import console, print_json

EXAMPLES = """
[bold]Examples[/]

  keyhole check documents                   a folder, with every file in it

  keyhole check policy.yaml lists.yaml keyhole.yaml

  keyhole check --json documents            for an editor or a pipeline

Exit code 0: all is valid, perhaps with advice. 3: something is not valid.
"""

app = typer.Typer()


@app.command("check", epilog=EXAMPLES)
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Documents, settings, or folders.")
    ],
    as_json: JSON = False,
) -> None:
    """Report all errors in documents and settings, and what would be right."""
    from keyhole.control.check import check_files

    report = check_files(files)
    if as_json:
        problems = [asdict(problem) for problem in report.problems]
        for one in problems:
            del one["is_shared"]  # it is for those who choose between documents
        print_json({"valid": report.is_valid, "problems": problems})
    else:
        terminal = console()
        for problem in report.problems:
            word = "[yellow]advice[/]" if problem.is_advice else "[red]error[/]"
            place = f"[bold]{escape(problem.place)}[/]: " if problem.place else ""
            terminal.print(f"{word} {place}{escape(problem.why)}")
        terminal.print(
            f"[green]valid[/]: {escape(report.summary)}"
            if report.is_valid
            else f"[red]not valid[/]: {escape(report.summary)}"
        )
    if not report.is_valid:
        raise typer.Exit(INVALID)
