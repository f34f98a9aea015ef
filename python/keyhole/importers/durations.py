"""Durations in Go's form, ``1h30m``, and the time zone of this machine."""

import os
import re
from pathlib import Path

from keyhole.importers.addresses import is_count
from keyhole.model.schedule import read_zone

_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ns|us|ms|s|m|h|d)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_of(text: str, *, bare: int = 60) -> int | None:
    """Whole seconds of a duration such as ``1h30m``; none where it is invalid.

    ``bare`` is how many seconds a number without a unit counts: blocky reads it as minutes.
    """
    if is_count(text.strip()):
        return int(text) * bare
    parts = _PART.findall(text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        return None
    return int(sum(float(number) * _SECONDS[unit] for number, unit in parts))


def local_zone() -> str:
    """The IANA name of this machine's time zone; UTC where it is unknown."""
    linked = os.path.realpath("/etc/localtime")
    for name in (os.environ.get("TZ", ""), linked.partition("zoneinfo/")[2], _written_zone()):
        try:
            return read_zone(name)
        except ValueError:
            continue
    return "UTC"


def _written_zone() -> str:
    try:
        return Path("/etc/timezone").read_text()[:100].strip()
    except (OSError, UnicodeDecodeError):
        return ""
