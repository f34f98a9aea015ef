"""Ends a process when its parent process ends."""

import ctypes
import signal

WITH_PARENT = "KEYHOLE_WITH_PARENT"
"""In the environment of a process that is to end with the one that started it."""
_PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent() -> None:
    """Asks the kernel for SIGTERM when the parent process ends, even by kill -9."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
