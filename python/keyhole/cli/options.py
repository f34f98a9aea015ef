"""Options that several commands share."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from keyhole.system.operation_log import FORMAT_VARIABLE, LEVEL_VARIABLE, Format, Level

DATA = Annotated[
    Path | None,
    typer.Option(
        "--data",
        "-d",
        help="Data folder; by default $KEYHOLE_DATA, /var/lib/keyhole for root, or "
        "~/.local/share/keyhole.",
    ),
]
CONFIG = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="KEYHOLE_CONFIG",
        help="Settings; by default $KEYHOLE_CONFIG, or keyhole.yaml in the data folder.",
    ),
]
WHY = Annotated[str | None, typer.Option("--why", help="The reason, for the audit record.")]
LOG_FORMAT = Annotated[
    Format | None,
    typer.Option(
        "--log-format",
        envvar=FORMAT_VARIABLE,
        help="The log of operation: text for people, or json with one event a line.",
    ),
]
LOG_LEVEL = Annotated[
    Level | None,
    typer.Option(
        "--log-level",
        envvar=LEVEL_VARIABLE,
        help="The least of the events to write: info, warning or error.",
    ),
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]


def duration(written: str) -> timedelta:
    """Reads a duration such as ``24h``; raises ``BadParameter`` for any other text."""
    from keyhole.model.units import read_milliseconds

    try:
        return timedelta(milliseconds=read_milliseconds(written))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
