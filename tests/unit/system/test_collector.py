"""A program does not look through its objects while it imports, nor when it ends."""

import gc
import subprocess
import sys

from keyhole.system.collector import only_imports

_PROGRAM = """
import gc, os
from keyhole.system.collector import collect_rarely
gc.callbacks.append(lambda phase, about: os.write(1, b"looked "))
for _ in range({calls}):
    collect_rarely()
os.write(1, b"works ")
"""


def _looks_at_end(calls: int) -> bool:
    words = [sys.executable, "-c", _PROGRAM.format(calls=calls)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return "looked" in done.stdout.partition("works")[2]


def test_a_program_that_ends_leaves_its_objects_to_the_kernel() -> None:
    assert _looks_at_end(calls=0)
    assert not _looks_at_end(calls=1)
    assert not _looks_at_end(calls=2)


def test_imports_are_never_looked_through_and_what_follows_is() -> None:
    before = gc.get_freeze_count()
    try:
        with only_imports():
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
