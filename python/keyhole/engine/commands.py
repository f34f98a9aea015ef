"""Commands from control to an engine.

================================================  ================================================
command                                           answer
================================================  ================================================
``{"commit": PATH}``                              ``{"committed": NUMBER}``
``{"identity": {"name", "certificate", "key"}}``  ``{"installed": NAME}``
``{"withdraw": WITHDRAWAL}``                      ``{"withdrawn": MARK}``
``{"stats": true}``                               ``{"stats": {...}}``
================================================  ================================================

Any command may be answered with ``{"refused": {"path": PLACE, "why": REASON}}``; then nothing
has changed.
"""

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyhole.engine.query_log_writer import QueryLogWriter
from keyhole.engine.runtime import Refusal, Runtime
from keyhole.engine.withdrawal import Withdrawal
from keyhole.model.engine_stats import EngineStats
from keyhole.system.regular_file import read_whole

if TYPE_CHECKING:
    from keyhole.engine.trace_exporter import TraceExporter
    from keyhole.traces.exemplars import Exemplars


class Policy:
    """The snapshot in force: what control compiled, without what was taken away since."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._compressed: bytes | None = None
        self.number: int | None = None
        """The number of the snapshot; ``None`` while all queries are refused."""
        self.withdrawal: Withdrawal | None = None

    def commit(self, path: Path) -> int:
        """Activates a snapshot file; returns its number. Raises `Refusal`, then nothing changes.

        A snapshot may have been compiled before something was taken away: that stays so.
        """
        try:
            snapshot = read_whole(path)
        except OSError as error:
            raise Refusal("", f"cannot read {path}: {error.strerror}") from error
        self.number = self._put(snapshot, self.withdrawal)
        # Of this, and not of the file, is made what a later withdrawal leaves.
        self._compressed = zlib.compress(snapshot, 1)
        return self.number

    def withdraw(self, withdrawal: Withdrawal | None) -> None:
        """Lays it over the snapshot in force, and over later ones; raises `Refusal`."""
        if withdrawal is not None and self._compressed is not None:
            self._put(zlib.decompress(self._compressed), withdrawal)
        self.withdrawal = withdrawal

    def _put(self, snapshot: bytes, withdrawal: Withdrawal | None) -> int:
        return self._runtime.commit(withdrawal.lay_over(snapshot) if withdrawal else snapshot)


class Engine:
    """Executes commands on the core; also has the query log writer."""

    def __init__(
        self,
        runtime: Runtime,
        log_writer: QueryLogWriter | None,
        addresses: dict[str, list[str]],
        policy: Policy,
        traces: "TraceExporter | None" = None,
    ) -> None:
        self._runtime = runtime
        self._log_writer = log_writer
        self._policy = policy
        self._traces = traces
        self.addresses = addresses

    @property
    def number(self) -> int | None:
        """The active snapshot; ``None`` while all queries are refused."""
        return self._policy.number

    @property
    def withdrawn(self) -> str:
        """The mark of the last withdrawal; empty before the first one."""
        withdrawal = self._policy.withdrawal
        return withdrawal.mark if withdrawal else ""

    def execute(self, command: dict[str, Any]) -> dict[str, Any]:
        """Executes a command and returns the answer."""
        try:
            return self._dispatch(command)
        except Refusal as refusal:
            return refused(refusal)

    def stats(self) -> EngineStats:
        """All counters of the core, of the query log and of traces."""
        log = self._log_writer.counts() if self._log_writer else None
        traces = self._traces.counts() if self._traces else None
        return {**self._runtime.stats(), "log": log, "trace_export": traces}

    @property
    def exemplars(self) -> "Exemplars | None":
        """Traces of queries for the histograms; none while traces are off."""
        return self._traces.exemplars if self._traces else None

    def _dispatch(self, command: dict[str, Any]) -> dict[str, Any]:
        match command:
            case {"commit": str(path)}:
                return {"committed": self._policy.commit(Path(path))}
            case {"withdraw": dict(content)}:
                withdrawal = Withdrawal.of(content)
                self._policy.withdraw(withdrawal)
                return {"withdrawn": withdrawal.mark}
            case {"identity": {"name": str(name), "certificate": str(chain), "key": str(key)}}:
                self._runtime.install_identity(name, Path(chain), Path(key))
                return {"installed": name}
            case {"stats": True}:
                return {"stats": self.stats()}
        raise Refusal("command", "give commit, withdraw, identity or stats")


def refused(refusal: Refusal) -> dict[str, Any]:
    """The answer for a refused command."""
    return {"refused": {"path": refusal.path, "why": refusal.why}}
