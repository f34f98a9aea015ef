"""Options that several commands share, and how what they hold is read."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

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
    typer.Option("--config", "-c", help="Settings; by default keyhole.yaml in the data folder."),
]
JSON = Annotated[bool, typer.Option("--json", help="For a program.")]


def duration(written: str) -> timedelta:
    """A time such as ``24h``; for another one, wrong usage."""
    from keyhole.model.units import read_milliseconds

    try:
        return timedelta(milliseconds=read_milliseconds(written))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
