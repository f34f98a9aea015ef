"""``keyhole lab``: a complete test network on this machine, without the internet."""

from pathlib import Path
from typing import Annotated

import typer

from keyhole.lab.ports import BLOCK

EXAMPLES = """
[bold]Examples[/]

  keyhole lab                          runs until Ctrl-C, in a temporary folder

  keyhole lab --data ./lab             keeps documents and certificates

  keyhole lab --traces http://127.0.0.1:4318           sends traces of all queries to Jaeger

  keyhole lab --seconds 60 --ready-file ready.json        for use by a program

Exit code 0: ended by a signal or by --seconds. 1: a part did not start, or ended unexpectedly.
"""

app = typer.Typer()


def _receiver(written: str) -> str:
    """The URL of a receiver, checked as in ``keyhole.yaml``."""
    from keyhole.config.sections.traces import read_endpoint_url

    try:
        return read_endpoint_url(written)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


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
    traces: Annotated[
        str | None,
        typer.Option(
            "--traces",
            metavar="URL",
            parser=_receiver,
            help="Send traces of all queries to this OTLP receiver, such as Jaeger.",
        ),
    ] = None,
) -> None:
    """Run a complete test network: internet, forwarder, resolver, workloads.

    Nothing leaves the machine. The "internet" is an encrypted upstream that
    answers any name. The resolver filters with an example list and policy.
    A few workloads send queries all the time. Change the documents while it
    runs, and see the effect.
    """
    # Imported here, so that other commands start faster.
    from keyhole.lab.run import LabOptions, run_lab
    from keyhole.system.parent_death import die_if_asked

    die_if_asked()
    raise typer.Exit(run_lab(LabOptions(port_base, traces), ready_file, data, seconds))
