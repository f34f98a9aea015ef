"""What Keyhole knows of the time, and what speaks against the clock."""

from keyhole.control.clock import OFF_SECONDS, ClockRecord

_KNOWN = ClockRecord(1_800_000_000.0, "boot-1", 5_000.0)
_HOUR, _DAY = 3_600.0, 86_400.0


def _later(passed: float, off: float, boot: str = "boot-1") -> str | None:
    now = ClockRecord(_KNOWN.time + passed + off, boot, _KNOWN.since_boot + passed)
    return _KNOWN.doubt(now)


def test_while_the_machine_is_on_a_jump_of_the_clock_is_seen_in_both_directions() -> None:
    for passed in (0.0, 10 * _DAY):
        assert _later(passed, 0.0) is None
        assert _later(passed, 60.0) is None
        assert "1 h 0 min ahead" in (_later(passed, _HOUR) or "")
        assert "1 h 0 min behind" in (_later(passed, -_HOUR) or "")


def test_after_a_restart_of_the_machine_time_has_not_run_backwards() -> None:
    assert _later(0.0, _DAY, boot="boot-2") is None
    assert "31 days behind" in (_later(0.0, -31 * _DAY, boot="boot-2") or "")
    assert "days ahead" in (_later(0.0, OFF_SECONDS + _DAY, boot="boot-2") or "")


def test_a_time_that_no_calendar_has_is_still_said() -> None:
    assert "seconds of Unix time" in (_later(0.0, 1e15) or "")
