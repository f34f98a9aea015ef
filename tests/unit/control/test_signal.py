"""Findings look for their lines once, however many a piece of the log has."""

from collections import Counter
from typing import Any

import pytest

from keyhole.control.findings.signal import marked

_OTHER = b'{"name":"www.example.org"}\n'
_OCTETS = b'{"name":"a.example.org","octets":1030}\n'
_MISSING = b'{"name":"b.example.org","missing":51}\n'


class _Counted(bytes):
    """Octets that count how far each text was searched for in them."""

    def __init__(self, *_: Any) -> None:
        self.searched: Counter[bytes] = Counter()

    def find(self, wanted: Any, start: Any = 0, end: Any = None) -> int:
        found = super().find(wanted, start, end)
        self.searched[wanted] += (len(self) if found < 0 else found) - start
        return found

    def rfind(self, wanted: Any, start: Any = 0, end: Any = None) -> int:
        found = super().rfind(wanted, start, end)
        self.searched[b"back to " + wanted] += len(self) if end is None else end - found
        return found


@pytest.mark.parametrize(
    "lines",
    [
        [_OCTETS] * 1_000,
        [_MISSING] * 1_000,
        [*[_OCTETS] * 500, *[_MISSING] * 500],
        [_OTHER, _OCTETS, _OTHER, _MISSING] * 250,
        [_OTHER] * 1_000,
    ],
    ids=["octets alone", "missing alone", "one after the other", "in turns", "neither"],
)
def test_each_octet_of_the_log_is_searched_once_for_each_mark(lines: list[bytes]) -> None:
    log = _Counted(b"".join(lines))
    assert marked(log) == b"".join(line for line in lines if line is not _OTHER)
    assert max(log.searched.values()) <= len(log)


def test_a_line_with_both_marks_and_one_without_an_end_are_each_taken_once() -> None:
    both = b'{"octets":1,"missing":2}\n'
    assert marked(both + _OTHER + both + _OCTETS[:-1]) == both + both + _OCTETS
