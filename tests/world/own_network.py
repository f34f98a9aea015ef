"""A network of its own for a test: loopback alone, where it may have any port and any device."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.world.tools import run

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET


@contextmanager
def own_network() -> Iterator[None]:
    """This thread, and every thread and process that it starts, is in a network of its own while
    the block runs. Needs root and ``ip``."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(libc.unshare(_NEW_NETWORK))
        try:
            up = run("ip", "link", "set", "lo", "up")
            assert up.returncode == 0, up.stderr
            yield
        finally:
            _check(libc.setns(before, _NEW_NETWORK))
    finally:
        os.close(before)


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
