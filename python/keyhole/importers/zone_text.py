"""Reads a zone in master file format (RFC 1035 section 5) record by record.

A record that cannot be read costs no other one. $INCLUDE and $GENERATE are refused: they read other
files and make any number of records.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import dns.exception
import dns.name
import dns.rdata
import dns.ttl
import dns.zonefile

_MAX_LINES = 20
"""The most lines of one record."""


@dataclass(frozen=True)
class ZoneEntry:
    """A record, or why a part of the zone is none."""

    line: int
    """Where it starts, from 1."""
    text: str
    owner: str = ""
    """Absolute, without the last dot."""
    ttl: int = 0
    data: dns.rdata.Rdata | None = None
    why: str = ""


def read_zone_text(text: str, ttl: int) -> Iterator[ZoneEntry]:
    """The records in order, and the parts that cannot be read; ``ttl`` is for records without."""
    reader = _Reader(ttl)
    for line, part in _parts(text):
        shown = " ".join(part.split())[:200]
        try:
            for owner, seconds, data in reader.read(part):
                yield ZoneEntry(line, shown, owner, seconds, data)
        except ValueError as error:
            yield ZoneEntry(line, shown, why=str(error)[:300])
        except (dns.exception.DNSException, RecursionError) as error:
            # The library counts lines from the start of each record.
            why = re.sub(r"^<\w+>:\d+: ", "", str(error))
            yield ZoneEntry(line, shown, why=f"it cannot be read: {why}"[:300])


@dataclass
class _Reader:
    ttl: int
    origin: dns.name.Name = dns.name.root
    owner: dns.name.Name | None = field(default=None)
    """The owner that a record without one repeats; none where that one cannot be read."""

    def read(self, part: str) -> list[tuple[str, int, dns.rdata.Rdata]]:
        """The records of one part; a directive has none. Raises an error of the library, or
        ValueError."""
        if part.startswith("$"):
            self._directive(*part.partition(";")[0].split())
            return []
        if part[0].isspace():
            if self.owner is None:
                raise ValueError("it repeats the name of a record that cannot be read")
            part = f"{self.owner.to_text()}{part}"
        else:
            self.owner = None
            self.owner = dns.name.from_text(part.split(maxsplit=1)[0], self.origin)
        rrsets = dns.zonefile.read_rrsets(
            f"{part}\n", rdclass=None, default_ttl=self.ttl, origin=self.origin, relativize=False
        )
        return [
            (rrset.name.to_text(omit_final_dot=True), rrset.ttl, data)
            for rrset in rrsets
            for data in rrset
        ]

    def _directive(self, name: str, value: str = "", *_: str) -> None:
        match name.upper():
            case "$ORIGIN":
                self.origin = dns.name.from_text(value, self.origin)
            case "$TTL":
                self.ttl = dns.ttl.from_text(value)
            case _:
                raise ValueError(f"{name} is not supported; write what it stands for")


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The lines, with those joined that parentheses hold together, and their numbers.

    Where a parenthesis is not closed soon, its line stands alone, so that it swallows no others.
    """
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        end, depth = at + 1, _depth(lines[at])
        while depth > 0 and end < min(len(lines), at + _MAX_LINES):
            depth += _depth(lines[end])
            end += 1
        if depth > 0:
            end = at + 1
        if lines[at].partition(";")[0].strip():
            yield at + 1, "\n".join(lines[at:end])
        at = end


def _depth(line: str) -> int:
    """How many parentheses a line leaves open, but for those in quotes, comments and escapes."""
    depth, is_quoted, is_escaped = 0, False, False
    for character in line:
        if is_escaped:
            is_escaped = False
        elif character == "\\":
            is_escaped = True
        elif character == '"':
            is_quoted = not is_quoted
        elif character == ";" and not is_quoted:
            break
        elif not is_quoted:
            depth += (character == "(") - (character == ")")
    return depth
