"""DHCP lease files of dnsmasq, ISC dhcpd, Kea and systemd-networkd, told apart by their content."""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from keyhole.learned_names.book import LearnedName, plain_address
from keyhole.learned_names.error import NamesFileError
from keyhole.learned_names.name import clean_name

_KEA_HEADER = "address,"
_ISC_MARKS = re.compile(
    r"^[ \t]*(lease\s+\S+\s*\{|server-duid\s|authoring-byte-order\s|# The format of this file)",
    re.MULTILINE,
)
_ISC_BEGIN = re.compile(r"\s*lease\s+(\S+)\s*\{")
_ISC_STATE = re.compile(r"\s*binding state (\w+)\s*;")
_ISC_NAME = re.compile(r'\s*client-hostname "([^"]*)"\s*;')
_ISC_TIME = re.compile(
    r"\s*(starts|ends) (?:never|epoch (\d{1,12})|\d (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d))[^;]*;"
)
_KEA_ESCAPE = re.compile(r"&#x([0-9a-fA-F]{2})")


@dataclass(frozen=True)
class _Lease:
    """One lease as a file has it; times are seconds of Unix time, none where it does not say."""

    address: str
    name: str
    since: float | None
    until: float | None


def read_leases(text: str, changed: float) -> list[LearnedName]:
    """The names of the leases, the last one for each address. ``changed`` is when the file was last
    written, in seconds of Unix time: a lease without a beginning was there by then.

    Raises `NamesFileError` for a text that is in none of the forms.
    """
    found: dict[str, LearnedName] = {}
    for lease in _leases(text):
        address, name = plain_address(lease.address), clean_name(lease.name)
        if address is None:
            continue
        found.pop(address, None)  # an older lease of it
        if name is not None:
            since = changed if lease.since is None else lease.since
            found[address] = LearnedName(address, name, "dhcp", since, lease.until)
    return list(found.values())


def _leases(text: str) -> Iterable[_Lease]:
    if text.lstrip().startswith("{"):
        return _networkd(text)
    if text.startswith(_KEA_HEADER):
        return _kea(text)
    if _ISC_MARKS.search(text):
        return _isc(text)
    return list(_dnsmasq(text))


def _dnsmasq(text: str) -> Iterator[_Lease]:
    """``expiry hardware-address address name client-id``, where ``0`` never expires and ``*`` is no
    name; the DUID of the server has a line of its own."""
    lines = [words for line in text.split("\n") if (words := line.split())]
    good = 0
    for words in lines:
        if words[0] == "duid" and len(words) == 2:
            good += 1
        match words:
            case [end, _, address, name, *_] if end.isdecimal() and len(end) < 13:
                good += 1
                yield _Lease(address, name, None, float(end) or None)
    if 2 * good < len(lines) or (lines and not good):
        raise NamesFileError(
            f"{len(lines) - good} of {len(lines)} lines are no leases; the lease files of dnsmasq, "
            "ISC dhcpd, Kea (memfile) and systemd-networkd are read"
        )


def _isc(text: str) -> Iterator[_Lease]:
    """Blocks of ``lease ADDRESS { ... }`` (dhcpd.leases(5)); one without its end is being
    written."""
    address, name, is_active = "", "", True
    times: dict[str, float | None] = {}
    for line in text.split("\n"):
        if found := _ISC_BEGIN.match(line):
            address, name, is_active, times = found[1], "", True, {}
        elif found := _ISC_NAME.match(line):
            name = found[1]
        elif found := _ISC_STATE.match(line):
            is_active = found[1] == "active"
        elif found := _ISC_TIME.match(line):
            times[found[1]] = _isc_time(found)
        elif line.lstrip().startswith("}") and address:
            written = name if is_active else ""
            yield _Lease(address, written, times.get("starts"), times.get("ends"))
            address = ""


def _isc_time(found: re.Match[str]) -> float | None:
    if found[2]:
        return float(found[2])
    if found[3]:
        try:  # in UTC (dhcpd.leases(5))
            return datetime.strptime(found[3], "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return None
    return None


def _kea(text: str) -> Iterator[_Lease]:
    # Kea quotes nothing, so a client whose name has a quotation mark takes no further lines along.
    rows = csv.DictReader(text.split("\n"), quoting=csv.QUOTE_NONE)
    for row in _rows(rows):
        try:
            end, seconds = float(row["expire"]), float(row["valid_lifetime"])
        except (TypeError, ValueError):
            continue  # a line that is being written
        is_address = row.get("lease_type", "0") in ("0", "") and row.get("prefix_len") in _WHOLE
        # State 0 is assigned; a lifetime of 0 removes the lease.
        is_there = row.get("state", "0") == "0" and seconds > 0 and is_address
        name = _KEA_ESCAPE.sub(lambda one: chr(int(one[1], 16)), row["hostname"] or "")
        yield _Lease(row["address"], name if is_there else "", end - seconds, end)


def _rows(rows: "csv.DictReader[str]") -> Iterator[dict[str, str]]:
    try:
        missing = {"address", "expire", "valid_lifetime", "hostname"} - set(rows.fieldnames or ())
        if missing:
            words = ", ".join(sorted(missing))
            raise NamesFileError(f"its first line has no {words}, as Kea writes")
        yield from rows
    except csv.Error as error:
        raise NamesFileError(f"its line {rows.line_num} is no CSV: {error}") from None


_WHOLE = (None, "", "128")
"""The length of the prefix where a lease is for one address."""


def _networkd(text: str) -> Iterator[_Lease]:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NamesFileError(f"it is no JSON as systemd-networkd writes: {error}") from None
    leases = document.get("Leases", []) if isinstance(document, dict) else None
    if not isinstance(leases, list):
        raise NamesFileError("it has no array Leases, as systemd-networkd writes")
    for one in leases:
        match one:
            case {"Address": [int(), int(), int(), int()] as parts, "Hostname": str(name)}:
                end = one.get("ExpirationRealtimeUSec")
                until = end / 1e6 if isinstance(end, int) and 0 < end < 2**63 else None
                yield _Lease(".".join(map(str, parts)), name, None, until)
