"""Gives what ``keyhole setup`` has made its names: all of them or none, also after a kill.

Settings and documents are two names, and the system changes one at a time. So the draft gets a
name that says it is complete, in one step, and whoever finds it there completes the rest. It
imports little: every start looks.
"""

import shutil
from pathlib import Path

from keyhole.system import durable

DOCUMENTS, SETTINGS = "documents", "keyhole.yaml"
_COMPLETE = ".setup-complete"


def in_the_way(settings: Path) -> list[Path]:
    """What is there already, and would be replaced."""
    target = settings.resolve()
    there = (target, target.parent / DOCUMENTS)
    return [one for one in there if one.is_file() or (one.is_dir() and any(one.iterdir()))]


def place(draft: Path, target: Path) -> list[Path]:
    """Puts documents and settings of a draft, in the same folder, in place of those there. Returns
    what was written, and where what was there is kept. Raises ``OSError``; then all is as it was.
    """
    durable.sync_tree(draft)
    complete = target.parent / _COMPLETE
    try:
        durable.rename(draft, complete)
    except OSError:
        shutil.rmtree(complete, ignore_errors=True)  # it may have its name, and not for good
        raise
    return _swap(complete, target)


def finish(settings: Path) -> list[Path]:
    """Completes what a killed run had decided; returns what was written. Raises ``OSError``."""
    target = settings.resolve()
    complete = target.parent / _COMPLETE
    return _swap(complete, target) if complete.is_dir() else []


def finish_at_start(settings: Path) -> str | None:
    """As `finish`; why it cannot, where it cannot."""
    try:
        finish(settings)
    except OSError as error:
        return f"keyhole setup was interrupted; run it again, as who ran it before\n{error}"
    return None


def _swap(complete: Path, target: Path) -> list[Path]:
    folder = target.parent
    done: list[tuple[Path, Path]] = []
    written: list[Path] = []
    pairs = [(complete / DOCUMENTS, folder / DOCUMENTS), (complete / SETTINGS, target)]
    try:
        for new, place in pairs:
            if not new.exists():
                continue  # placed before the kill
            if place.exists():
                beside = _free_name(place)
                durable.rename(place, beside)
                done.append((beside, place))
                written.append(beside)
            durable.rename(new, place)
            done.append((place, new))
            written.append(place)
    except OSError:
        for now, before in reversed(done):
            durable.rename(now, before)
        shutil.rmtree(complete, ignore_errors=True)
        raise
    shutil.rmtree(complete, ignore_errors=True)
    return written


def _free_name(file: Path) -> Path:
    target, number = file.with_name(f"{file.name}.old"), 1
    while target.exists():
        number += 1
        target = file.with_name(f"{file.name}.old{number}")
    return target
