"""When Python's collector looks for cycles of objects that nobody uses.

Imports make more than half a million objects, and no cycle that is garbage. To look through them
takes a fifth of the time of a start, and as long again at the end.
"""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_COLLECT_AFTER = 50_000
"""New objects between two looks. Python's default, 700, looks again and again during imports."""


def collect_rarely() -> None:
    """For a whole process, from its first line to its end."""
    gc.set_threshold(_COLLECT_AFTER)
    atexit.unregister(_leave_to_kernel)
    atexit.register(_leave_to_kernel)


@contextmanager
def only_imports() -> Iterator[None]:
    """Nothing is looked for meanwhile, and what was made is never looked through again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _leave_to_kernel() -> None:
    """Python would look through all objects several times before it ends; the kernel takes the
    memory at once. Threads have ended by now, and what must be closed was closed by its owner."""
    gc.disable()
    gc.freeze()
