"""Whether the clock of this machine can be right. Nobody is asked for the time."""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import keyhole
from keyhole.control.clock import TOLERANCE_SECONDS, ClockRecord
from keyhole.control.doctor.case import Case
from keyhole.control.doctor.finding import Finding, works, wrong
from keyhole.identity.ca_files import ROOT
from keyhole.identity.certificate_and_key import read_certificates
from keyhole.identity.error import IdentityError
from keyhole.identity.sign import BACKDATE

_SET = "set the clock: timedatectl set-ntp true, or date --utc --set"


def look_at_clock(case: Case) -> Iterator[Finding]:
    """Compares it with what cannot lie in the future: the program, the authority, the last run."""
    now = time.time()
    shown = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC"
    doubts = [*_before_program(now), *_before_authority(case, now), *_by_record(case)]
    for why in doubts:
        yield wrong("clock", why, _SET)
    if not doubts:
        yield works("clock", f"it says {shown}, and nothing speaks against that")


def _before_program(now: float) -> Iterator[str]:
    """The files of the program have the time of their build, or of their installation."""
    times: list[float] = []
    for file in (Path(keyhole.__file__), *Path(keyhole.__file__).parent.glob("_core*.so")):
        with suppress(OSError):
            times.append(file.stat().st_mtime)
    if times and max(times) > now + TOLERANCE_SECONDS:
        yield _text(now, f"this Keyhole was built or installed on {_day(max(times))}")


def _before_authority(case: Case, now: float) -> Iterator[str]:
    file = case.data.identity / ROOT
    try:
        begin = read_certificates(file)[0].not_valid_before_utc + BACKDATE
    except (IdentityError, OSError):
        return  # the certificates are looked at elsewhere
    if begin.timestamp() > now + TOLERANCE_SECONDS:
        yield _text(now, f"the authority {file} was made on {_day(begin.timestamp())}")


def _by_record(case: Case) -> Iterator[str]:
    known = ClockRecord.read(case.data)
    doubt = known.doubt(ClockRecord.now()) if known else None
    if doubt is not None:
        yield doubt


def _text(now: float, why: str) -> str:
    return f"the clock of this machine is wrong: it says {_day(now)}, and {why}"


def _day(unix: float) -> str:
    try:
        return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return f"{unix:.0f} seconds of Unix time"
