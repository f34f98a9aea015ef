"""A process gives the memory of a large buffer back when it is done with it."""

import subprocess
import sys

import pytest

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
