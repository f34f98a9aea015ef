"""Files that outlive a crash: replaced in one step, and on the disk before the call returns.

Every function raises ``OSError`` where the system refuses. Then the content from before stays and
no draft remains; only a folder that cannot be synced leaves the new content in place. A killed
process can leave a draft behind: `remove_drafts` removes it.
"""

import errno
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from keyhole.system.regular_file import read_whole

PRIVATE_FILE = 0o600
PUBLIC_FILE = 0o644
SHARED_FILE = None
"""The mode that the umask gives, for files that a person asked for."""

Mode = int | None
_DRAFT = ".new"


def write_bytes(path: Path, content: bytes, mode: Mode = PRIVATE_FILE) -> None:
    """Replaces the content of a file, or makes the file."""
    with replacing(path, mode) as file:
        file.write(content)


def write_text(path: Path, text: str, mode: Mode = PRIVATE_FILE) -> None:
    """Replaces the content of a file by a text in UTF-8."""
    write_bytes(path, text.encode(), mode)


def write_json(path: Path, value: Any, mode: Mode = PRIVATE_FILE) -> None:
    """Replaces the content of a file by a value in JSON, indented."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n", mode)


@contextmanager
def replacing(path: Path, mode: Mode = PRIVATE_FILE) -> Iterator[BinaryIO]:
    """A file to write the new content into; it gets its name at the end of the block.

    Where the block raises, the file of that name stays as it was. All goes by the descriptor of a
    file that is made here: root may write into the folder of somebody else, who could put a link in
    the place of the draft.
    """
    draft = _draft(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(draft, flags, _first_mode(mode))
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            if mode is not None:
                os.fchmod(descriptor, mode)
        rename(draft, path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def draft_of(path: Path, mode: Mode = PRIVATE_FILE) -> Iterator[Path]:
    """As `replacing`, for content that something else writes: gives the path of an empty file."""
    draft = _draft(path)
    draft.touch(_first_mode(mode), exist_ok=False)
    try:
        yield draft
        if mode is not None:
            draft.chmod(mode)
        rename(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _first_mode(mode: Mode) -> int:
    # Nobody else can read a draft at any time, unless the umask decides.
    return PRIVATE_FILE if mode is not None else 0o666


def rename(source: Path, target: Path) -> None:
    """Puts a finished file or folder in the place of another one in the same folder.

    The content is on the disk before the new name is; of a folder, only the names in it. What else
    may be in their place, such as a FIFO, is moved and not opened.
    """
    kind = source.lstat().st_mode
    if stat.S_ISREG(kind) or stat.S_ISDIR(kind):
        sync(source)
    source.replace(target)
    sync(target.parent)


def sync_tree(folder: Path) -> None:
    """Has a folder on the disk with all that is in it, such as an unpacked archive before it gets
    its name. Links are not followed."""
    for path, _, files in os.walk(folder):
        for name in files:
            if not Path(path, name).is_symlink():
                sync(Path(path, name))
        sync(Path(path))


def replace_link(path: Path, target: str) -> None:
    """Has a symbolic link lead to ``target``, whether or not there was one before.

    A folder in its place is removed: some tools copy what a link leads to.
    """
    draft, old = _draft(path), _draft(path)
    draft.symlink_to(target)
    try:
        if path.is_dir() and not path.is_symlink():
            path.replace(old)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def append_line(path: Path, line: bytes) -> None:
    """Adds a line to a file of whole lines, or makes the file with mode 0600.

    Two processes never mix their lines. A line that a crash cut short does not take this one along.
    A disk that has room for a part of the line counts as full.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        size = os.fstat(descriptor).st_size
        is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        octets = (b"\n" if is_torn else b"") + line + b"\n"
        if os.write(descriptor, octets) < len(octets):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if size == 0:
        sync(path.parent)


def cut_torn_line(path: Path) -> None:
    """Removes what a crash left of a last line, so that all that follows are whole lines."""
    content = read_whole(path)
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
        sync(path)


def cut_to(path: Path, octets: int) -> None:
    """Removes what a file has beyond its first ``octets``."""
    if path.stat().st_size > octets:
        os.truncate(path, octets)
        sync(path)


def try_to_write(folder: Path, octets: int) -> None:
    """Sees whether a folder takes so much: a file of a name of its own, which is removed at once.
    Somebody who cleans up meanwhile may have removed it."""
    probe = _draft(folder / "probe")
    probe.touch(PRIVATE_FILE, exist_ok=False)
    try:
        with probe.open("wb") as file:
            file.write(bytes(octets))
            file.flush()
            os.fsync(file.fileno())
        sync(folder)
    finally:
        probe.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Removes a file for good; it may be missing."""
    path.unlink(missing_ok=True)
    sync(path.parent)


def remove_drafts(folder: Path, name: str = "*") -> None:
    """Removes what killed processes left half written; no other process may be writing there.

    ``name`` is a pattern for the names of the files that were being written.
    """
    for draft in folder.glob(f".{name}{_DRAFT}"):
        draft.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{_DRAFT}")


def sync(path: Path) -> None:
    """Has a file, or the names in a folder, on the disk. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
