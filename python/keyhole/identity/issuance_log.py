"""``issued.jsonl``: an append-only log of all issued certificates, one per line."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from keyhole.identity.error import IdentityError
from keyhole.identity.files import write_errors
from keyhole.model.field_types import Boundary
from keyhole.system import durable
from keyhole.system.regular_file import open_regular

FILE = "issued.jsonl"


class IssuanceRecord(Boundary):
    """One certificate: ``name`` is for the operator, ``names`` are DNS names and addresses of a
    server, ``how`` is the reason for issuing, ``root`` the SHA-256 of the root certificate."""

    time: AwareDatetime
    name: str | None
    spiffe: str | None
    names: list[str]
    serial: str
    not_after: AwareDatetime
    root: str
    how: str

    def is_valid(self, now: datetime | None = None) -> bool:
        """Whether it has not expired."""
        return self.not_after > (now or datetime.now(UTC))


def record(folder: Path, issued: IssuanceRecord) -> None:
    """Appends a line, and waits until it is on disk."""
    path = folder / FILE
    with write_errors(path):
        durable.append_line(path, issued.model_dump_json().encode())


def read_issued(folder: Path) -> Iterator[IssuanceRecord]:
    """All records, oldest first. Skips truncated lines: their certificates were never used."""
    path = folder / FILE
    try:
        with open_regular(path) as file:
            for line in file:
                try:
                    yield IssuanceRecord.model_validate_json(line)
                except ValidationError:
                    continue
    except FileNotFoundError:
        return
    except OSError as error:
        raise IdentityError(f"{path} cannot be read: {error.strerror}") from error
