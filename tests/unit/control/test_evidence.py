"""What an auditor gets proves that nothing was changed, and names each thing that was."""

import errno
import io
import json
import os
import re
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from keyhole.control.data_folder import DataFolder
from keyhole.control.evidence.export import Selection, export_evidence
from keyhole.control.evidence.service import EvidenceService
from keyhole.control.parts import Parts
from keyhole.control.query_history import QueryHistory
from keyhole.evidence.chain import read_chain
from keyhole.evidence.check import Report, check_export
from keyhole.evidence.error import EvidenceError
from keyhole.evidence.record import Signed
from keyhole.model.chained import FIRST
from keyhole.querylog.history import History, Retention
from keyhole.querylog.history.removed import note_removed
from keyhole.store import Actor, AuditEntry, Database, append
from keyhole.system import durable
from tests.world.history import FOREVER, Place, line

_NOW = int(time.time())
_US = 1_000_000


@dataclass
class House:
    """A data folder with a history, an audit record and an evidence chain."""

    folder: Path
    database: Database

    def __post_init__(self) -> None:
        self.data = DataFolder(self.folder)
        self.data.make()
        self.place = Place(self.folder)
        self.open()

    def open(self, retention: Retention = FOREVER) -> None:
        """Like a process that starts now."""
        self.evidence = EvidenceService(self.data, Parts(lambda _: None))
        self.history: History = self.place.open(retention, self.evidence.make_intake())
        self.evidence.use(cast(QueryHistory, _Opened(self.history)), self.database)

    def ask(self, *names: str, age: float = 0) -> None:
        """Has queries for these names come in, so many seconds ago."""
        moment = int((_NOW - age) * _US)
        self.place.write(*(line(moment + at, name=name) for at, name in enumerate(names)))

    def act(self, action: str) -> None:
        """Adds an entry to the audit record."""
        with self.database.begin() as connection:
            append(connection, AuditEntry("root", "socket", action))

    def export(self) -> Path:
        """All that there is, as a file."""
        until = datetime.now(UTC) + timedelta(days=1)
        wanted = Selection(datetime(2020, 1, 1, tzinfo=UTC), until, Actor("root", "socket"))
        opened = cast(QueryHistory, _Opened(self.history))
        return export_evidence(self.evidence, opened, self.database, wanted)


@dataclass
class _Opened:
    """What a evidence needs of the history service."""

    opened: History

    def history(self) -> History:
        return self.opened


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    database = Database.in_file(tmp_path / "control.db", may_be_new=True)
    one = House(tmp_path / "data", database)
    yield one
    one.place.close()
    database.close()


def _filled(house: House) -> Path:
    """An export of three records: one before a restart, and one without queries."""
    house.act("first")
    house.ask("a.example", "b.example")
    house.evidence.seal()
    house.open()
    house.act("second")
    house.ask("late.example", age=7_200)
    house.ask("c.example")
    house.evidence.seal()
    return house.export()


def test_an_export_is_whole_over_restarts_late_queries_and_joined_segments(house: House) -> None:
    for number in range(20):
        house.ask(f"n{number}.example")
        house.history.ingest()
    house.evidence.seal()
    house.history.maintain()
    assert len(house.history.segments) < 20
    report = check_export(_filled(house))
    assert (report.wrong, report.notes) == ([], [])
    assert (report.records, report.queries, report.audit_entries) == (4, 24, 3)
    assert report.head == house.evidence.head.digest
    assert not report.is_compared
    same = check_export(house.export(), head=report.head, key=report.key)
    assert (same.wrong, same.is_compared) == ([], True)
    (wrong,) = check_export(house.export(), head="0" * 64).wrong
    assert "that was noted" in wrong


def test_what_was_made_anonymous_or_removed_is_said_and_proved(house: House) -> None:
    day = 86_400
    house.ask("old.example", age=3 * day)
    house.ask("older.example", age=9 * day)
    house.ask("new.example")
    house.evidence.seal()
    house.history.close()
    house.open(Retention(age=5 * day, octets=2**50, anonymize_after=2.0 * day))
    house.history.maintain()
    file = house.export()
    report = check_export(file)
    assert report.wrong == []
    removed, anonymous = sorted(one.partition("record 1: ")[2] for one in report.notes)
    assert re.fullmatch(r"removed by retention, as record 2 of 2\S+ says", removed)
    assert anonymous == "without clients (log.anonymize_after)"
    members = _members(file)
    # Nothing that is left lets the clients that were removed be found by trying addresses.
    entries = json.loads(members["manifest.json"])["queries"]
    for one in entries:
        is_whole = one["state"] == "whole"
        assert (one["key"] is not None) == is_whole
        assert one["file"] is None or (b"192.0.2.1" in members[one["file"]]) == is_whole
    assert sorted(one["state"] for one in entries) == ["anonymous", "removed", "whole"]
    kept = [json.loads(one.read_bytes()) for one in house.place.root.glob("hour-keys/*.json")]
    assert [list(one.values()) for one in kept] == [[one["key"]] for one in entries if one["key"]]


def test_a_history_that_was_changed_or_lost_without_a_record_is_named(house: House) -> None:
    house.ask("a.example", "b.example")
    house.ask("gone.example", age=7_200)
    house.evidence.seal()
    for one in house.history.segments:
        file = one.path("rows")
        where = "WHERE name != 'gone.example'"
        query = f"SELECT * REPLACE (replace(name, 'b.', 'x.') AS name) FROM '{file}' {where}"
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({query}) TO '{file}.new' (FORMAT parquet)")
        Path(f"{file}.new").replace(file)
    wrong = check_export(house.export()).wrong
    assert sorted(one.partition("record 1: ")[2] for one in wrong) == [
        "the history did not have them, and no record says that so many were removed",
        "the history had others than were recorded when it was exported",
    ]


def test_what_was_removed_while_the_chain_was_off_is_said_when_it_goes_on(house: House) -> None:
    house.ask("old.example", age=3 * 86_400)
    house.evidence.seal()
    house.history.close()
    off = house.place.open(Retention(age=86_400, octets=2**50))
    assert off.maintain() == 1
    off.close()
    house.open()
    report = check_export(house.export())
    assert report.wrong == []
    assert "removed by retention, as record 2 of" in report.notes[0]


def test_a_removal_explains_no_more_rows_than_it_names(house: House) -> None:
    house.ask("a.example", "b.example", "c.example")
    house.evidence.seal()
    for one in house.history.segments:
        note_removed(house.place.root, replace(one, rows=2))
        one.drop()
    house.history.close()
    house.open()
    (wrong,) = check_export(house.export()).wrong
    assert wrong.endswith("no record says that so many were removed")


def _members(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {one.name: cast(Any, tar.extractfile(one)).read() for one in tar.getmembers()}


def _packed(members: dict[str, bytes], to: Path) -> Path:
    with tarfile.open(to, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return to


def _other_key(lines: list[bytes]) -> list[bytes]:
    """A chain that anybody can make: its records follow each other, and name an unknown key."""
    found: list[bytes] = []
    before = FIRST
    for one in lines:
        record = replace(Signed.of(one).record, key="ab" * 32, before=before)
        before = record.digest
        found.append(Signed(record, "").line + b"\n")
    return found


def _lines(change: Callable[[list[bytes]], list[bytes]], name: str) -> Callable[..., None]:
    def changed(members: dict[str, bytes]) -> None:
        members[name] = b"".join(change(members[name].splitlines(keepends=True)))

    return changed


def _queries_of(members: dict[str, bytes]) -> str:
    return next(name for name in members if name.startswith("queries/"))


def _change_query(members: dict[str, bytes]) -> None:
    name = _queries_of(members)
    members[name] = members[name].replace(b"example", b"examp1e", 1)


def _remove_query(members: dict[str, bytes]) -> None:
    name = _queries_of(members)
    members[name] = b"".join(members[name].splitlines(keepends=True)[1:])


def _lose_queries(members: dict[str, bytes]) -> None:
    del members[_queries_of(members)]


def _forge_record(lines: list[bytes]) -> list[bytes]:
    """A record with a digest that fits, made without the key."""
    found = json.loads(lines[1])
    found["record"]["hours"] = []
    record = Signed.of(lines[0]).record.of(found["record"])
    return [lines[0], Signed(record, found["signature"]).line + b"\n", *lines[2:]]


TAMPERED: dict[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
    "a query": (_change_query, "queries of .* record 1: they are not those that were recorded"),
    "a query is gone": (_remove_query, "queries of .* record 1: they are not those"),
    "queries are gone": (_lose_queries, "queries/.* is missing"),
    "a record": (
        _lines(
            lambda all_: [all_[0], all_[1].replace(b'"rows":1', b'"rows":2'), *all_[2:]],
            "chain.jsonl",
        ),
        "chain, after record 1: it was changed: its digest is another one",
    ),
    "a forged record": (
        _lines(_forge_record, "chain.jsonl"),
        "chain: the signature of record 2 is not valid",
    ),
    "another key": (
        _lines(_other_key, "chain.jsonl"),
        "chain: record 1 names another key, abab",
    ),
    "a record is gone": (
        _lines(lambda all_: [all_[0], *all_[2:]], "chain.jsonl"),
        "chain: record 2 is missing",
    ),
    "records change places": (
        _lines(lambda all_: [all_[1], all_[0], *all_[2:]], "chain.jsonl"),
        "chain: record 1 is out of order",
    ),
    "the chain ends early": (
        _lines(lambda all_: all_[:-1], "chain.jsonl"),
        "chain: it does not end with record 3",
    ),
    "an audit entry": (
        _lines(lambda all_: [all_[0].replace(b"first", b"other"), *all_[1:]], "audit.jsonl"),
        "audit: entry 1 was changed",
    ),
    "an audit entry is gone": (
        _lines(lambda all_: all_[1:], "audit.jsonl"),
        "audit: entry 1 is missing",
    ),
    "audit ends early": (
        _lines(lambda all_: all_[:-1], "audit.jsonl"),
        "audit: it does not end with entry 3",
    ),
    "the manifest": (
        _lines(lambda all_: [one.replace(b'"root"', b'"eve"') for one in all_], "manifest.json"),
        "the manifest was changed: its signature is not valid",
    ),
    "something was added": (
        lambda all_: all_.update({"more.txt": b"x"}),
        "more.txt is not in the manifest",
    ),
}


def test_each_change_of_an_export_is_named(house: House, tmp_path: Path) -> None:
    good = _members(_filled(house))
    for case, (change, wanted) in TAMPERED.items():
        members = dict(good)
        change(members)
        assert members != good, case
        report: Report = check_export(_packed(members, tmp_path / "tampered.tar.gz"))
        assert any(re.search(wanted, one) for one in report.wrong), (case, report.wrong)


def test_an_export_waits_for_none_and_leaves_nothing_where_there_is_no_room(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.ask("a.example")
    with house.evidence.exporting, pytest.raises(EvidenceError, match="another export"):
        house.export()
    monkeypatch.setattr("keyhole.querylog.history.retain.FREE_OCTETS", 2**62)
    with pytest.raises(EvidenceError, match="too little room"):
        house.export()
    assert list(house.data.evidence.glob(".export-*")) == []
    monkeypatch.undo()
    assert check_export(house.export()).wrong == []


def test_a_file_that_is_cut_off_is_named_or_refused(house: House, tmp_path: Path) -> None:
    octets = _filled(house).read_bytes()
    cut = tmp_path / "cut.tar.gz"
    for size in (0, 9, len(octets) // 3, len(octets) - 200):
        cut.write_bytes(octets[:size])
        try:
            wrong = check_export(cut).wrong
        except EvidenceError as error:
            wrong = [str(error)]
        assert wrong, size


def test_a_chain_that_is_gone_or_changed_is_not_begun_anew(house: House) -> None:
    house.evidence.seal()
    house.evidence.seal()
    chain = house.data.evidence / "chain.jsonl"
    chain.write_bytes(chain.read_bytes() + b'{"record":{"aud')  # a crash while it was written
    house.evidence = EvidenceService(house.data, Parts(lambda _: None))
    house.evidence.use(cast(QueryHistory, _Opened(house.history)), house.database)
    assert house.evidence.seal().number == 3
    assert check_export(house.export()).wrong == []
    good = chain.read_bytes()
    second = (lines := good.splitlines(keepends=True))[1]
    changed: list[bytes | None] = [
        good.replace(b'"number":1', b'"number":9', 1),
        second,
        b"",  # its head says that there were records
        b"".join(lines[:-1]),
        b"".join([*lines[:-1], b"#", lines[-1]]),  # damaged, and not cut short by a crash
        good.removesuffix(b"\n"),
        b"".join(_other_key(lines)),
        None,
    ]
    head = house.data.evidence_head
    number = json.loads(head.read_bytes())["number"]
    for content in (*changed, good):
        if content == good:
            head.unlink()
        chain.unlink() if content is None else chain.write_bytes(content)
        parts = Parts(lambda _: None)
        broken = EvidenceService(house.data, parts)
        (part,) = parts.states()
        assert (part.name, part.state.value) == ("evidence", "missing")
        assert "restore the folder evidence" in part.why
        with pytest.raises(EvidenceError):
            broken.seal()
        assert content == good or json.loads(head.read_bytes())["number"] == number


def test_a_record_that_may_not_be_on_the_disk_is_written_again_and_is_there_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.evidence.seal()

    append_line = durable.append_line

    def too_late(path: Path, line: bytes) -> None:
        append_line(path, line)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(durable, "append_line", too_late)
        with pytest.raises(OSError, match="error"):
            house.evidence.seal()
    assert house.evidence.seal().number == 2
    assert [one.record.number for one in read_chain(house.data.evidence / "chain.jsonl")] == [1, 2]
    assert check_export(house.export()).wrong == []


def test_a_record_is_due_once_an_hour_has_ended_and_a_siem_is_told_its_digest(house: House) -> None:
    now = [10 * 3600 + 3599.0]
    evidence = EvidenceService(house.data, Parts(lambda _: None), clock=lambda: now[0])
    evidence.use(cast(QueryHistory, _Opened(house.history)), house.database)
    due = [evidence.is_due]
    now[0] += 1
    due.append(evidence.is_due)
    record = evidence.seal()
    assert (record.begin[11:19], record.end[11:19]) == ("10:59:59", "11:00:00")
    assert [*due, evidence.is_due] == [False, True, False]
    (event,) = evidence.after(0, 10)
    assert (event.kind, event.number, event.fields["digest"]) == ("evidence", 1, record.digest)
    assert evidence.after(evidence.last(), 10) == []


def test_a_clock_that_was_a_year_ahead_stops_no_record_and_spoils_no_export(house: House) -> None:
    year, now = 365 * 86_400.0, [float(_NOW)]
    house.evidence = EvidenceService(house.data, Parts(lambda _: None), clock=lambda: now[0])
    house.evidence.use(cast(QueryHistory, _Opened(house.history)), house.database)
    house.ask("a.example")
    house.evidence.seal()
    now[0] += year
    house.ask("b.example")
    house.evidence.seal()
    now[0] -= year
    due = [house.evidence.is_due]
    house.ask("c.example")
    record = house.evidence.seal()
    assert record.begin == record.end
    due.append(house.evidence.is_due)
    assert due == [True, False]
    report = check_export(house.export())
    assert (report.wrong, report.queries) == ([], 3)


def test_the_chain_goes_on_from_a_backup_that_is_older_than_the_history(
    house: House, tmp_path: Path
) -> None:
    house.ask("a.example")
    house.evidence.seal()
    # As in a backup: the chain is read first, and a record is made before the history is read.
    folder = tmp_path / "restored"
    shutil.copytree(house.data.evidence, folder / "evidence")
    house.ask("b.example")
    house.act("apply")
    later = house.evidence.seal()
    shutil.copytree(house.place.spool, folder / "log")
    restored = House(folder, house.database)
    restored.ask("c.example")
    report = check_export(restored.export())
    assert report.wrong == []
    assert (report.records, report.queries, report.audit_entries) == (2, 3, 2)
    assert check_export(restored.export(), head=later.digest).wrong
    restored.place.close()
