"""Ends a process when its parent process ends."""

import ctypes
import os
import signal
import sys
from collections.abc import Mapping

_PARENT = "KEYHOLE_PARENT"
_PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent(how: signal.Signals = signal.SIGTERM) -> None:
    """Asks the kernel for a signal when the parent process ends, even by kill -9."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, how, 0, 0, 0)


def environment_for_child(
    extra: Mapping[str, str] | None = None, base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of a child that is to end with this process; see `die_if_asked`. It is made
    of ``base``, by default the environment of this process."""
    return {**(os.environ if base is None else base), **(extra or {}), _PARENT: str(os.getpid())}


def die_if_asked(how: signal.Signals = signal.SIGTERM) -> None:
    """As `die_with_parent`, in a process that got `environment_for_child`; does nothing in others.

    The child makes this call, because code between fork and exec may hang when the parent has
    threads.
    """
    parent = os.environ.pop(_PARENT, None)
    if parent is None:
        return
    die_with_parent(how)
    # The parent may have died before the call of prctl.
    if os.getppid() != int(parent):
        sys.exit(0)
