"""``keyhole engine``: the data plane alone."""

from pathlib import Path
from typing import Annotated

import typer

from keyhole.control.data_folder import DataFolder, default_data_folder

EXAMPLES = """
[bold]Examples[/]

  keyhole engine                        start from the last good snapshot

  keyhole engine /srv/state/launch.json

Exit code 0: ended by a signal. 1: it could not start, and said why.
"""

app = typer.Typer()


@app.command("engine", epilog=EXAMPLES)
def engine(
    launch: Annotated[
        Path | None,
        typer.Argument(
            metavar="[LAUNCH]",
            help="What `keyhole up` wrote for the engine; by default the one in the data folder.",
        ),
    ] = None,
    supervised: Annotated[
        int | None,
        typer.Option(
            "--supervised",
            metavar="FD",
            help="Say on this pipe when it serves, and end when standard input ends.",
        ),
    ] = None,
) -> None:
    """Answer queries from the last good snapshot, without control.

    `keyhole up` starts and watches this process by itself. Started by hand it serves the last good
    snapshot, and learns of changes when control of the same data folder runs.
    """
    # Imported here: no other command needs the native core at its start.
    from keyhole.engine.process import run
    from keyhole.link.session import open_session

    launch = launch or DataFolder(default_data_folder()).launch
    raise typer.Exit(run(launch, supervisor=supervised, open_link=open_session))
