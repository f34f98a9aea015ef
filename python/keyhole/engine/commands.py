"""What an engine does when control asks it to.

================================================  ================================================
command                                           answer
================================================  ================================================
``{"commit": PATH}``                              ``{"committed": NUMBER}``
``{"identity": {"name", "certificate", "key"}}``  ``{"installed": NAME}``
``{"stats": true}``                               ``{"stats": {...}}``
================================================  ================================================

Any of them may be answered with ``{"refused": {"path": PLACE, "why": REASON}}``; then nothing has
changed.
"""

from pathlib import Path
from typing import Any

from keyhole.engine.query_log_writer import QueryLogWriter
from keyhole.engine.runtime import Refusal, Runtime


class Engine:
    """What obeys: the core, and the thread that writes its events down."""

    def __init__(
        self,
        runtime: Runtime,
        journal: QueryLogWriter | None,
        addresses: dict[str, list[str]],
        number: int | None,
    ) -> None:
        self._runtime = runtime
        self._journal = journal
        self.addresses = addresses
        self.number = number
        """The snapshot in force; none while every question is refused."""

    def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """Does what is asked; gives the answer."""
        try:
            return self._do(command)
        except Refusal as refusal:
            return refused(refusal)

    def stats(self) -> dict[str, Any]:
        """Everything that is counted, in the core and beside it."""
        log = self._journal.counts() if self._journal else None
        return {**self._runtime.stats(), "log": log}

    def _do(self, command: dict[str, Any]) -> dict[str, Any]:
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
    """Puts a snapshot file in force; gives its number. Raises `Refusal`."""
    try:
        snapshot = path.read_bytes()
    except OSError as error:
        raise Refusal("", f"cannot read {path}: {error.strerror}") from error
    return runtime.commit(snapshot)


def refused(refusal: Refusal) -> dict[str, Any]:
    """The answer where something was refused."""
    return {"refused": {"path": refusal.path, "why": refusal.why}}
