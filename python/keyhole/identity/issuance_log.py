"""``issued.jsonl``: every certificate that the authority signed, one a line, only ever added to."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from keyhole.identity.error import IdentityError
from keyhole.identity.files import PRIVATE_FILE
from keyhole.model.field_types import Boundary

FILE = "issued.jsonl"


class IssuanceRecord(Boundary):
    """One certificate: ``name`` is for people, ``names`` are DNS names and addresses of a server,
    ``how`` says in a few words why it was issued, ``root`` is the SHA-256 of the root above it."""

    time: AwareDatetime
    name: str | None
    spiffe: str | None
    names: list[str]
    serial: str
    not_after: AwareDatetime
    root: str
    how: str

    def lives(self, now: datetime | None = None) -> bool:
        """Whether it has not expired yet."""
        return self.not_after > (now or datetime.now(UTC))


def record(folder: Path, issued: IssuanceRecord) -> None:
    """Adds a line, and waits until the disk has it."""
    path = folder / FILE
    line = issued.model_dump_json().encode() + b"\n"
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            # A line that a crash cut short must not take the next one with it.
            size = os.fstat(handle).st_size
            torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            # One write, so that two processes never mix their lines.
            os.write(handle, b"\n" + line if torn else line)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise IdentityError(f"cannot write {path}: {error.strerror}") from error


def read_issued(folder: Path) -> Iterator[IssuanceRecord]:
    """All lines, oldest first; one that a crash cut short was never handed out and is left out."""
    path = folder / FILE
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    yield IssuanceRecord.model_validate_json(line)
                except ValidationError:
                    continue
    except FileNotFoundError:
        return
    except OSError as error:
        raise IdentityError(f"{path} cannot be read: {error.strerror}") from error
