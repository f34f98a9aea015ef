"""What one look of ``keyhole doctor`` has found."""

from dataclasses import dataclass
from enum import StrEnum


class Sign(StrEnum):
    """How it is with what was looked at."""

    WORKS = "works"
    NOTE = "note"
    """Neither good nor bad: something to know."""
    WARNING = "warning"
    """It works now, and probably not for long, or not as meant."""
    WRONG = "wrong"
    """It does not work, or the next start would not."""
    UNKNOWN = "unknown"
    """It could not be found out."""


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    about: str
    """What was looked at, such as ``udp 127.0.0.1:53``."""
    sign: Sign
    seen: str
    """What was seen there."""
    do: tuple[str, ...] = ()
    """What mends it: commands, or lines to write, each with a word on why."""


def works(about: str, seen: str) -> Finding:
    """It is as it should be."""
    return Finding(about, Sign.WORKS, seen)


def note(about: str, seen: str, *do: str) -> Finding:
    """Something to know."""
    return Finding(about, Sign.NOTE, seen, do)


def warning(about: str, seen: str, *do: str) -> Finding:
    """It works now, and perhaps not for long."""
    return Finding(about, Sign.WARNING, seen, do)


def wrong(about: str, seen: str, *do: str) -> Finding:
    """It does not work."""
    return Finding(about, Sign.WRONG, seen, do)


def unknown(about: str, seen: str, *do: str) -> Finding:
    """It could not be found out, and why."""
    return Finding(about, Sign.UNKNOWN, seen, do)


def cannot_read(about: str, error: OSError) -> Finding:
    """A file or folder that does not let itself be looked at."""
    where = f"{error.filename}: " if error.filename else ""
    return (
        unknown(about, f"{where}{error.strerror or error}", WHO)
        if _is_right(error)
        else (unknown(about, f"{where}{error.strerror or error}"))
    )


WHO = "call keyhole doctor as the user that runs Keyhole, or as root"
ROOM = "make room, or name a folder that has some: TMPDIR=FOLDER keyhole doctor"
"""What helps where doctor itself has no place to write to."""


def _is_right(error: OSError) -> bool:
    return isinstance(error, PermissionError)
