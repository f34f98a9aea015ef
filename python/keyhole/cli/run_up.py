"""Runs ``keyhole up``: claims the data folder, and runs the process group."""

import contextlib
from pathlib import Path

from keyhole.cli.output import console, show_notice
from keyhole.control.backup.place import check_not_interrupted
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError
from keyhole.control.first_run.place import finish_at_start
from keyhole.control.notice import Notice, Severity
from keyhole.control.process_group import ProcessGroup
from keyhole.control.shutdown import end_on_signals
from keyhole.system.sd_notify import SdNotify

CLAIM_SECONDS = 8.0
"""Limit for the control process of a killed Keyhole to end."""


async def run_up(data: DataFolder, config: Path | None) -> int:
    """Runs until SIGTERM or Ctrl-C; gives the exit code."""
    end, systemd = end_on_signals(), SdNotify.take()
    terminal = console()

    def notify(notice: Notice) -> None:
        show_notice(terminal, notice, "up")

    check_not_interrupted(data)
    if why := finish_at_start(config or data.config):
        notify(Notice(Severity.WARNING, why))
    data.make()
    try:
        claim = await data.claim()
    except ControlError:
        text = f"another keyhole has {data.path}; waiting {CLAIM_SECONDS:g} s for it to end"
        notify(Notice(Severity.INFO, text))
        claim = await data.claim(CLAIM_SECONDS)
    with contextlib.closing(claim):
        return await ProcessGroup(data, config, claim, notify, systemd).run(end)
