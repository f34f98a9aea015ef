"""Says that the clock of this machine is probably wrong, from what Keyhole knows of the time.

A clock cannot be proved right without another one. But time does not run backwards, and as long as
the machine stays on, the system counts the seconds that pass. The record in the data folder keeps a
time at which the clock was believed.
"""

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from keyhole.control.data_folder import DataFolder
from keyhole.control.parts import Parts
from keyhole.system import durable
from keyhole.system.boot_clock import boot_id, seconds_since_boot
from keyhole.system.regular_file import read_whole

CLOCK = "clock"
CHECK_SECONDS = 60.0
WRITE_SECONDS = 600.0
TOLERANCE_SECONDS = 120.0
"""Corrections by a time service are smaller, once it has set the clock."""
OFF_SECONDS = 30 * 86_400.0
"""A machine that is off for longer is asked whether its clock is right."""
BELIEVED_AFTER_SECONDS = 86_400.0
"""How long a clock that jumped is in doubt; then somebody has set it on purpose."""


@dataclass(frozen=True)
class ClockRecord:
    """A time that was believed, with the run of the machine and its seconds then."""

    time: float
    boot: str
    since_boot: float

    @classmethod
    def now(cls) -> "ClockRecord":
        """The present time."""
        return cls(time.time(), boot_id(), seconds_since_boot())

    @classmethod
    def read(cls, data: DataFolder) -> "ClockRecord | None":
        """The last record; without one, the time of the last good snapshot, if there is one."""
        try:
            found = json.loads(read_whole(data.clock))
            return cls(float(found["time"]), str(found["boot"]), float(found["since_boot"]))
        except (OSError, ValueError, KeyError, TypeError):
            return _of_file(data.snapshot)

    def doubt(self, now: "ClockRecord") -> str | None:
        """Why the clock at ``now`` is probably wrong; none if nothing speaks against it."""
        if self.boot and self.boot == now.boot:
            expected = self.time + now.since_boot - self.since_boot
            off = now.time - expected
            if abs(off) > TOLERANCE_SECONDS:
                return _text(now.time, off, f"by the time that has passed it is {_date(expected)}")
            return None
        off = now.time - self.time
        if off < -TOLERANCE_SECONDS:
            return _text(now.time, off, f"Keyhole ran at {_date(self.time)} already")
        if off > OFF_SECONDS:
            return _text(now.time, off, f"Keyhole ran at {_date(self.time)} for the last time")
        return None


class ClockWatch:
    """Compares the clock while Keyhole runs, and keeps the record."""

    def __init__(self, data: DataFolder, parts: Parts) -> None:
        self._data = data
        self._parts = parts
        self._known = ClockRecord.read(data)
        self._doubted_since: float | None = None
        self._written_at: float | None = None

    def check(self) -> str | None:
        """Records whether the clock is in doubt, and writes the time down if it is not."""
        now = ClockRecord.now()
        why = self._known.doubt(now) if self._known else None
        if why is not None:
            self._doubted_since = self._doubted_since or now.since_boot
            if now.since_boot - self._doubted_since < BELIEVED_AFTER_SECONDS:
                self._parts.fail(CLOCK, why)
                return why
        self._doubted_since = None
        self._parts.works(CLOCK)
        self._remember(now)
        return None

    async def run(self) -> None:
        """Checks regularly, until it is cancelled."""
        while True:
            self.check()
            await asyncio.sleep(CHECK_SECONDS)

    def _remember(self, now: ClockRecord) -> None:
        self._known = now
        if self._written_at is not None and now.since_boot - self._written_at < WRITE_SECONDS:
            return
        with suppress(OSError):  # the disk is a part of its own
            durable.write_json(self._data.clock, asdict(now))
            self._written_at = now.since_boot


def _text(now: float, off: float, why: str) -> str:
    way = "ahead" if off > 0 else "behind"
    return (
        f"the clock of this machine is wrong, or was set: it says {_date(now)}, {_span(abs(off))} "
        f"{way}; {why}. Certificates are believed by this clock: set it if it is wrong"
    )


def _of_file(file: Path) -> ClockRecord | None:
    try:
        return ClockRecord(file.stat().st_mtime, "", 0.0)
    except OSError:
        return None


def _date(unix: float) -> str:
    try:
        return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return f"{unix:.0f} seconds of Unix time"


def _span(seconds: float) -> str:
    days = int(seconds // 86_400)
    if days:
        return f"{days} days"
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes} min"
