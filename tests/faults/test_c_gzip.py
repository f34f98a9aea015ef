"""Section C: lists that a server sends compressed."""

import gzip
from collections.abc import Iterator

import pytest

from keyhole.lists.download.body import decompressed
from keyhole.lists.download.error import DownloadError
from keyhole.model.units import MIB

FIRST, SECOND = b"a.example.org\n" * 50, b"b.example.org\n" * 50
MEMBERS = gzip.compress(FIRST) + gzip.compress(SECOND)


def _in_parts(octets: bytes, size: int) -> Iterator[bytes]:
    return (octets[begin : begin + size] for begin in range(0, len(octets), size))


@pytest.mark.parametrize("size", [1, 7, 64, len(MEMBERS)])
@pytest.mark.parametrize("behind", [b"", b"\0" * 600])
def test_every_member_of_gzip_data_is_read(size: int, behind: bytes) -> None:
    """C7: RFC 1952 section 2.2; zeros behind the last one are padding."""
    text = b"".join(decompressed(_in_parts(MEMBERS + behind, size), MIB))
    assert text == FIRST + SECOND


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("behind", [b"c.example.org\n", b"\0\0<html>"])
def test_what_is_not_gzip_behind_gzip_is_an_error(size: int, behind: bytes) -> None:
    """C7: it is not dropped in silence."""
    with pytest.raises(DownloadError, match="not gzip follows"):
        list(decompressed(_in_parts(MEMBERS + behind, size), MIB))


def test_a_member_that_is_cut_off_or_too_large_is_an_error_also_behind_another_one() -> None:
    """C7: the limits are those of all members together."""
    with pytest.raises(DownloadError, match="cut off"):
        list(decompressed([MEMBERS[:-9]], MIB))
    with pytest.raises(DownloadError, match="cut off"):
        list(decompressed([gzip.compress(FIRST), b"\x1f"], MIB))
    with pytest.raises(DownloadError, match="far too large"):
        list(decompressed([MEMBERS], len(FIRST) + len(SECOND) - 1))
