"""Makes the file that an auditor gets."""

import json
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from keyhole import __version__
from keyhole.control.evidence.service import EvidenceService
from keyhole.control.query_history import QueryHistory
from keyhole.evidence.archive import member_of, write_archive
from keyhole.evidence.chain import read_chain
from keyhole.evidence.error import EvidenceError
from keyhole.evidence.form import AUDIT, CHAIN, FORMAT, KEY, Manifest, Queries, State, queries_name
from keyhole.evidence.record import Hour, Record, removal_of
from keyhole.store import Actor, AuditEntry, Database, append
from keyhole.store.audit import chained_fields

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from keyhole.querylog.history.sealed import HourDigest
    from keyhole.querylog.history.segment import Segment

_FOLDER = ".export-"
"""The begin of the names of its folders. A backup leaves out what begins with a dot."""


@dataclass(frozen=True)
class Selection:
    """Which records: from the first to the last of those that end after ``since`` and begin before
    ``until``; for whom."""

    since: datetime
    until: datetime
    actor: Actor


def remove_leftovers(folder: Path) -> None:
    """Removes what a killed process left."""
    for left in folder.glob(f"{_FOLDER}*"):
        shutil.rmtree(left, ignore_errors=True)


def export_evidence(
    evidence: EvidenceService, queries: QueryHistory, database: Database, wanted: Selection
) -> Path:
    """Records who exports, seals what was taken in until now, and writes the export into a folder
    of its own, which the caller removes. One at a time. Blocks; raises `EvidenceError`, ``OSError``
    and ``duckdb.Error``."""
    if not evidence.exporting.acquire(blocking=False):
        raise EvidenceError("another export of evidence is being made; try again when it is done")
    try:
        return _recorded_export(evidence, queries, database, wanted)
    finally:
        evidence.exporting.release()


def _recorded_export(
    evidence: EvidenceService, queries: QueryHistory, database: Database, wanted: Selection
) -> Path:
    with database.begin() as connection:
        append(connection, _audit_entry(wanted))
    evidence.seal()
    records = evidence.chain.after(0, 2**31)
    chosen = _chosen(records, wanted)
    if not chosen:
        raise EvidenceError("no record of the evidence chain is of that time")
    folder = evidence.chain.file.parent / f"{_FOLDER}{secrets.token_hex(8)}"
    folder.mkdir(mode=0o700)
    try:
        return _export(evidence, queries, database, wanted, records, chosen, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _audit_entry(wanted: Selection) -> AuditEntry:
    actor = wanted.actor
    detail = {"since": wanted.since.isoformat(), "until": wanted.until.isoformat()}
    return AuditEntry(actor.name, actor.via, "evidence_export", actor.address, detail=detail)


def _chosen(records: list[Record], wanted: Selection) -> list[Record]:
    """From the first to the last record of that time, with all between them: a clock that was wrong
    may have given some another time."""
    numbers = [one.number for one in records if _is_wanted(one, wanted)]
    return [one for one in records if numbers and numbers[0] <= one.number <= numbers[-1]]


def _is_wanted(record: Record, wanted: Selection) -> bool:
    begin, end = datetime.fromisoformat(record.begin), datetime.fromisoformat(record.end)
    return end > wanted.since and begin < wanted.until


def _export(
    evidence: EvidenceService,
    queries: QueryHistory,
    database: Database,
    wanted: Selection,
    records: list[Record],
    chosen: list[Record],
    folder: Path,
) -> Path:
    (folder / "queries").mkdir()
    with (folder / CHAIN).open("wb") as file:
        # Records that were appended meanwhile are of no use here.
        for signed, _ in zip(read_chain(evidence.chain.file), records, strict=False):
            file.write(signed.line + b"\n")
    (folder / KEY).write_text(evidence.chain.key.public.pem)
    _write_audit(database, records, chosen, folder / AUDIT)
    found: list[Queries] = []
    for record in chosen:
        _check_room(folder, 0)
        found += _write_queries(queries, records, record, folder)
    names = [CHAIN, AUDIT, KEY, *(one.file for one in found if one.file is not None)]
    manifest = Manifest(
        format=FORMAT,
        keyhole=__version__,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        by=wanted.actor.name,
        since=wanted.since.isoformat(),
        until=wanted.until.isoformat(),
        first=chosen[0].number,
        last=chosen[-1].number,
        head=records[-1].number,
        head_digest=records[-1].digest,
        key=evidence.chain.key.public.pem,
        members={name: member_of(folder / name) for name in names},
        queries=found,
    )
    _check_room(folder, sum(one.octets for one in manifest.members.values()))
    target = folder / "evidence.tar.gz"
    write_archive(target, folder, manifest, evidence.chain.key)
    return target


def _check_room(folder: Path, octets: int) -> None:
    """Raises `EvidenceError` where so much would not leave what the history leaves free."""
    from keyhole.querylog.history.retain import FREE_OCTETS, free

    if free(folder) < FREE_OCTETS + octets:
        raise EvidenceError(
            "there is too little room on the disk of the data folder for this export; make room, "
            "or export a shorter time"
        )


def _write_audit(database: Database, records: list[Record], chosen: list[Record], to: Path) -> None:
    """The entries between the head of the record before and that of the last one."""
    heads = {one.number: one.audit for one in records}
    before, last = heads.get(chosen[0].number - 1), heads[chosen[-1].number]
    with to.open("wb") as file, database.read() as connection:
        end = last.number if last else 0
        for fields in chained_fields(connection, before.number if before else 0, end):
            file.write(json.dumps(fields, ensure_ascii=False).encode() + b"\n")


def _write_queries(
    queries: QueryHistory, records: list[Record], record: Record, folder: Path
) -> list[Queries]:
    from keyhole.querylog.history.sealed import HourDigest, sealed_lines

    after = next((one.intake for one in records if one.number == record.number - 1), 0)

    keys = queries.history().hour_keys(record.number)

    def write(
        cursor: "DuckDBPyConnection", segments: "list[Segment]", _: object
    ) -> "dict[int, HourDigest]":
        digests: dict[int, HourDigest] = {}
        for hour, lines in sealed_lines(cursor, segments, after, record.intake):
            digest = digests[hour] = HourDigest(hour, keys.get(hour, ""))
            place = folder / queries_name(record.number, hour)
            with place.open("wb") as whole, place.with_suffix(".less").open("wb") as less:
                for line in lines:
                    digest.add(line)
                    whole.write(line.whole)
                    less.write(line.anonymous)
        return digests

    digests = queries.history().ask(write)
    found = []
    for hour in record.hours:
        name = queries_name(record.number, hour.hour)
        state = _state(hour, digests.get(hour.hour), records, record)
        if state == "anonymous":
            # A part may still have clients: what is removed elsewhere is not given here.
            shutil.move((folder / name).with_suffix(".less"), folder / name)
        has_file = state in ("whole", "anonymous", "changed")
        found.append(
            Queries(
                record=record.number,
                hour=hour.hour,
                state=state,
                file=name if has_file else None,
                left=digests[hour.hour].rows if state == "removed" and hour.hour in digests else 0,
                # Nowhere else: it would let clients be found by trying once they are removed.
                key=keys[hour.hour] if state == "whole" else None,
            )
        )
    return found


def _state(hour: Hour, now: "HourDigest | None", records: list[Record], record: Record) -> State:
    if now is not None:
        if now.key and now.whole == hour.hmac:
            return "whole"
        if now.anonymous == hour.anonymous:
            return "anonymous"
        if now.rows >= hour.rows:
            return "changed"
    left = now.rows if now is not None else 0
    return "removed" if removal_of(hour, left, records[record.number - 1 :]) else "missing"
