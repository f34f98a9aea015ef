"""Child processes that end together with their parent process."""

import ctypes
import os
import signal
import sys
from collections.abc import Mapping

PARENT = "KEYHOLE_PARENT"
_PR_SET_PDEATHSIG = 1


def environment_for_child(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child, with the parent's process id; see :func:`die_with_parent`."""
    return {**os.environ, **(extra or {}), PARENT: str(os.getpid())}


def die_with_parent() -> None:
    """Asks the kernel to kill this process when its parent dies, even by ``kill -9``.

    Does nothing in a process that no other Keyhole process started. The child makes this call,
    because code between fork and exec may hang when the parent has threads.
    """
    parent = os.environ.pop(PARENT, None)
    if parent is None:
        return
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # The parent may have died before the call of prctl.
    if os.getppid() != int(parent):
        sys.exit(0)
