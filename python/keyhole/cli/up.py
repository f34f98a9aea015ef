"""``keyhole up``: a resolver or forwarder on this machine, supervised."""

from pathlib import Path
from typing import Annotated

import typer

from keyhole.control.data_folder import DataFolder, default_data_folder

EXAMPLES = """
[bold]Examples[/]

  keyhole up                           with the data folder, or with defaults

  keyhole up --data ./home             everything in ./home

  keyhole up --config keyhole.yaml     settings from elsewhere

Exit code 0: ended by Ctrl-C or SIGTERM. 1: it could not start.

3: keyhole.yaml is not valid.
"""

app = typer.Typer()


@app.command("up", epilog=EXAMPLES)
def up(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="Settings; by default keyhole.yaml in the data folder."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "-d",
            help="Data folder; by default $KEYHOLE_DATA, /var/lib/keyhole for root, or "
            "~/.local/share/keyhole.",
        ),
    ] = None,
) -> None:
    """Answer DNS questions: encrypted to the upstream, filtered, explained.

    Without settings it writes commented ones and asks well-known upstreams
    over HTTPS. Documents are watched: a valid change acts at once, an invalid
    one changes nothing and is told with its line.
    """
    # Imported here: the other commands need none of it.
    import asyncio

    from keyhole.cli.run_up import run_up

    raise typer.Exit(asyncio.run(run_up(DataFolder(data or default_data_folder()), config)))
