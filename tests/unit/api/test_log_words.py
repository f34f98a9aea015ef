"""Words of a search are read as the log writes them, in every spelling that people give."""

from collections.abc import Callable

import pytest

from keyhole.api.log_words import _address, _record_type

Read = Callable[[str | None], str | None]


@pytest.mark.parametrize(
    ("read", "given", "written"),
    [
        (_record_type, "aaaa", "AAAA"),
        (_record_type, "TYPE65", "HTTPS"),
        (_record_type, "type65280", "TYPE65280"),
        (_record_type, None, None),
        (_address, "2001:DB8:0::1", "2001:db8::1"),
        (_address, None, None),
    ],
)
def test_each_spelling_is_the_one_of_the_log(
    read: Read, given: str | None, written: str | None
) -> None:
    assert read(given) == written


@pytest.mark.parametrize(
    ("read", "given"),
    [(_record_type, "TYPE65536"), (_record_type, ""), (_address, ""), (_address, "192.0.2")],
)
def test_what_stands_in_no_log_is_an_error(read: Read, given: str) -> None:
    with pytest.raises(ValueError, match=r"not valid here|not an address"):
        read(given)
