"""``keyhole engine``: the data plane alone."""

from pathlib import Path
from typing import Annotated

import typer

from keyhole.cli.options import LOG_FORMAT, LOG_LEVEL
from keyhole.control.data_folder import DataFolder, default_data_folder
from keyhole.system.collector import only_imports
from keyhole.system.operation_log import configure

EXAMPLES = """
[bold]Examples[/]

  keyhole engine                        start from the last good snapshot

  keyhole engine /srv/state/launch.json

Exit code 0: ended by a signal. 1: it could not start; the message says why.
"""

app = typer.Typer()


@app.command("engine", epilog=EXAMPLES)
def engine(
    launch: Annotated[
        Path | None,
        typer.Argument(
            metavar="[LAUNCH]",
            help="File that `keyhole up` wrote for the engine. Default: that of the data folder.",
        ),
    ] = None,
    supervised: Annotated[
        int | None,
        typer.Option(
            "--supervised",
            metavar="FD",
            help="Write to this pipe when it serves; end when standard input closes.",
        ),
    ] = None,
    counts: Annotated[
        int | None,
        typer.Option(
            "--counts",
            metavar="FD",
            help="Count queries in this memory, in which the next engine finds them.",
        ),
    ] = None,
    log_format: LOG_FORMAT = None,
    log_level: LOG_LEVEL = None,
) -> None:
    """Answer queries from the last good snapshot, without control.

    `keyhole up` starts and watches this process. Started by hand, it serves the last good snapshot,
    and receives changes while control runs on the same data folder.
    """
    with only_imports():
        from keyhole.engine.process import run
        from keyhole.link.session import open_session

    configure(log_format, log_level)
    launch = launch or DataFolder(default_data_folder()).launch
    raise typer.Exit(run(launch, supervisor=supervised, counts=counts, open_link=open_session))
