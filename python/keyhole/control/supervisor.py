"""Keeps one process of Keyhole running.

The process gets ``--supervised FD``, a pipe on which it reports its state in JSON lines:
``{"ready": ...}``, or ``{"refused": {"path": PLACE, "why": REASON}}`` if it cannot go on. A process
that is ready before it is sure to serve reports ``{"ready": ..., "more": true}``, and later
``{"settled": true}``. If the first process ends between the two, that is an error, and it is not
restarted. The process shuts down in order when its standard input ends.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from keyhole.control.error import ControlError, EndedError, EngineRefusedError
from keyhole.control.notice import Notice, Notify, Severity

READY_SECONDS = 20.0
# A process that ran this long was healthy: the next restart is immediate again.
HEALTHY_SECONDS = 10.0
FIRST_DELAY, MAX_DELAY = 0.2, 5.0
_END_SECONDS = 10.0
_LINE_OCTETS = 2**20

Command = Callable[[bool], Sequence[str]]
"""The command line, without ``--supervised``; the argument says if the process ran before."""


class Supervisor:
    """One process, restarted whenever it ends unasked."""

    def __init__(
        self,
        name: str,
        command: Command,
        notify: Notify,
        *,
        keep_open: Sequence[int] = (),
        must_start: bool = True,
    ) -> None:
        """Call it inside an event loop. ``name`` stands for the process in notices, such as "the
        engine"; the process inherits the file descriptors ``keep_open``. Without ``must_start``
        a first process that ends is restarted as any other one."""
        self._name = name
        self._command = command
        self._notify = notify
        self._keep_open = tuple(keep_open)
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._first: asyncio.Future[Any] | None = None
        self._stopping = asyncio.Event()
        self._is_settled = not must_start
        self._must_start = must_start
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int | None:
        """The process ID of the running process."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether the process lives now."""
        return self._process is not None and self._process.returncode is None

    @property
    def is_kept(self) -> bool:
        """Whether the process lives, or is about to be started again."""
        return self._task is not None and not self._task.done()

    async def start(self, seconds: float | None = READY_SECONDS) -> Any:
        """Starts the process and returns the content of its ``ready`` message.

        Raises :class:`EngineRefusedError` with the reason if it cannot start, such as a port in
        use, and :class:`EndedError` if it ended without a message. If the process ends later, it
        is restarted instead.
        """
        self._first = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run())
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(self._first)
        except TimeoutError:
            await self.stop()
            raise ControlError(f"{self._name} was not ready after {seconds:g} seconds") from None

    async def failure(self) -> None:
        """Waits forever, unless the first process ends after ``ready`` and before ``settled``; then
        raises :class:`EndedError`."""
        await asyncio.shield(self._failed)

    async def stop(self) -> None:
        """Lets the process drain and end; kills it if that takes too long."""
        self._stopping.set()
        process = self._process
        if process is not None and process.returncode is None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                async with asyncio.timeout(_END_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        delay, deaths, ran = 0.0, 0, False
        while not self._stopping.is_set():
            await asyncio.sleep(delay)
            started = time.monotonic()
            refusal, code = await self._run_once(ran)
            if self._stopping.is_set():
                return
            if self._must_start and self._first is not None and not self._first.done():
                self._first.set_exception(refusal or EndedError(self._end_text(code), code))
                return
            if not self._is_settled:
                self._failed.set_exception(EndedError(self._end_text(code), code))
                return
            ran = True
            deaths = 1 if time.monotonic() - started >= HEALTHY_SECONDS else deaths + 1
            delay = restart_delay(deaths)
            self._notify(self._death_notice(code, refusal, delay))

    async def _run_once(self, ran: bool) -> tuple[EngineRefusedError | None, int]:
        """Runs one process to its end; returns its refusal, if any, and its exit code."""
        reading, writing = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(*self._command(ran), "--supervised", str(writing)),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(writing, *self._keep_open),
                # Ctrl-C in a terminal reaches the whole foreground group. Only this process
                # must act on it, so that the other one drains once and in order.
                process_group=0,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        reading_task = asyncio.create_task(self._read_messages(reading))
        try:
            code = await self._process.wait()
            refusal = await reading_task
        finally:
            reading_task.cancel()
            if self._process.returncode is None:
                self._process.kill()
        return refusal, code

    async def _read_messages(self, pipe: int) -> EngineRefusedError | None:
        """Handles the messages of the process until it ends; returns its refusal, if any."""
        refusal: EngineRefusedError | None = None
        reader = asyncio.StreamReader(limit=_LINE_OCTETS)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb")
        )
        try:
            async for line in reader:
                refusal = self._handle(json.loads(line)) or refusal
        finally:
            transport.close()
        return refusal

    def _handle(self, message: dict[str, Any]) -> EngineRefusedError | None:
        if "refused" in message:
            return EngineRefusedError(message["refused"]["path"], message["refused"]["why"])
        self._is_settled = self._is_settled or "more" not in message
        if "settled" in message:
            return None
        if self._first is not None and not self._first.done():
            self._first.set_result(message["ready"])
        else:
            self._notify(
                Notice(Severity.SUCCESS, f"{self._name} serves again (process {self.pid})")
            )
        return None

    def _end_text(self, code: int) -> str:
        if code < 0:
            return f"{self._name} was ended by {signal.Signals(-code).name}"
        return f"{self._name} ended with exit code {code}"

    def _death_notice(self, code: int, refusal: EngineRefusedError | None, delay: float) -> Notice:
        when = "at once" if delay == 0 else f"in {delay:.1f} s"
        details = (str(refusal),) if refusal else ()
        return Notice(Severity.ERROR, f"{self._end_text(code)}; starting it again {when}", details)


def restart_delay(deaths: int) -> float:
    """Seconds to wait after this many deaths in a row; the first restart is immediate."""
    if deaths <= 1:
        return 0.0
    return min(FIRST_DELAY * 2.0 ** (deaths - 2), MAX_DELAY)
