"""``keyhole control``: the control plane alone."""

from pathlib import Path
from typing import Annotated

import typer

from keyhole.cli.options import CONFIG, LOG_FORMAT, LOG_LEVEL
from keyhole.control.data_folder import DataFolder, default_data_folder
from keyhole.system.collector import only_imports
from keyhole.system.operation_log import configure

EXAMPLES = """
[bold]Examples[/]

  keyhole control --data /srv/keyhole      in one container

  keyhole engine /srv/keyhole/state/launch.json      in another one

Exit code 0: ended by a signal. 1: it could not start; the message says why.

3: keyhole.yaml is not valid.
"""

app = typer.Typer()


@app.command("control", epilog=EXAMPLES)
def control(
    config: CONFIG = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", "-d", help="Data folder, shared with the engine."),
    ] = None,
    supervised: Annotated[
        int | None,
        typer.Option(
            "--supervised",
            metavar="FD",
            help="Write to this pipe when the engine may start; end when standard input closes.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="The engine already serves: print only changes.")
    ] = False,
    engine_runs: Annotated[
        bool,
        typer.Option("--engine-runs", help="The engine already serves the last good snapshot."),
    ] = False,
    log_format: LOG_FORMAT = None,
    log_level: LOG_LEVEL = None,
) -> None:
    """Run documents, lists, query log and API, without the engine.

    `keyhole up` starts and watches both. Started by hand, both need the same
    data folder and user; each may be restarted while the other runs.
    """
    import asyncio

    with only_imports():
        from keyhole.cli.control_process import Installation, Start, run

    configure(log_format, log_level)
    folder = DataFolder(data or default_data_folder())
    if supervised is None:  # else keyhole up has looked
        _complete_setup(config or folder.config)
    installation = Installation(folder, config)
    start = Start(is_restart=again, engine_runs=again or engine_runs)
    asyncio.run(run(installation, supervised, start))


def _complete_setup(settings: Path) -> None:
    from keyhole.control.first_run.place import finish_at_start

    if why := finish_at_start(settings):
        from keyhole.cli.output import console, show_notice
        from keyhole.control.notice import Notice, Severity

        show_notice(console(), Notice(Severity.WARNING, why), "control")
