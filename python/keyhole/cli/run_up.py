"""The life of ``keyhole up``."""

import contextlib
from pathlib import Path

from keyhole.cli.output import console, show_notice
from keyhole.control.data import DataFolder
from keyhole.control.ending import end_on_signals
from keyhole.control.error import ControlError
from keyhole.control.keeper import Keeper
from keyhole.control.notice import Notice, Weight

CLAIM_SECONDS = 8.0
"""How long the control process of a Keyhole that was killed may take to end."""


async def keep(data: DataFolder, config: Path | None) -> int:
    """Runs until SIGTERM or Ctrl-C; gives the exit code."""
    end = end_on_signals()
    terminal = console()

    def notify(notice: Notice) -> None:
        show_notice(terminal, notice)

    data.make()
    try:
        claim = await data.claim()
    except ControlError:
        text = f"another keyhole has {data.path}; waiting {CLAIM_SECONDS:g} s for its end"
        notify(Notice(Weight.PLAIN, text))
        claim = await data.claim(CLAIM_SECONDS)
    with contextlib.closing(claim):
        return await Keeper(data, config, claim, notify).keep(end)
