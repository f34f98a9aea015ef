"""The chain in its file: it only grows."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from keyhole.evidence.error import EvidenceError
from keyhole.evidence.key import SigningKey, make_key, read_key
from keyhole.evidence.record import Record, Signed
from keyhole.model.chained import FIRST
from keyhole.system import durable
from keyhole.system.installation import remember_file, was_there
from keyhole.system.regular_file import open_regular

CHAIN, KEY = "chain.jsonl", "key.pem"
_REMEDY = (
    "restore the folder evidence from a backup (keyhole restore); to begin a new chain, move the "
    "folder away and run keyhole setup --new"
)


class Chain:
    """The chain of one data folder. One process at a time may append."""

    def __init__(self, folder: Path) -> None:
        """Reads the last record, and the key; a folder without a chain begins one. Raises
        `EvidenceError` where either is gone or damaged, and ``OSError``."""
        self.file = folder / CHAIN
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.file.exists():
            if was_there(self.file):
                raise EvidenceError(f"{self.file} is gone; {_REMEDY}")
            durable.write_bytes(self.file, b"")
        remember_file(self.file)
        self.last: Record | None = None
        for signed in read_chain(self.file):
            self.last = signed.record
        self._key = self._own_key(folder / KEY)

    def _own_key(self, file: Path) -> SigningKey:
        is_new = not file.exists() and not was_there(file)
        key = make_key(file) if is_new else read_key(file)
        remember_file(file)
        return key

    @property
    def key(self) -> SigningKey:
        """The key that signs."""
        return self._key

    @property
    def next_number(self) -> int:
        """The number of the next record."""
        return self.last.number + 1 if self.last else 1

    @property
    def head(self) -> str:
        """The digest of the last record."""
        return self.last.digest if self.last else FIRST

    def append(self, record: Record) -> Signed:
        """Appends the next record durably. Raises ``OSError``."""
        signed = Signed(record, self._key.sign(record.octets))
        durable.append_line(self.file, signed.line)
        self.last = record
        return signed

    def after(self, number: int, most: int) -> list[Record]:
        """At most ``most`` records after a number. Raises `EvidenceError` and ``OSError``."""
        found = (one.record for one in read_chain(self.file) if one.record.number > number)
        return [one for one, _ in zip(found, range(most), strict=False)]


def read_chain(file: Path) -> Iterator[Signed]:
    """The records of a file, whole and each after the one before. A line that a crash cut short is
    passed, as the record after it stands in its place. Raises `EvidenceError` and ``OSError``."""
    try:
        with open_regular(file) as lines:
            yield from _whole(lines, file)
    except FileNotFoundError:
        return


def _whole(lines: Iterable[bytes], file: Path) -> Iterator[Signed]:
    number, before = 0, FIRST
    for line in lines:
        if _is_cut_short(line):
            continue
        try:
            one = Signed.of(line)
        except EvidenceError as error:
            raise EvidenceError(f"{file}, after record {number}: {error}; {_REMEDY}") from None
        if one.record.number != number + 1 or one.record.before != before:
            found = one.record.number
            raise EvidenceError(
                f"{file}: record {found} does not follow record {number}; {_REMEDY}"
            )
        number, before = one.record.number, one.record.digest
        yield one


def _is_cut_short(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return True
    return False
