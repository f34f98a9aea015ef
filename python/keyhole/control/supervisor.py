"""Keeps one engine process running, and speaks to it.

The protocol (JSON lines on standard input and output) is described in ``keyhole.engine.process``.
The engine answers in the order of the commands, so a queue of waiting futures is enough.
"""

import asyncio
import json
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from keyhole.control.error import ControlError, EngineGoneError, EngineRefusedError
from keyhole.control.notice import Notice, Tell, Weight

READY_SECONDS = 20.0
ANSWER_SECONDS = 30.0
# An engine that lived this long was healthy: the next restart is immediate again.
HEALTHY_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
_LINE_OCTETS = 16 * 2**20


class Supervisor:
    """One engine process, started again whenever it dies without being asked to."""

    def __init__(
        self, launch_file: Path, tell: Tell, *, command: Sequence[str] | None = None
    ) -> None:
        """``command`` replaces the command line of the engine; tests give their own."""
        self._command = list(command or engine_command(launch_file))
        self._tell = tell
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._waiting: deque[asyncio.Future[dict[str, Any]]] = deque()
        self._life: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._stopping = asyncio.Event()
        self.addresses: dict[str, list[str]] = {}

    @property
    def pid(self) -> int | None:
        """The process id of the engine that runs now."""
        return self._process.pid if self._process else None

    async def start(self) -> dict[str, list[str]]:
        """Starts the engine and gives its addresses by transport.

        Raises :class:`EngineRefusedError` with the engine's own reason when it cannot start, such
        as a port in use. Later deaths are answered with a restart instead.
        """
        self._first = asyncio.get_running_loop().create_future()
        self._life = asyncio.create_task(self._live())
        try:
            await asyncio.wait_for(asyncio.shield(self._first), READY_SECONDS)
        except TimeoutError:
            await self.stop()
            raise ControlError(
                f"the engine was not ready after {READY_SECONDS:g} seconds"
            ) from None
        return self.addresses

    async def commit(self, snapshot: Path) -> int:
        """Puts the snapshot file in force; gives its number.

        Raises :class:`EngineRefusedError` when it is not valid, and :class:`EngineGoneError` when
        the engine died meanwhile.
        """
        answer = await self._ask({"commit": str(snapshot)})
        return int(answer["committed"])

    async def install_identity(self, name: str, certificate: Path, key: Path) -> None:
        """Has the engine read a certificate and key; ``server`` is what its listeners show."""
        identity = {"name": name, "certificate": str(certificate), "key": str(key)}
        await self._ask({"identity": identity})

    async def stats(self) -> dict[str, Any]:
        """All counters of the engine that runs now; they begin at zero in a new process."""
        answer = await self._ask({"stats": True})
        stats = answer["stats"]
        assert isinstance(stats, dict)
        return stats

    async def stop(self) -> None:
        """Has the engine drain and end; kills it when it takes too long."""
        self._stopping.set()
        process = self._process
        if process is not None and process.returncode is None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
        if self._life is not None:
            self._life.cancel()
            with suppress(asyncio.CancelledError):
                await self._life

    async def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        if self._stopping.is_set():
            raise EngineGoneError("the engine is being stopped")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), READY_SECONDS)
        process = self._process
        if not self._ready.is_set() or process is None or process.stdin is None:
            raise EngineGoneError("the engine does not run")
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            process.stdin.write(json.dumps(command).encode() + b"\n")
            await process.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise EngineGoneError("the engine ended before it was asked") from error
        try:
            # Not cancelled on time-out: its place in the queue keeps the later answers in step.
            answer = await asyncio.wait_for(asyncio.shield(future), ANSWER_SECONDS)
        except TimeoutError:
            raise ControlError(f"the engine did not answer for {ANSWER_SECONDS:g} s") from None
        if "refused" in answer:
            raise EngineRefusedError(answer["refused"]["path"], answer["refused"]["why"])
        return answer

    async def _live(self) -> None:
        pause, deaths = 0.0, 0
        while not self._stopping.is_set():
            await asyncio.sleep(pause)
            started = time.monotonic()
            refusal, code = await self._run_once()
            if self._stopping.is_set():
                return
            if self._first is not None and not self._first.done():
                self._first.set_exception(refusal or ControlError(_ended(code)))
                return
            deaths = 1 if time.monotonic() - started >= HEALTHY_SECONDS else deaths + 1
            pause = pause_before_restart(deaths)
            self._tell(_died(code, refusal, pause))

    async def _run_once(self) -> tuple[EngineRefusedError | None, int]:
        """Runs one process to its end; gives why it could not start, and its exit code."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C in a terminal reaches the whole foreground group; only we act on it, so that
            # the engine drains once and in order.
            process_group=0,
            limit=_LINE_OCTETS,
        )
        refusal: EngineRefusedError | None = None
        try:
            assert self._process.stdout is not None
            async for line in self._process.stdout:
                refusal = self._take(line) or refusal
            code = await self._process.wait()
        finally:
            self._ready.clear()
            self._fail_waiting()
            if self._process.returncode is None:
                self._process.kill()
        return refusal, code

    def _take(self, line: bytes) -> EngineRefusedError | None:
        """Takes one line of the engine; gives its reason when it refused to start."""
        try:
            message = json.loads(line)
        except ValueError:
            sys.stderr.buffer.write(line)  # not ours: whatever it is, a person should see it
            return None
        if "ready" in message:
            self.addresses = message["ready"]
            self._ready.set()
            if self._first is not None and not self._first.done():
                self._first.set_result(None)
            else:
                self._tell(Notice(Weight.GOOD, f"the engine serves again (process {self.pid})"))
        elif self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(message)
        elif "refused" in message:
            return EngineRefusedError(message["refused"]["path"], message["refused"]["why"])
        return None

    def _fail_waiting(self) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(EngineGoneError("the engine ended before it answered"))


def engine_command(launch_file: Path) -> list[str]:
    """The command line that starts an engine under supervision."""
    return [sys.executable, "-m", "keyhole", "engine", "--supervised", str(launch_file)]


def pause_before_restart(deaths: int) -> float:
    """Seconds to wait after this many deaths in a row; the first restart is immediate."""
    if deaths <= 1:
        return 0.0
    return min(FIRST_PAUSE * 2.0 ** (deaths - 2), LONGEST_PAUSE)


def _ended(code: int) -> str:
    if code < 0:
        return f"the engine was ended by {signal.Signals(-code).name}"
    return f"the engine ended with exit code {code}"


def _died(code: int, refusal: EngineRefusedError | None, pause: float) -> Notice:
    when = "at once" if pause == 0 else f"in {pause:.1f} s"
    details = (str(refusal),) if refusal else ()
    return Notice(Weight.BAD, f"{_ended(code)}; starting it again {when}", details)
