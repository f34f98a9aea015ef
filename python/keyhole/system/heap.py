"""Keeps the heap of a process small between large buffers."""

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3), malloc.h
_OCTETS = 1 << 20


def return_large_buffers() -> None:
    """Has memory of a megabyte and more go back to the system when it is freed.

    glibc raises that limit to the largest buffer that was ever freed, up to 32 MiB. Such buffers,
    those for lines of the query log above all, then lie between small ones that stay, and a process
    keeps tens of megabytes that it does not use. Other C libraries have no such limit.
    """
    with suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            mallopt(option, _OCTETS)
