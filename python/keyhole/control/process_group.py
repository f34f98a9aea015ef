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
from keyhole.control.error import ControlError, EndedError
from keyhole.control.first_look import COUNTS_OCTETS, can_serve_first, engine_command
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.supervisor import Supervisor
from keyhole.system.sd_notify import SdNotify
from keyhole.system.shared_memory import make_shared_memory


class ProcessGroup:
    """An engine and a control process on one data folder."""

    def __init__(
        self,
        data: DataFolder,
        config: Path | None,
        claim: BinaryIO,
        notify: Notify,
        systemd: SdNotify,
    ) -> None:
        """``claim`` is the lock of the data folder. Control inherits it: if this process is killed,
        the folder stays locked until control has ended. ``systemd`` learns when DNS is served."""
        self._data = data
        self._config = config
        self._claim = claim
        self._notify = notify
        self._systemd = systemd
        self._is_ready = False
        self._counts = make_shared_memory("keyhole-counts", COUNTS_OCTETS)
        self._engine = self._make_engine()
        self._control = self._make_control(serves_first=False)

    def _make_engine(self) -> Supervisor:
        command = engine_command(self._data.launch, self._counts)
        kept = [] if self._counts is None else [self._counts]
        return Supervisor("the engine", lambda ran: command, self._notify, keep_open=kept)

    def _make_control(self, *, serves_first: bool) -> Supervisor:
        return Supervisor(
            "control",
            lambda ran: control_command(
                self._data, self._config, ran=ran, serves_first=serves_first
            ),
            self._notify,
            keep_open=[self._claim.fileno()],
            must_start=not serves_first,
        )

    async def run(self, end: asyncio.Event) -> int:
        """Runs both until ``end``; returns the exit code.

        Raises ``ControlError`` if the engine cannot start.
        """
        starting = asyncio.create_task(self._start())
        living = asyncio.create_task(self._give_signs_of_life())
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
            for task in (starting, failing, ending, living):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
            self._systemd.stopping()
            if end.is_set():
                text = "ending; queries in progress are still answered"
                self._notify(Notice(Severity.INFO, text))
            await self._control.stop()
            await self._engine.stop()
        return 0

    async def _start(self) -> None:
        if can_serve_first(self._data, self._config) and await self._serve_first():
            self._tell_ready("DNS is served, from the last good snapshot")
            self._control = self._make_control(serves_first=True)
            await self._control.start(None)
            return
        # Control writes the launch document of the engine. Compiling may take long: no timeout.
        await self._control.start(None)
        await self._engine.start()
        self._tell_ready("DNS is served")

    def _tell_ready(self, status: str) -> None:
        self._systemd.ready(status)
        self._is_ready = True

    async def _give_signs_of_life(self) -> None:
        """Tells the service manager again and again that both processes are taken care of.

        Without that it starts everything again, which costs queries. So a control that ended and is
        about to be restarted is no reason yet, and an engine that is not there is one.
        """
        if self._systemd.ping_seconds is None:
            return
        while True:
            if self._is_ready and self._engine.is_running and self._control.is_kept:
                self._systemd.alive()
            await asyncio.sleep(self._systemd.ping_seconds)

    async def _serve_first(self) -> bool:
        """Starts the engine from the last good snapshot, which needs no control."""
        try:
            await self._engine.start()
        except ControlError:
            # For example, a port of the last start is taken: control knows what the settings say.
            self._engine = self._make_engine()
            return False
        return True


def control_command(
    data: DataFolder, config: Path | None, *, ran: bool, serves_first: bool = False
) -> Sequence[str]:
    """The command line that starts control under supervision; ``ran`` means a restart, and
    ``serves_first`` that the engine runs already."""
    settings = ["--config", str(config)] if config else []
    again = ["--again"] if ran else ["--engine-runs"] if serves_first else []
    words = ["--data", str(data.path), *settings, *again]
    return [sys.executable, "-m", "keyhole", "control", *words]
