"""Which process holds a lock, as the kernel shows it (proc(5), ``/proc/locks``)."""

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_MAX_COMMAND = 120
_STOPPED = ("T", "t")


@dataclass(frozen=True)
class LockHolder:
    """A process with a lock."""

    pid: int
    command: str
    """Its command line, as far as it may be shown and printed."""
    is_stopped: bool
    """Whether a signal or a debugger has stopped it."""


def holder_of(path: Path) -> LockHolder | None:
    """The process that holds a lock on a file; none where the system does not say."""
    try:
        status = path.stat()
        lines = (_PROC / "locks").read_text().splitlines()
    except OSError:
        return None
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in lines:
        # 1: FLOCK  ADVISORY  WRITE 4242 fe:00:131 0 EOF; with "->" a process that waits.
        words = line.split()
        if len(words) >= 6 and words[1] == "FLOCK" and words[5] == place and words[4].isdigit():
            return _described(int(words[4]))
    return None


def _described(pid: int) -> LockHolder:
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
        state = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return LockHolder(pid, "unknown", is_stopped=False)
    text = " ".join(word.decode(errors="replace") for word in words if word)
    command = "".join(one if one.isprintable() else "?" for one in text)[:_MAX_COMMAND]
    return LockHolder(pid, command or "unknown", state in _STOPPED)
