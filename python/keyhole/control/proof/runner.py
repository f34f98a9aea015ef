"""Runs ``keyhole verify`` in a process of its own, when a person asks for it."""

import asyncio
import json
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from keyhole.control.data_folder import UPLOAD, DataFolder
from keyhole.control.error import StaleError
from keyhole.control.proof.reports import MAX_OCTETS, KeptReport, ProofReports
from keyhole.errors import KeyholeError
from keyhole.model.proof import ProofReport
from keyhole.store import Actor
from keyhole.system.parent_death import environment_for_child
from keyhole.system.regular_file import read_regular

MAX_SECONDS = 900.0
_END_SECONDS = 30.0
_MAX_SAID = 400
_NICE = 10
_OWN = ("KEYHOLE_", "NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_", "CREDENTIALS_DIRECTORY")


@dataclass(frozen=True)
class Run:
    """The last run that a person asked for."""

    started: datetime
    by: str
    is_running: bool = True
    why: str | None = None
    """Why it gave no report; none while it runs, or where it gave one."""


class ProofRunner:
    """One run at a time."""

    def __init__(self, data: DataFolder, reports: ProofReports) -> None:
        self._data = data
        self._reports = reports
        self._run: Run | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def last(self) -> Run | None:
        """The run that goes on, or else the last one since control started."""
        return self._run

    def start(self, actor: Actor) -> Run:
        """Begins a run against a lab of this version, which leaves this Keyhole's DNS alone. Raises
        `StaleError` while another one goes on."""
        if self._run is not None and self._run.is_running:
            raise StaleError(f"a run that {self._run.by} began goes on already")
        self._run = run = Run(datetime.now(UTC), actor.name)
        self._task = asyncio.create_task(self._prove(run, actor))
        return run

    async def close(self) -> None:
        """Ends a run that goes on, and its lab."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _prove(self, run: Run, actor: Actor) -> None:
        why: str | None = "it was ended"
        try:
            report = await self._report()
            one = KeptReport.now(report, run.by)
            await asyncio.to_thread(self._reports.take, one, actor)
            why = None
        except Exception as error:  # noqa: BLE001 (whatever it is, it is said, and ends nothing else)
            why = str(error) or type(error).__name__
        finally:
            self._run = replace(run, is_running=False, why=why)

    async def _report(self) -> ProofReport:
        with tempfile.TemporaryDirectory(prefix=UPLOAD, dir=self._data.state) as folder:
            file = Path(folder) / "report.json"
            said, code = await _run_verify(file, Path(folder))
            try:
                document = json.loads(read_regular(file, MAX_OCTETS))
                return ProofReport(
                    target=document["target"],
                    started=document["started"],
                    every=None,
                    lines=document["lines"],
                )
            except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
                raise KeyholeError(
                    f"keyhole verify ended with code {code} and gave no report: "
                    f"{said or error}; try it by hand: keyhole verify"
                ) from error


async def _run_verify(file: Path, folder: Path) -> tuple[str, int]:
    """Runs it; its last words and its exit code. Raises `KeyholeError` where it takes too long."""
    command = [sys.executable, "-m", "keyhole", "verify", "--format", "json", "--output", str(file)]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(folder),
    )
    try:
        with suppress(OSError):  # it has ended already
            _give_way(process.pid)
        async with asyncio.timeout(MAX_SECONDS):
            _, errors = await process.communicate()
    except TimeoutError:
        raise KeyholeError(f"keyhole verify did not end within {MAX_SECONDS:.0f} s") from None
    finally:
        await _end(process)
    said = errors.decode(errors="replace").strip()[-_MAX_SAID:]
    return "".join(each if each.isprintable() else " " for each in said), process.returncode or 0


def _give_way(pid: int) -> None:
    """DNS goes before proof, where time or memory is short; its lab inherits both. Raises
    ``OSError``."""
    os.setpriority(os.PRIO_PROCESS, pid, _NICE)
    Path(f"/proc/{pid}/oom_score_adj").write_text("1000", encoding="ascii")


def _environment(folder: Path) -> dict[str, str]:
    """Without settings of this Keyhole, and without what systemd gave it: the lab has its own, and
    must not speak for it. The temporary folder of the run ends with it, whatever happens to the
    process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    return environment_for_child({"TMPDIR": str(folder)}, kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends it where it still runs: by SIGTERM, which ends its lab too."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
