"""Time that passes while the machine is on, whatever its wall clock says."""

import time
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def seconds_since_boot() -> float:
    """Seconds since the machine was started, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """A word for this run of the machine; empty where the system gives none."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
