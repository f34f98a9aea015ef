"""``keyhole up`` itself: keeps an engine and a control process running, and does nothing else.

The two share only the link and the data folder. If one dies, it is restarted while the other goes
on. So DNS works even if control is killed, for example because its database, API or lists need too
much memory.
"""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from keyhole.control.data_folder import DataFolder
from keyhole.control.error import EndedError
from keyhole.control.local_engine import engine_command
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.supervisor import Supervisor


class ProcessGroup:
    """An engine and a control process on one data folder."""

    def __init__(
        self, data: DataFolder, config: Path | None, claim: BinaryIO, notify: Notify
    ) -> None:
        """``claim`` is the lock of the data folder. Control inherits it: if this process is killed,
        the folder stays locked until control has ended."""
        self._engine = Supervisor("the engine", lambda ran: engine_command(data.launch), notify)
        self._control = Supervisor(
            "control",
            lambda ran: control_command(data, config, ran=ran),
            notify,
            keep_open=[claim.fileno()],
        )
        self._notify = notify

    async def run(self, end: asyncio.Event) -> int:
        """Runs both until ``end``; returns the exit code.

        Raises ``ControlError`` if the engine cannot start.
        """
        starting = asyncio.create_task(self._start())
        failing = asyncio.create_task(self._control.failure())
        ending = asyncio.create_task(end.wait())
        try:
            for waited in ({starting, failing, ending}, {failing, ending}):
                done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                if ending in done:
                    break
        except EndedError as error:
            return error.code if error.code > 0 else 1  # the process has printed the reason
        finally:
            for task in (starting, failing, ending):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
            if end.is_set():
                text = "ending; queries in progress are still answered"
                self._notify(Notice(Severity.INFO, text))
            await self._control.stop()
            await self._engine.stop()
        return 0

    async def _start(self) -> None:
        # Control writes the launch document of the engine. Compiling may take long: no timeout.
        await self._control.start(None)
        await self._engine.start()


def control_command(data: DataFolder, config: Path | None, *, ran: bool) -> Sequence[str]:
    """The command line that starts control under supervision; ``ran`` means a restart."""
    settings = ["--config", str(config)] if config else []
    again = ["--again"] if ran else []
    words = ["--data", str(data.path), *settings, *again]
    return [sys.executable, "-m", "keyhole", "control", *words]
