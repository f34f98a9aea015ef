"""Gives what ``keyhole setup`` has made its names: all of them or none, also after a kill.

Settings and documents are two names, and the system changes one at a time. So the draft gets a
name that says it is complete, in one step, and whoever finds it there completes the rest. It
imports little: every start looks.
"""

import errno
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keyhole.system import durable
from keyhole.system.lock import hold

DOCUMENTS, SETTINGS = "documents", "keyhole.yaml"
_COMPLETE = ".setup-complete"


def in_the_way(settings: Path) -> list[Path]:
    """What is there already, and would be replaced."""
    target = settings.resolve()
    there = (target, target.parent / DOCUMENTS)
    return [one for one in there if one.is_file() or (one.is_dir() and any(one.iterdir()))]


def place(draft: Path, target: Path) -> list[Path]:
    """Puts documents and settings of a draft, in the same folder, in place of those there. Returns
    what was written, and where what was there is kept. Raises ``OSError``; then all is as it was,
    and the draft has its name again. Where even that fails, `finish` completes it."""
    durable.sync_tree(draft)
    complete = target.parent / _COMPLETE
    done: list[_Step] = []
    with _locked(target.parent):
        if _is_there(complete):
            raise FileExistsError(
                errno.EEXIST, "another keyhole setup is not complete", str(complete)
            )
        try:
            durable.rename(draft, complete)
            written = _swap(complete, target, done)
        except OSError:
            for now, before in reversed(done):
                durable.rename(now, before)
            if not _is_there(draft):
                durable.rename(complete, draft)
            raise
        shutil.rmtree(complete, ignore_errors=True)  # nothing is in it now
    return written


def finish(settings: Path) -> list[Path]:
    """Completes what a killed run had decided; returns what was written. Raises ``OSError``; then
    what is decided stays, for the next one to complete: nobody knows what was there before."""
    target = settings.resolve()
    complete = target.parent / _COMPLETE
    if not _is_there(complete):
        return []
    with _locked(target.parent):
        if not _is_there(complete):
            return []
        written = _swap(complete, target, [])
        shutil.rmtree(complete, ignore_errors=True)
    return written


def finish_at_start(settings: Path) -> str | None:
    """As `finish`; why it cannot, where it cannot."""
    try:
        finish(settings)
    except OSError as error:
        command = shlex.join(["keyhole", "setup", "--replace", "--config", str(settings)])
        return f"keyhole setup was interrupted; complete it, as root: {command}\n{error}"
    return None


_Step = tuple[Path, Path]
"""Where something is now, and where it was."""


def _swap(complete: Path, target: Path, done: list[_Step]) -> list[Path]:
    """Adds each step to ``done``. Raises ``OSError`` between two."""
    folder = target.parent
    written: list[Path] = []
    for new, place in (complete / DOCUMENTS, folder / DOCUMENTS), (complete / SETTINGS, target):
        if not _is_there(new):
            continue  # placed before the kill
        if _is_there(place):
            beside = _free_name(place)
            _rename(place, beside, done)
            written.append(beside)
        _rename(new, place, done)
        written.append(place)
    return written


def _rename(source: Path, target: Path, done: list[_Step]) -> None:
    try:
        durable.rename(source, target)
    finally:
        if not _is_there(source):  # also where only the sync failed
            done.append((target, source))


def _is_there(path: Path) -> bool:
    """Raises ``OSError`` where it cannot be told: what may not be seen is not missing."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Nobody else places anything in the folder. Raises ``OSError`` where somebody does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        hold(descriptor)
        yield
    except BlockingIOError:
        raise OSError(errno.EAGAIN, "another keyhole setup writes there", str(folder)) from None
    finally:
        os.close(descriptor)


def _free_name(file: Path) -> Path:
    target, number = file.with_name(f"{file.name}.old"), 1
    while _is_there(target):
        number += 1
        target = file.with_name(f"{file.name}.old{number}")
    return target
