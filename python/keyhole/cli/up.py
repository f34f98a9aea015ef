"""``keyhole up``: runs a resolver or forwarder, and restarts its processes."""

import typer

from keyhole.cli.options import CONFIG, DATA, LOG_FORMAT, LOG_LEVEL
from keyhole.control.data_folder import DataFolder, default_data_folder
from keyhole.system.operation_log import configure

EXAMPLES = """
[bold]Examples[/]

  keyhole up                           with the data folder, or with defaults

  keyhole up --data ./home             everything in ./home

  keyhole up --config keyhole.yaml     settings in another file

Exit code 0: ended by Ctrl-C or SIGTERM. 1: it could not start.

3: keyhole.yaml is not valid.
"""

app = typer.Typer()


@app.command("up", epilog=EXAMPLES)
def up(
    config: CONFIG = None,
    data: DATA = None,
    log_format: LOG_FORMAT = None,
    log_level: LOG_LEVEL = None,
) -> None:
    """Answer DNS queries: encrypted to the upstream, filtered, explained.

    Without settings it writes default ones with comments, and uses well-known
    upstreams over HTTPS. It watches the documents: a valid change takes effect
    at once, an invalid one changes nothing and is reported with its line.
    """
    import asyncio

    from keyhole.cli.run_up import run_up

    configure(log_format, log_level)
    raise typer.Exit(asyncio.run(run_up(DataFolder(data or default_data_folder()), config)))
