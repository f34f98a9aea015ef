"""Keeps what a process holds in memory near to what it uses."""

import ctypes
import gc
import sys
from contextlib import suppress
from pathlib import Path

from keyhole.system.regular_file import read_whole

_MAPS = Path("/proc/self/smaps")
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # mallopt(3), malloc.h
_OCTETS = 1 << 20
_ARENAS = 2
_DONTNEED = 4  # madvise(2), MADV_DONTNEED
_OF_ITS_OWN = {"Anonymous:", "Swap:"}
"""What a mapping has that is not in its file: in memory, and swapped out."""
_LARGE_MODULES = (
    "_duckdb",
    "cryptography.hazmat.bindings._rust",
    "keyhole._core",
    "pydantic_core._pydantic_core",
)
"""Extension modules of megabytes."""


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


def share_arenas() -> None:
    """Has the threads of this process share two heaps. Called before it starts threads.

    glibc gives new threads heaps of their own, eight for each processor; what is freed in one
    serves no thread of another. Not for a process whose threads must never wait for each other.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)


def collect_start() -> None:
    """Gives back what only the start needed. Takes a third of a second; not for a moment in which
    somebody waits."""
    gc.collect()
    trim()


def trim() -> None:
    """Gives what was freed back to the system, also between objects that are still in use."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def release_code() -> None:
    """Takes the programs of the largest extension modules out of this process's memory until they
    run again.

    A start runs through most of their pages, and what comes later through few. The kernel maps a
    page again from the file's cache when it is needed.
    """
    modules = (sys.modules.get(name) for name in _LARGE_MODULES)
    paths = [path for one in modules if (path := getattr(one, "__file__", None))]
    libc = ctypes.CDLL(None)
    with suppress(OSError, AttributeError):
        for start, end in _unwritten(read_whole(_MAPS).decode(errors="replace"), paths):
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONTNEED)


def _unwritten(maps: str, paths: list[str]) -> list[tuple[int, int]]:
    """The mappings of these files that hold code, and nothing else (proc(5), smaps).

    Where the linker wrote into a page and then protected it, that page exists nowhere else, and
    would be lost. Then it counts as anonymous while it is in memory, and as swapped out later.
    """
    found: list[tuple[int, int]] = []
    place: tuple[int, int] | None = None
    empty: set[str] = set()

    def settle() -> None:
        if place is not None and empty == _OF_ITS_OWN:
            found.append(place)

    for line in maps.splitlines():
        first, _, rest = line.partition(" ")
        if not first.endswith(":"):
            settle()
            start, _, end = first.partition("-")
            is_code = rest.startswith("r-xp") and line.endswith(tuple(paths))
            place = (int(start, 16), int(end, 16)) if is_code else None
            empty = set()
        elif first in _OF_ITS_OWN and rest.split() == ["0", "kB"]:
            empty.add(first)
    settle()
    return found
