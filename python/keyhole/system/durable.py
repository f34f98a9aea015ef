"""Files that outlive a crash: replaced in one step, and on the disk before the call returns.

Every function raises ``OSError`` where the system refuses. Then the content from before stays and
no draft remains; only a folder that cannot be synced leaves the new content in place. A killed
process can leave a draft behind: `remove_drafts` removes it.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

PRIVATE_FILE = 0o600
PUBLIC_FILE = 0o644

_DRAFT = ".new"


def write_bytes(path: Path, content: bytes, mode: int = PRIVATE_FILE) -> None:
    """Replaces the content of a file, or makes the file."""
    with replacing(path, mode) as file:
        file.write(content)


def write_text(path: Path, text: str, mode: int = PRIVATE_FILE) -> None:
    """Replaces the content of a file by a text in UTF-8."""
    write_bytes(path, text.encode(), mode)


def write_json(path: Path, value: Any, mode: int = PRIVATE_FILE) -> None:
    """Replaces the content of a file by a value in JSON, indented."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n", mode)


@contextmanager
def replacing(path: Path, mode: int = PRIVATE_FILE) -> Iterator[BinaryIO]:
    """A file to write the new content into; it gets its name at the end of the block.

    Where the block raises, the file of that name stays as it was.
    """
    with draft_of(path, mode) as draft, draft.open("wb") as file:
        yield file


@contextmanager
def draft_of(path: Path, mode: int = PRIVATE_FILE) -> Iterator[Path]:
    """As `replacing`, for content that something else writes: gives the path of an empty file."""
    # mkstemp makes the file with mode 0600: nobody else can read it at any time.
    descriptor, name = tempfile.mkstemp(_DRAFT, f".{path.name}.", path.parent)
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(mode)
        rename(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def rename(source: Path, target: Path) -> None:
    """Puts a finished file or folder in the place of another one in the same folder.

    The content is on the disk before the new name is; of a folder, only the names in it.
    """
    _sync(source)
    source.replace(target)
    _sync(target.parent)


def replace_link(path: Path, target: str) -> None:
    """Has a symbolic link lead to ``target``, whether or not there was one before."""
    draft = Path(tempfile.mkdtemp(_DRAFT, f".{path.name}.", path.parent))
    try:
        link = draft / path.name
        link.symlink_to(target)
        link.replace(path)
    finally:
        for left in draft.iterdir():
            left.unlink()
        draft.rmdir()
    _sync(path.parent)


def remove(path: Path) -> None:
    """Removes a file for good; it may be missing."""
    path.unlink(missing_ok=True)
    _sync(path.parent)


def remove_drafts(folder: Path) -> None:
    """Removes what killed processes left half written; no other process may be writing there."""
    for draft in folder.glob(f".*{_DRAFT}"):
        draft.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
