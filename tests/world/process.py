"""Real `keyhole` processes: their output is recorded, and all of them end with the test."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from unittest.mock import patch

from keyhole.__main__ import main
from tests.world.forked import Forked
from tests.world.waiting import PATIENCE, until


class Program:
    """One running command and all of its descendants."""

    def __init__(self, arguments: list[str], log: Path, environment: dict[str, str] | None = None):
        self.log = log
        self._process: subprocess.Popen[bytes] | Forked
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_PLAIN, **(environment or {})},
                # A new session: signals to the test run do not reach it, and processes that are
                # left can be found by the session's number.
                start_new_session=True,
            )

    @classmethod
    def keyhole(cls, *arguments: str, log: Path, **environment: str) -> "Program":
        """Starts ``keyhole ARGUMENTS``."""
        return cls([sys.executable, "-m", "keyhole", *arguments], log, environment)

    @classmethod
    def forked(cls, *arguments: str, log: Path, **environment: str) -> "Program":
        """Like `keyhole`, in a fifth of the time; see `tests.world.fork_server`. For ``up`` and
        ``lab`` where the start is not what a test is about; what the interpreter and libraries read
        of the environment while they are loaded has no effect."""
        one = cls.__new__(cls)
        one.log = log
        log.write_bytes(b"")
        one._process = Forked(list(arguments), log, {**os.environ, **_PLAIN, **environment})
        return one

    @property
    def pid(self) -> int:
        """The number of the first process."""
        return self._process.pid

    @property
    def output(self) -> str:
        """Everything written so far."""
        return self.log.read_text(errors="replace")

    def is_running(self) -> bool:
        """Whether the first process lives."""
        return self._process.poll() is None

    def must_run(self) -> None:
        """Fails with the output if the process has ended."""
        assert self.is_running(), f"ended with {self._process.returncode}:\n{self.output}"

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the first process alone."""
        self._process.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> int:
        """The exit code, once it has ended."""
        return self._process.wait(seconds)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends it with a signal, and checks that no process is left."""
        if self.is_running():
            self.send(number)
        try:
            code = self.wait()
            until(lambda: not self.survivors(), f"no process of {self.log.stem} is left")
            return code
        finally:
            for pid in self.survivors():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def survivors(self) -> list[int]:
        """Processes of this program's session that still live."""
        return [pid for pid, session, state in _processes() if session == self.pid and state != "Z"]

    def seconds_without_processor(self) -> float:
        """How long its first process, and the one of the others that waited longest, were ready to
        run while other programs ran: what one starts, it waits for.

        0 where the kernel does not count it.
        """
        others = [_seconds_waited(pid) for pid in self.survivors() if pid != self.pid]
        return _seconds_waited(self.pid) + max(others, default=0.0)

    def halt(self, pid: int) -> None:
        """Has one of its processes stand still, until `go_on` or SIGKILL; none of its threads runs
        once this returns."""
        os.kill(pid, signal.SIGSTOP)
        until(lambda: _stands_still(pid), f"process {pid} stands still")

    def go_on(self, pid: int) -> None:
        """Ends what `halt` began."""
        os.kill(pid, signal.SIGCONT)

    def children(self, word: str) -> list[int]:
        """Live processes of this program whose command line has ``word`` as an argument."""
        return [pid for pid in self.survivors() if word in _command_line(pid)]


def _processes() -> Iterator[tuple[int, int, str]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                yield int(entry.name), int(fields[3]), fields[0]


def _stands_still(pid: int) -> bool:
    with suppress(OSError):  # a thread has just ended
        states = {
            (thread / "stat").read_text().rsplit(")", 1)[1].split()[0]
            for thread in Path(f"/proc/{pid}/task").iterdir()
        }
        return states == {"T"}
    return False


def _seconds_waited(pid: int) -> float:
    """Of the main thread alone: others may wait at the same time."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


def _command_line(pid: int) -> list[str]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    return []


_PLAIN = {"NO_COLOR": "1", "COLUMNS": "200"}


def call_keyhole(
    *arguments: str, given: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Like `run_keyhole`, but without a process, which takes a tenth of the time.

    For tests of the effects and messages of a command, and for steps that prepare a test. It
    replaces the standard streams of the whole process, so only one thread may call it.
    """
    streams = [io.TextIOWrapper(io.BytesIO(given.encode())) for given in (given, "", "")]
    with (
        patch.object(sys, "argv", ["keyhole", *arguments]),
        patch.object(sys, "stdin", streams[0]),
        patch.dict(os.environ, {**_PLAIN, **environment}),
        redirect_stdout(streams[1]),
        redirect_stderr(streams[2]),
    ):
        try:
            code: object = main()
        except SystemExit as end:
            code = end.code
    for stream in streams:
        stream.seek(0)
    number = code if isinstance(code, int) else int(code is not None)
    return subprocess.CompletedProcess(arguments, number, streams[1].read(), streams[2].read())


def run_keyhole(
    *arguments: str, given: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs a `keyhole` command to its end, with ``given`` as its input, and gives its output."""
    return subprocess.run(
        [sys.executable, "-m", "keyhole", *arguments],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
        input=given,
        env={**os.environ, **_PLAIN, **environment},
    )
