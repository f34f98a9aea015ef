"""The chain in its file: it only grows. Its end is also kept elsewhere, so that one that was cut
short is not continued."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from keyhole.evidence.error import EvidenceError
from keyhole.evidence.head import read_head, write_head
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

    def __init__(self, folder: Path, head: Path) -> None:
        """Checks each record and its signature; a folder without a chain begins one. ``head`` is
        the file, in another folder, that says how far the chain reached. Raises `EvidenceError`
        where chain, key or head is gone, damaged or changed, and ``OSError``."""
        self.file = folder / CHAIN
        self._head_file = head
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = not self.file.exists()
        if is_new:
            if was_there(self.file):
                raise EvidenceError(f"{self.file} is gone; {_REMEDY}")
            durable.write_bytes(self.file, b"")
        self._key = self._own_key(folder / KEY)
        self.last: Record | None = None
        self._octets: int | None = None
        """The size of the file up to the end of the last record; none before the first append."""
        self._check(is_new)
        write_head(head, self.next_number - 1, self.head)
        remember_file(self.file)
        remember_file(head)

    def _check(self, is_new: bool) -> None:
        """Reads the chain up to its last record. A chain that reaches further than the head says is
        right: the head is written after the record."""
        head = None if is_new else self._read_head()
        is_reached = head is None or head == (0, FIRST)
        for one in read_chain(self.file):
            record, public = one.record, self._key.public
            if record.key != public.fingerprint or not public.verifies(
                one.signature, record.octets
            ):
                raise EvidenceError(
                    f"{self.file}: record {record.number} is not signed by the key of this "
                    f"Keyhole; {_REMEDY}"
                )
            is_reached = is_reached or head == (record.number, record.digest)
            self.last = record
        if head is not None and not is_reached:
            raise EvidenceError(
                f"{self.file} does not have record {head[0]}, which {self._head_file} names; "
                f"{_REMEDY}"
            )

    def _read_head(self) -> tuple[int, str] | None:
        found = read_head(self._head_file)
        if found is None and was_there(self._head_file):
            raise EvidenceError(f"{self._head_file} is gone; {_REMEDY}")
        return found

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
        """Appends the next record durably, and then says elsewhere that it is there. Raises
        ``OSError``; where only the latter failed, the record is in the chain."""
        signed = Signed(record, self._key.sign(record.octets))
        if self._octets is None:
            durable.cut_torn_line(self.file)
            self._octets = self.file.stat().st_size
        # A record that may not have reached the disk is written again: it must not be there twice.
        durable.cut_to(self.file, self._octets)
        durable.append_line(self.file, signed.line)
        self._octets += len(signed.line) + 1
        self.last = record
        write_head(self._head_file, record.number, record.digest)
        return signed

    def after(self, number: int, most: int) -> list[Record]:
        """At most ``most`` records after a number. Raises `EvidenceError` and ``OSError``."""
        if number >= self.next_number - 1:
            return []  # whoever asks each second does not have all of the file read
        found = (one.record for one in read_chain(self.file) if one.record.number > number)
        return [one for one, _ in zip(found, range(most), strict=False)]


def read_chain(file: Path) -> Iterator[Signed]:
    """The records of a file, whole and each after the one before. A last line without its end, as a
    crash leaves it, is no record yet. Raises `EvidenceError` and ``OSError``."""
    try:
        with open_regular(file) as lines:
            yield from _whole(lines, file)
    except FileNotFoundError:
        return


def _whole(lines: Iterable[bytes], file: Path) -> Iterator[Signed]:
    number, before = 0, FIRST
    for line in lines:
        if not line.endswith(b"\n"):
            return
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
