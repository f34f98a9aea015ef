"""A process gives the memory of a large buffer back when it is done with it."""

import subprocess
import sys

import pytest

from keyhole.system.heap import _unwritten
from tests.world.flood import resident

_MIB = 2**20
_PROGRAM = """
import ctypes, sys
from keyhole.system.heap import return_large_buffers
if sys.argv[1] == "returned":
    return_large_buffers()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def used(size):
    buffer = libc.malloc(size)
    ctypes.memset(buffer, 1, size)
    return buffer
libc.free(used(16 << 20))
buffer, small = used(12 << 20), used(64 << 10)
libc.free(buffer)
print("done", flush=True)
sys.stdin.read()
"""


def _kept(how: str) -> int:
    """Octets in use after a large buffer was freed that had a small one behind it."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        return resident(process.pid)


def test_a_large_buffer_does_not_stay_because_of_a_small_one_behind_it() -> None:
    kept = _kept("as it is")
    if kept < 12 * _MIB:
        pytest.skip("this C library has no such limit")
    assert _kept("returned") < kept - 10 * _MIB


_CODE = """
import sys
import {module}
from keyhole.system.heap import release_code
def resident():
    lines = iter(open("/proc/self/smaps"))
    path, is_mine, octets = sys.modules["{module}"].__file__, False, 0
    for line in lines:
        if "-" in line.split(" ")[0]:
            is_mine = line.rstrip().endswith(path)
        elif is_mine and line.startswith("Rss:"):
            octets += int(line.split()[1]) * 1024
    return octets
before = resident()
release_code()
print(before, resident())
{use}
"""


@pytest.mark.parametrize(
    ("module", "use"),
    [
        ("_duckdb", "assert _duckdb.connect().execute('SELECT 6 * 7').fetchall() == [(42,)]"),
        ("keyhole._core", "assert keyhole._core.catalogue()"),
    ],
)
def test_a_program_leaves_memory_until_it_runs_again(module: str, use: str) -> None:
    program = _CODE.format(module=module, use=use)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    before, after = map(int, done.stdout.split())
    assert after < before * 3 // 4


@pytest.mark.parametrize(
    ("rights", "path", "own", "is_taken"),
    [
        ("r-xp", "/lib/a.so", "Anonymous: 0 kB\nSwap: 0 kB", True),
        ("r-xp", "/lib/a.so", "Anonymous: 4 kB\nSwap: 0 kB", False),
        ("r-xp", "/lib/a.so", "Anonymous: 0 kB\nSwap: 4 kB", False),
        ("r-xp", "/lib/a.so", "Anonymous: 0 kB", False),
        ("r-xp", "/lib/b.so", "Anonymous: 0 kB\nSwap: 0 kB", False),
        # Pointers that were written at the start: out of memory as a whole, or not.
        ("r--p", "/lib/a.so", "Anonymous: 0 kB\nSwap: 4 kB", False),
        ("r--p", "/lib/a.so", "Anonymous: 0 kB\nSwap: 0 kB", False),
        ("rw-p", "/lib/a.so", "Anonymous: 0 kB\nSwap: 0 kB", False),
    ],
)
def test_what_the_linker_wrote_into_a_program_is_never_given_up(
    rights: str, path: str, own: str, is_taken: bool
) -> None:
    one = f"1000-2000 {rights} 00000000 fe:00 1    {path}\nRss: 4 kB\n{own}\nVmFlags: rd"
    other = "2000-3000 r-xp 00001000 fe:00 1    /lib/c.so\nAnonymous: 0 kB\nSwap: 0 kB"
    expected = [(0x1000, 0x2000)] if is_taken else []
    for maps in (one, f"{one}\n{other}\n", f"{other}\n{one}\n"):
        assert _unwritten(maps, ["/lib/a.so"]) == expected
