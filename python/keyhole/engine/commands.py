"""Commands from control to an engine.

================================================  ================================================
command                                           answer
================================================  ================================================
``{"commit": PATH}``                              ``{"committed": NUMBER}``
``{"identity": {"name", "certificate", "key"}}``  ``{"installed": NAME}``
``{"stats": true}``                               ``{"stats": {...}}``
================================================  ================================================

Any command may be answered with ``{"refused": {"path": PLACE, "why": REASON}}``; then nothing
has changed.
"""

from pathlib import Path
from typing import Any

from keyhole.engine.query_log_writer import QueryLogWriter
from keyhole.engine.runtime import Refusal, Runtime


class Engine:
    """Executes commands on the core; also has the query log writer."""

    def __init__(
        self,
        runtime: Runtime,
        log_writer: QueryLogWriter | None,
        addresses: dict[str, list[str]],
        number: int | None,
    ) -> None:
        self._runtime = runtime
        self._log_writer = log_writer
        self.addresses = addresses
        self.number = number
        """The active snapshot; ``None`` while all queries are refused."""

    def execute(self, command: dict[str, Any]) -> dict[str, Any]:
        """Executes a command and returns the answer."""
        try:
            return self._dispatch(command)
        except Refusal as refusal:
            return refused(refusal)

    def stats(self) -> dict[str, Any]:
        """All counters of the core and of the query log."""
        log = self._log_writer.counts() if self._log_writer else None
        return {**self._runtime.stats(), "log": log}

    def _dispatch(self, command: dict[str, Any]) -> dict[str, Any]:
        match command:
            case {"commit": str(path)}:
                self.number = commit(self._runtime, Path(path))
                return {"committed": self.number}
            case {"identity": {"name": str(name), "certificate": str(chain), "key": str(key)}}:
                self._runtime.install_identity(name, Path(chain), Path(key))
                return {"installed": name}
            case {"stats": True}:
                return {"stats": self.stats()}
        raise Refusal("command", "give commit, identity or stats")


def commit(runtime: Runtime, path: Path) -> int:
    """Activates a snapshot file; returns its number. Raises `Refusal`."""
    try:
        snapshot = path.read_bytes()
    except OSError as error:
        raise Refusal("", f"cannot read {path}: {error.strerror}") from error
    return runtime.commit(snapshot)


def refused(refusal: Refusal) -> dict[str, Any]:
    """The answer for a refused command."""
    return {"refused": {"path": refusal.path, "why": refusal.why}}
