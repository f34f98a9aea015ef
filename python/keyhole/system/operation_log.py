"""The log of operation of a process: text for people, or JSON with one event a line.

Which of them, and from which level on, stands in the environment, so that the processes that one
starts follow it. It names no client's queries.
"""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

Format = Literal["text", "json"]
Level = Literal["info", "warning", "error"]

FORMAT_VARIABLE = "KEYHOLE_LOG_FORMAT"
LEVEL_VARIABLE = "KEYHOLE_LOG_LEVEL"
_LEVELS: tuple[Level, ...] = ("info", "warning", "error")


def configure(form: Format | None, level: Level | None) -> None:
    """Sets what is not ``None`` for this process and those that it starts."""
    if form is not None:
        os.environ[FORMAT_VARIABLE] = form
    if level is not None:
        os.environ[LEVEL_VARIABLE] = level


def is_json() -> bool:
    """Whether events are lines of JSON."""
    return os.environ.get(FORMAT_VARIABLE) == "json"


def is_wanted(level: Level) -> bool:
    """Whether events of this level are written; a level that does not exist leaves none out."""
    least = os.environ.get(LEVEL_VARIABLE, "info")
    return least not in _LEVELS or _LEVELS.index(level) >= _LEVELS.index(least)


def json_line(process: str, level: Level, event: str, details: Sequence[str] = ()) -> str:
    """One event: ``time``, ``level``, ``process`` (up, control or engine), ``event`` (a sentence)
    and ``details`` (more of them, where there are any)."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    document: dict[str, object] = {"time": time, "level": level, "process": process, "event": event}
    if details:
        document["details"] = list(details)
    return json.dumps(document)
