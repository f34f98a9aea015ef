"""Checks an export without a Keyhole: everything that was changed, is missing, out of order or cut
off is named."""

import hashlib
import hmac
import json
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from keyhole.evidence.error import EvidenceError
from keyhole.evidence.form import AUDIT, CHAIN, FORMAT, MANIFEST, SIGNATURE, Manifest, Queries
from keyhole.evidence.key import PublicKey, read_public
from keyhole.evidence.record import Record, Signed, removal_of
from keyhole.model.chained import FIRST, entry_digest
from keyhole.system.tar_header import BoundedHeader

_MAX_MANIFEST = 256 * 2**20
_MAX_SMALL = 16_384
_MAX_MEMBER = 64 * 2**30
_STEP = 2**20


@dataclass
class Report:
    """The result: what was wrong, what to know, and what was checked."""

    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    records: int = 0
    queries: int = 0
    audit_entries: int = 0
    head: str = ""
    key: str = ""
    is_compared: bool = False
    """Whether the key or a digest was compared with one that was noted elsewhere."""
    manifest: Manifest | None = None


@dataclass
class _Found:
    """The members as they were read: the digest of each, the HMAC of those with a key, and the
    lines of chain and audit."""

    digests: dict[str, tuple[int, str]] = field(default_factory=dict)
    keyed: dict[str, str] = field(default_factory=dict)
    lines: dict[str, list[bytes]] = field(default_factory=dict)
    is_cut_off: bool = False


def check_export(path: Path, *, head: str | None = None, key: str | None = None) -> Report:
    """Checks a file. ``head`` is the digest of a record and ``key`` the fingerprint of the key, as
    noted elsewhere. Raises `EvidenceError` for what is no export, and ``OSError``."""
    report = Report(is_compared=head is not None or key is not None)
    try:
        with tarfile.open(path, "r|gz", tarinfo=BoundedHeader) as tar:
            manifest, public = _begin(tar, report)
            found = _members(tar, manifest)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise EvidenceError(f"{path} is no export of evidence, or cut off: {error}") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise EvidenceError(f"{path} is no export of evidence: {error}") from None
    report.manifest, report.key = manifest, public.fingerprint
    if key is not None and key.lower() != public.fingerprint:
        report.wrong.append(f"it is signed by the key {public.fingerprint}, and not by {key}")
    report.wrong += _compared(manifest, found)
    records = _checked_chain(found.lines.get(CHAIN, []), public, report)
    report.wrong += _ends(manifest, records)
    if head is not None and head.lower() not in {one.digest for one in records}:
        report.wrong.append(f"no record of the chain has the digest {head} that was noted")
    report.wrong += _checked_audit(manifest, records, found.lines.get(AUDIT, []), report)
    report.wrong += _checked_queries(manifest, records, found, report)
    return report


def _begin(tar: tarfile.TarFile, report: Report) -> tuple[Manifest, PublicKey]:
    content = _small(tar, MANIFEST, _MAX_MANIFEST)
    signature = _small(tar, SIGNATURE, _MAX_SMALL).decode(errors="replace").strip()
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError:
        raise EvidenceError("its manifest cannot be read") from None
    if manifest.format != FORMAT:
        raise EvidenceError(f"it has format {manifest.format}; this version knows {FORMAT}")
    public = read_public(manifest.key)
    if not public.verifies(signature, content):
        report.wrong.append("the manifest was changed: its signature is not valid")
    return manifest, public


def _small(tar: tarfile.TarFile, name: str, most: int) -> bytes:
    info = tar.next()
    file = tar.extractfile(info) if info is not None and _is_plain(info) else None
    if info is None or file is None or info.name != name or info.size > most:
        raise EvidenceError(f"it does not have {name} where an export has it")
    return file.read(most)


def _is_plain(info: tarfile.TarInfo) -> bool:
    # The library fills the holes of a sparse file, and chain and audit are kept in memory.
    return info.isreg() and not info.issparse()


def _members(tar: tarfile.TarFile, manifest: Manifest) -> _Found:
    found = _Found()
    keys = {one.file: bytes.fromhex(one.key) for one in manifest.queries if one.key is not None}
    try:
        while (info := tar.next()) is not None:
            file = tar.extractfile(info) if _is_plain(info) else None
            if file is None or info.size > _MAX_MEMBER or info.name in found.digests:
                found.digests[info.name] = (-1, "")
                continue
            digest, keyed = hashlib.sha256(), hmac.new(keys.get(info.name, b""), digestmod="sha256")
            kept: list[bytes] | None = [] if info.name in (CHAIN, AUDIT) else None
            while octets := file.read(_STEP):
                digest.update(octets)
                keyed.update(octets)
                if kept is not None:
                    kept.append(octets)
            found.digests[info.name] = (info.size, digest.hexdigest())
            if info.name in keys:
                found.keyed[info.name] = keyed.hexdigest()
            if kept is not None:
                found.lines[info.name] = b"".join(kept).splitlines()
            tar.members = []  # type: ignore[attr-defined]  # the library would keep them all
    except (tarfile.TarError, EOFError, zlib.error):
        found.is_cut_off = True
    except OSError as error:
        if error.errno is not None:
            raise
        found.is_cut_off = True
    return found


def _compared(manifest: Manifest, found: _Found) -> Iterator[str]:
    if found.is_cut_off:
        yield "the file is cut off or damaged"
    for name, member in manifest.members.items():
        if name not in found.digests:
            yield f"{name} is missing"
        elif found.digests[name] != (member.octets, member.sha256):
            yield f"{name} was changed"
    for name in found.digests.keys() - manifest.members.keys():
        yield f"{name} is not in the manifest"


def _checked_chain(lines: Iterable[bytes], public: PublicKey, report: Report) -> list[Record]:
    records: list[Record] = []
    number, before = 0, FIRST
    for line in lines:
        try:
            signed = Signed.of(line)
        except EvidenceError as error:
            report.wrong.append(f"chain, after record {number}: {error}")
            continue
        one = signed.record
        if one.number != number + 1:
            what = "out of order" if one.number <= number else "missing"
            expected = one.number if one.number <= number else number + 1
            report.wrong.append(f"chain: record {expected} is {what}")
        elif one.before != before:
            report.wrong.append(f"chain: record {one.number} does not follow the one before")
        if one.key != public.fingerprint:
            report.wrong.append(f"chain: record {one.number} names another key, {one.key}")
        elif not public.verifies(signed.signature, one.octets):
            report.wrong.append(f"chain: the signature of record {one.number} is not valid")
        number, before = one.number, one.digest
        records.append(one)
    report.records, report.head = len(records), before
    return records


def _ends(manifest: Manifest, records: list[Record]) -> Iterator[str]:
    last = records[-1] if records else None
    if last is None or (last.number, last.digest) != (manifest.head, manifest.head_digest):
        yield f"chain: it does not end with record {manifest.head} as the manifest says"


def _checked_audit(
    manifest: Manifest, records: list[Record], lines: list[bytes], report: Report
) -> Iterator[str]:
    """The entries follow each other from the head that the record before the first one names to
    that of the last one."""
    heads = {one.number: one.audit for one in records}
    begin, end = heads.get(manifest.first - 1), heads.get(manifest.last)
    if manifest.first == 1:
        number, before = 0, FIRST
    elif begin is not None:
        number, before = begin.number, begin.digest
    else:
        number, before = -1, ""
    for line in lines:
        try:
            fields = json.loads(line)
            found, chained, digest = int(fields[0]), str(fields[-2]), str(fields[-1])
        except (ValueError, TypeError, IndexError, KeyError, RecursionError):
            yield f"audit, after entry {number}: a line cannot be read"
            continue
        if entry_digest(fields[:-1]) != digest:
            yield f"audit: entry {found} was changed"
        if number >= 0 and found != number + 1:
            what = "out of order" if found <= number else "missing"
            yield f"audit: entry {found if found <= number else number + 1} is {what}"
        elif number >= 0 and chained != before:
            yield f"audit: entry {found} does not follow the one before"
        number, before = found, digest
        report.audit_entries += 1
    if end is not None and (number, before) != (end.number, end.digest):
        yield f"audit: it does not end with entry {end.number}, which record {manifest.last} names"


def _checked_queries(
    manifest: Manifest, records: list[Record], found: _Found, report: Report
) -> Iterator[str]:
    listed = {(one.record, one.hour): one for one in manifest.queries}
    for record in records:
        if not manifest.first <= record.number <= manifest.last:
            continue
        for hour in record.hours:
            what = f"queries of {_hour(hour.hour)} in record {record.number}"
            entry = listed.get((record.number, hour.hour))
            if entry is None:
                yield f"{what}: they are not in the manifest"
                continue
            later = [one for one in records if one.number >= record.number]
            removal = removal_of(hour, entry.left, later)
            problem = _state_problem(entry, is_removed=removal is not None)
            if problem is not None:
                yield f"{what}: {problem}"
            elif entry.file is None:
                said = f"record {removal.number} of {removal.end} says" if removal else "is said"
                report.notes.append(f"{what}: removed by retention, as {said}")
            else:
                is_whole = entry.state == "whole"
                plain = found.digests.get(entry.file, (0, ""))[1]
                got = found.keyed.get(entry.file) if is_whole else plain
                if got != (hour.hmac if is_whole else hour.anonymous):
                    yield f"{what}: they are not those that were recorded"
                else:
                    report.queries += hour.queries
                    if entry.state == "anonymous":
                        report.notes.append(f"{what}: without clients (log.anonymize_after)")


def _state_problem(entry: Queries, *, is_removed: bool) -> str | None:
    if entry.state == "changed":
        return "the history had others than were recorded when it was exported"
    if entry.state == "missing":
        return "the history did not have them, and no record says that so many were removed"
    if entry.state == "removed":
        if not is_removed:
            return "they are not there, and no record says that so many were removed"
        return None if entry.file is None else "they are said to be removed, and have a file"
    return None if entry.file is not None else "their file is not named"


def _hour(hour: int) -> str:
    from datetime import UTC, datetime

    try:
        return f"{datetime.fromtimestamp(hour * 3600, UTC):%Y-%m-%d %H:00}"
    except (OverflowError, ValueError, OSError):
        return "an unknown hour"
