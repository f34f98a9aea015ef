"""``keyhole control``: the control plane alone."""

from pathlib import Path
from typing import Annotated

import typer

from keyhole.control.data_folder import DataFolder, default_data_folder

EXAMPLES = """
[bold]Examples[/]

  keyhole control --data /srv/keyhole      in one container

  keyhole engine /srv/keyhole/state/launch.json      in another one

Exit code 0: ended by a signal. 1: it could not start, and said why.

3: keyhole.yaml is not valid.
"""

app = typer.Typer()


@app.command("control", epilog=EXAMPLES)
def control(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="Settings; by default keyhole.yaml in the data folder."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", "-d", help="Data folder, which the engine shares."),
    ] = None,
    supervised: Annotated[
        int | None,
        typer.Option(
            "--supervised",
            metavar="FD",
            help="Say on this pipe when the engine may start, and end when standard input ends.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="The engine serves since before; say less.")
    ] = False,
) -> None:
    """Keep documents, lists, query log and API; an engine beside it answers.

    `keyhole up` starts and watches both. By hand they need one data folder
    and one user; either may be stopped and started while the other goes on.
    """
    # Imported here: the other commands need none of it.
    import asyncio

    from keyhole.cli.control_process import Installation, run

    installation = Installation(DataFolder(data or default_data_folder()), config)
    asyncio.run(run(installation, supervised, again=again))
