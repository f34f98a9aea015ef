"""What ``keyhole up`` looks at before it starts an engine.

It imports little: a machine that starts has no names until the engine answers.
"""

import hashlib
import json
import sys
from pathlib import Path

from keyhole.control.data_folder import DataFolder
from keyhole.system.regular_file import open_regular, read_regular, read_whole

SETTINGS = "settings"
"""The settings, in the record of what a data folder has had."""

_MAX_OCTETS = 2**20


COUNTS_OCTETS = 4 * 2**20
"""Room for the counts of the most workers that there can be; what is not used takes no memory."""


def engine_command(launch_file: Path, counts: int | None = None) -> list[str]:
    """The command line that starts an engine under supervision. ``counts`` is the descriptor of the
    memory in which it counts queries, and which the next engine finds when this one was killed."""
    words = [] if counts is None else ["--counts", str(counts)]
    return [sys.executable, "-m", "keyhole", "engine", *words, str(launch_file)]


def can_serve_first(data: DataFolder, config: Path | None) -> bool:
    """Whether an engine can start as it ran last: the settings are the same, or missing."""
    try:
        mark = str(json.loads(read_whole(data.launch))["settings"])
    except (OSError, ValueError, KeyError, TypeError):
        return False  # none, or one of an earlier version
    file = config or data.config
    if is_blank(file):
        return data.installation.has(SETTINGS)
    return bool(mark) and mark == mark_of(file)


def mark_of(file: Path, at: Path | None = None) -> str:
    """A digest of a settings file and its path; empty if it cannot be read. ``at`` is the path that
    it is to have."""
    try:
        octets = read_regular(file, _MAX_OCTETS)
    except OSError:
        return ""
    return hashlib.sha256(f"{(at or file).absolute()}\n".encode() + octets).hexdigest()


def is_blank(file: Path) -> bool:
    """Whether a file is missing or holds nothing."""
    try:
        return not file.is_file() or file.stat().st_size == 0 or _has_only_spaces(file)
    except OSError:
        return False  # there, but not readable: the reader reports it


def _has_only_spaces(file: Path) -> bool:
    with open_regular(file) as opened:
        return not opened.read(4096).strip(b"\0 \t\r\n")
