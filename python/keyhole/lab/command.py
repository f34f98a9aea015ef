"""``keyhole lab``: a complete test network on this machine, without the internet."""

from pathlib import Path
from typing import Annotated

import typer

from keyhole.lab.ports import BLOCK

EXAMPLES = """
[bold]Examples[/]

  keyhole lab                          runs until Ctrl-C, in a temporary folder

  keyhole lab --data ./lab             keeps documents and certificates

  keyhole lab --seconds 60 --ready-file ready.json        for use by a program

Exit code 0: ended by a signal or by --seconds. 1: a part did not start, or ended unexpectedly.
"""

app = typer.Typer()


@app.command("lab", epilog=EXAMPLES)
def lab(
    port_base: Annotated[
        int | None,
        typer.Option(
            "--port-base",
            min=1,
            max=65_536 - BLOCK,
            help=f"First of {BLOCK} ports. Default: a free block.",
        ),
    ] = None,
    ready_file: Annotated[
        Path | None,
        typer.Option("--ready-file", help="Write addresses and process ids as JSON when ready."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Keep all files here. Default: a temporary folder."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="Stop after this time.")
    ] = None,
) -> None:
    """Run a complete test network: internet, forwarder, resolver, workloads.

    Nothing leaves the machine. The "internet" is an encrypted upstream that
    answers any name. The resolver filters with an example list and policy.
    A few workloads send queries all the time. Change the documents while it
    runs, and see the effect.
    """
    # Imported here, so that other commands start faster.
    from keyhole.lab.run import run_lab

    raise typer.Exit(run_lab(port_base, ready_file, data, seconds))
