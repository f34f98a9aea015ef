"""What a data folder shows of its Keyhole while no control process answers."""

from contextlib import suppress

from keyhole.control.clock import CLOCK, ClockRecord
from keyhole.control.data_folder import ENGINE_LOCK, DataFolder, unwritable
from keyhole.control.missing_parts import all_missing, as_recorded, is_used, snapshot_missing
from keyhole.control.parts import DISK, SNAPSHOT, Health, Parts, PartState
from keyhole.control.start_settings import find_settings
from keyhole.errors import KeyholeError
from keyhole.system.lock import is_held


def look(data: DataFolder) -> list[PartState]:
    """The parts that would not work; empty for a folder that was never used."""
    if not is_used(data):
        return []
    data = as_recorded(data)
    parts = Parts(lambda notice: None)
    parts.set(DISK, unwritable(data))
    known = ClockRecord.read(data)
    parts.set(CLOCK, known.doubt(ClockRecord.now()) if known else None)
    try:
        settings = find_settings(data, data.config, parts)
    except KeyholeError as error:
        parts.fail("settings", str(error))
        return parts.states()
    parts.set(SNAPSHOT, snapshot_missing(data), Health.MISSING)
    for one in all_missing(data, settings):
        parts.fail(one.part, one.why, Health.MISSING)
    return parts.states()


def serves(data: DataFolder) -> bool:
    """Whether an engine process runs on the folder, which answers from the last good snapshot."""
    with suppress(OSError):
        return is_held(data.state / ENGINE_LOCK)
    return False
