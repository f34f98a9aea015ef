"""Memory that outlives the processes that write it, for as long as one of them has it open."""

import fcntl
import os
from contextlib import suppress

_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


def make_shared_memory(name: str, octets: int) -> int | None:
    """The descriptor of new memory of fixed size, all zero (memfd_create(2)); none where the system
    has no such memory. Children that are to have it must be given it.

    It is no file: no full disk and no other program can take it away from whoever has mapped it.
    """
    with suppress(OSError, AttributeError):
        descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(descriptor, octets)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        return descriptor
    return None
