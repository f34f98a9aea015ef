"""One record of the chain, and its line in the file."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

from keyhole.evidence.error import EvidenceError

VERSION = 1
FORM = 1
"""Which columns the digests of queries cover, and how a row becomes a line."""


@dataclass(frozen=True)
class Hour:
    """The queries of one hour that were taken in during a record. ``hour`` counts from the begin of
    Unix time. ``hmac`` is the HMAC-SHA256 of their lines under a key that is no part of the record
    and is deleted with the clients; ``anonymous`` is the SHA-256 of the lines without clients."""

    hour: int
    rows: int
    queries: int
    hmac: str
    anonymous: str


@dataclass(frozen=True)
class Gone:
    """Queries that retention removed: the times of the first and the last, in microseconds of Unix
    time, and how many rows there were."""

    begin: int
    end: int
    rows: int

    def covers(self, hour: int) -> bool:
        """Whether queries of that hour may have been among them."""
        hour_us = 3_600_000_000
        return self.begin < (hour + 1) * hour_us and self.end >= hour * hour_us


@dataclass(frozen=True)
class AuditHead:
    """The last entry of the audit record: its number, 0 without one, and its digest."""

    number: int
    digest: str


@dataclass(frozen=True)
class Record:
    """What was there at ``end``, since ``begin``; both are RFC 3339 in UTC, to the second."""

    number: int
    begin: str
    end: str
    intake: int
    """Rows with a number up to this one are in this record or in an earlier one."""
    hours: tuple[Hour, ...]
    gone: tuple[Gone, ...]
    audit: AuditHead | None
    """None while the database could not be read."""
    before: str
    """The digest of the record before."""
    key: str
    """SHA-256 of the public key that signs it; empty where there is none."""

    @property
    def octets(self) -> bytes:
        """What is hashed and signed: JSON with sorted keys, in ASCII, without spaces."""
        document = {"version": VERSION, "form": FORM, **asdict(self)}
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the record."""
        return hashlib.sha256(self.octets).hexdigest()

    @property
    def queries(self) -> int:
        """How many queries it covers."""
        return sum(one.queries for one in self.hours)

    @classmethod
    def of(cls, document: Any) -> Self:
        """Reads a record; raises `EvidenceError`."""
        try:
            fields = dict(document)
            version = (fields.pop("version"), fields.pop("form"))
            if version != (VERSION, FORM):
                raise EvidenceError(f"it has form {version}, which this version does not know")
            audit = fields.pop("audit")
            return cls(
                hours=tuple(Hour(**one) for one in fields.pop("hours")),
                gone=tuple(Gone(**one) for one in fields.pop("gone")),
                audit=None if audit is None else AuditHead(**audit),
                **fields,
            )
        except (TypeError, ValueError, KeyError, AttributeError):
            raise EvidenceError("it is no record of the evidence chain") from None


def removal_of(hour: Hour, left: int, records: Iterable[Record]) -> Record | None:
    """The last of these records that says that rows of an hour were removed; none unless they name
    at least as many rows as are missing where ``left`` are there."""
    rows, last = 0, None
    for record in records:
        found = [gone.rows for gone in record.gone if gone.covers(hour.hour)]
        if found:
            rows, last = rows + sum(found), record
    return last if rows >= hour.rows - left else None


@dataclass(frozen=True)
class Signed:
    """A record with its signature in base64, empty where it is not signed."""

    record: Record
    signature: str

    @property
    def line(self) -> bytes:
        """Its line, without the line break."""
        end = json.dumps({"digest": self.record.digest, "signature": self.signature})
        return b'{"record":' + self.record.octets + b"," + end[1:].encode()

    @classmethod
    def of(cls, line: bytes) -> Self:
        """Reads a line; raises `EvidenceError`, also where the digest is not that of the record."""
        try:
            found = json.loads(line)
            record, signature = Record.of(found["record"]), str(found["signature"])
            digest = str(found["digest"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise EvidenceError("it is no line of the evidence chain") from None
        if digest != record.digest:
            raise EvidenceError("it was changed: its digest is another one")
        return cls(record, signature)
