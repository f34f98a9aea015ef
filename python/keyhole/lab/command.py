"""``keyhole lab``: a whole world on this machine, without any internet."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """
[bold]Examples[/]

  keyhole lab                          until Ctrl-C, in a temporary folder

  keyhole lab --data ./lab             keep documents and certificates

  keyhole lab --seconds 60 --ready-file ready.json        for a program

Exit code 0: ended as asked. 1: a part could not start, or ended by itself.
"""


def lab(
    port_base: Annotated[
        int | None,
        typer.Option(
            "--port-base", min=1, max=65526, help="First of ten ports; by default a free block."
        ),
    ] = None,
    ready_file: Annotated[
        Path | None,
        typer.Option("--ready-file", help="Write addresses and process ids as JSON once all run."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Keep everything here; by default a temporary folder."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="End by itself after this time.")
    ] = None,
) -> None:
    """Run a whole world on this machine: internet, forwarder, resolver, workloads.

    Nothing leaves the machine. The "internet" is an encrypted upstream that
    answers any name; the resolver filters with an example list and policy; a
    few workloads ask names all the time. Change the documents while it runs,
    and see what happens.
    """
    # Imported here: the other commands need none of it.
    from keyhole.lab.run import run_lab

    raise typer.Exit(run_lab(port_base, ready_file, data, seconds))
