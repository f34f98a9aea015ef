"""Writes what ``keyhole setup`` has made."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from keyhole.control.check import check_files
from keyhole.control.error import ControlError
from keyhole.control.first_run.place import DOCUMENTS, SETTINGS, finish, in_the_way, place
from keyhole.errors import DocumentErrors, Problem


def check_texts(files: Mapping[str, str]) -> list[Problem]:
    """Advice on the files. Raises ``DocumentErrors`` as ``keyhole check`` does."""
    with tempfile.TemporaryDirectory(prefix="keyhole-setup-") as scratch:
        folder = Path(scratch)
        write_texts(folder, files)
        report = check_files([folder / SETTINGS, folder / DOCUMENTS])
    if not report.is_valid:
        raise DocumentErrors([one for one in report.problems if not one.is_advice])
    return report.problems


def write_all(settings: Path, files: Mapping[str, str], *, replace: bool) -> list[Path]:
    """Writes settings and documents beside them; returns what was written, and with ``replace``
    where that is kept which was there. Raises `ControlError` and ``OSError``; then all is as it
    was. Killed at any step, it has written nothing, or `finish` completes it."""
    finish(settings)
    there = in_the_way(settings)
    if there and not replace:
        raise ControlError(f"{', '.join(map(str, there))} would be overwritten")
    # A link of a package leads to where the file lies.
    target = settings.resolve()
    folder = target.parent
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".setup-", dir=folder))
    try:
        write_texts(draft, files)
        _like(folder / DOCUMENTS, draft / DOCUMENTS, folder)
        _like(target, draft / SETTINGS, folder)
        give_to_owner(draft, folder)  # who may complete it after a kill
        with _uninterrupted():
            return place(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_texts(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files by their path in a folder. Raises ``OSError``."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def give_to_owner(file: Path, of: Path) -> None:
    """A file that root makes belongs to whose folder or file ``of`` is: root may set up a Keyhole
    that runs as somebody else. Raises ``OSError``."""
    if os.geteuid() == 0:
        owner = of.stat()
        os.chown(file, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _like(old: Path, new: Path, folder: Path) -> None:
    """Owner and mode as what is replaced; where nothing is, the owner of the folder."""
    known = old.stat().st_mode & 0o777 if old.exists() else None
    for one in (new, *(new.iterdir() if new.is_dir() else ())):
        give_to_owner(one, old if old.exists() else folder)
        if known is not None:
            one.chmod(known if one.is_dir() == old.is_dir() else known & 0o666)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C between two renames waits until both are done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
