"""Places for those who are told of changes as they happen."""

from contextlib import ExitStack

import pytest

from keyhole.control.error import ControlError
from keyhole.control.listeners import Listeners


def test_one_caller_takes_half_of_the_places_and_leaves_the_others_theirs() -> None:
    """A9 of the faults, for those who watch: whoever opens many streams keeps nobody out."""
    listeners = Listeners(4)
    with ExitStack() as opened:
        for who in ("token:tv", "token:tv", "anna", "ben"):
            listeners.check(who)
            opened.enter_context(listeners.place(who))
            if who == "anna":
                with pytest.raises(ControlError, match="2 times already"):
                    listeners.check("token:tv")
        with pytest.raises(ControlError, match="4 clients listen already"):
            listeners.check("clara")
    listeners.check("token:tv")


def test_whoever_asks_many_times_before_the_first_place_is_taken_gets_no_more() -> None:
    listeners = Listeners(4)
    for _ in range(3):
        listeners.check("token:tv")
    with ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(listeners.place("token:tv"))
        with pytest.raises(ControlError, match="2 times already"):
            opened.enter_context(listeners.place("token:tv"))
