"""`keyhole doctor` on settings, documents, lists, upstreams and database of a folder."""

import errno
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyhole.control.doctor import Sign, upstreams
from keyhole.control.doctor.database import look_at_database
from keyhole.control.doctor.documents import MOST, look_at_documents
from keyhole.control.doctor.folder import look_at_folder
from keyhole.control.doctor.lists import look_at_lists
from keyhole.control.doctor.start import look_at_start
from keyhole.control.doctor.upstreams import look_at_upstreams
from keyhole.lists.download_store import DownloadState, DownloadStore
from keyhole.store import Database, StoreError
from keyhole.store.inspection import Form, UninspectedError, inspect_file
from keyhole.system.lock import try_lock
from tests.world.certificates import Authority
from tests.world.doctor import FakeRunning, case_of, lines
from tests.world.ports import free_port
from tests.world.resolver import document
from tests.world.upstream import Upstream

_POLICY = document("Policy", "home", default="allow", upstreams=["test"])
_LISTED = document("Policy", "home", default="allow", upstreams=["test"], lists=["ads"])


def _upstream(port: int, name: str = "test", ca: Path | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {"protocol": "dot", "addresses": [f"127.0.0.1:{port}"]}
    more = {"serverName": "upstream.example.org", **({"ca": str(ca)} if ca else {})}
    return document("Upstream", name, **spec, **more)


def _folder(path: Path, *documents: dict[str, Any]) -> Path:
    (path / "documents").mkdir(parents=True)
    (path / "documents" / "all.yaml").write_text(yaml.safe_dump_all(documents))
    return path


def test_settings_that_are_not_valid_are_wrong_with_their_line(tmp_path: Path) -> None:
    with case_of(tmp_path, "listen: {upd: ['127.0.0.1:53']}\n") as case:
        found = [one for one in look_at_start(case) if one.sign is Sign.WRONG]
    assert len(found) == 1
    assert "keyhole.yaml:1" in found[0].seen
    assert "upd" in found[0].seen


def test_an_empty_folder_would_start_with_defaults_and_stays_empty(tmp_path: Path) -> None:
    with case_of(tmp_path) as case:
        found = [*look_at_start(case), *look_at_documents(case), *look_at_lists(case)]
    assert {one.sign for one in found} == {Sign.WORKS, Sign.NOTE}
    assert not [*tmp_path.iterdir()]


def test_a_process_that_has_the_folder_and_gives_no_answer_is_named(tmp_path: Path) -> None:
    with case_of(tmp_path, "") as case:
        case.data.make()
        lock = try_lock(case.data.state / "lock")
        assert lock is not None
        with lock:
            first = next(look_at_start(case))
    assert first.sign is Sign.WRONG
    assert "has the folder, and commands get no answer" in first.seen
    assert "kill " in first.do[0]


def test_what_a_running_keyhole_says_is_wrong_is_said_once(tmp_path: Path) -> None:
    part = {"name": "disk", "state": "failed", "why": "it is full"}
    running = FakeRunning(parts=[part], wrong=["disk: failed", "no documents are in force"])
    with case_of(tmp_path, "", running) as case:
        found = [one for one in look_at_start(case) if one.sign is Sign.WRONG]
    assert [one.seen for one in found] == ["failed: it is full", "no documents are in force"]


def test_errors_in_documents_are_shown_with_their_place_and_not_all_of_many(
    tmp_path: Path,
) -> None:
    many = [document("Record", f"r{at}", nmae="x") for at in range(MOST + 3)]
    with case_of(_folder(tmp_path, _POLICY, _upstream(853), *many), "") as case:
        found = list(look_at_documents(case))
    assert [one.sign for one in found] == [Sign.WRONG] * MOST + [Sign.NOTE]
    assert "Record/r0" in found[0].seen
    assert found[-1].seen == f"there is more: keyhole check {tmp_path / 'documents'}"


def test_lists_are_told_as_the_running_keyhole_knows_them(tmp_path: Path) -> None:
    common = {"state": "in force", "checked": None, "failing_since": None, "why": ""}
    since = "2026-11-30T20:00:00Z"
    told = [
        {**common, "name": "good", "taken": 5, "checked": since},
        {**common, "name": "empty", "taken": 0, "why": "no entries"},
        {**common, "name": "held", "taken": 7, "state": "held back", "why": "too small"},
        {**common, "name": "coming", "taken": None, "state": "downloading"},
    ]
    with case_of(tmp_path, "", FakeRunning(lists_in_use=told)) as case:
        found = list(look_at_lists(case))
    signs = [Sign.WORKS, Sign.WRONG, Sign.WRONG, Sign.NOTE]
    assert [one.sign for one in found] == signs, lines(found)
    assert "5 entries, checked" in found[0].seen


def test_lists_of_a_folder_that_does_not_run_show_their_last_download(tmp_path: Path) -> None:
    url = "https://lists.example.org/ads.txt"
    folder = _folder(tmp_path, _LISTED, _upstream(853), document("List", "ads", urls=[url]))
    with case_of(folder, "") as case:
        (waiting,) = look_at_lists(case)
        state = DownloadState(url=url, error="it answered 404", failing_since=1.0, failures=3)
        DownloadStore(case.data.state).save(state)
        (failed,) = look_at_lists(case)
    assert (waiting.sign, failed.sign) == (Sign.NOTE, Sign.WRONG)
    assert "it answered 404" in failed.seen
    assert "keyhole lists refresh ads" in failed.do[0]


def test_each_upstream_is_asked_and_one_that_is_away_does_not_hide_one_that_works(
    tmp_path: Path, upstream: Upstream, authority: Authority
) -> None:
    policy = document("Policy", "home", default="allow", upstreams=["test", "away"])
    good, away = _upstream(upstream.port, ca=authority.root), _upstream(free_port(), "away")
    with case_of(_folder(tmp_path, policy, good, away), "") as case:
        works, wrong = look_at_upstreams(case)
    assert (works.sign, wrong.sign) == (Sign.WORKS, Sign.WRONG)
    assert "answers in" in works.seen
    assert "certificate until" in works.seen
    assert "firewall" in "\n".join(wrong.do)


def test_an_upstream_that_proves_nothing_is_wrong(tmp_path: Path, upstream: Upstream) -> None:
    with case_of(_folder(tmp_path, _POLICY, _upstream(upstream.port)), "") as case:
        (found,) = look_at_upstreams(case)
    assert found.sign is Sign.WRONG
    assert "serverName must be a name" in "\n".join(found.do)


def test_a_running_keyhole_asks_its_upstreams_itself(tmp_path: Path) -> None:
    expires = {"expires": "2027-01-01T00:00:00Z"}
    common = {"error": None, "certificate": expires}
    running = FakeRunning(
        {
            "good": {"seconds": 0.012, **common},
            "bad": {**common, "seconds": None, "error": "connection refused"},
        }
    )
    with case_of(tmp_path, "", running) as case:
        good, bad = look_at_upstreams(case)
    assert sorted(running.asked) == ["bad", "good"]
    assert good.seen == "answers in 12 ms, certificate until 2027-01-01"
    assert (bad.sign, bad.seen) == (Sign.WRONG, "connection refused")


def test_upstreams_that_do_not_come_back_are_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr(upstreams, "_by_running", lambda case: lambda name: never.wait(60))
    with case_of(tmp_path, "", FakeRunning({"slow": {}})) as case:
        (found,) = look_at_upstreams(case, seconds=0.01)
    never.set()
    assert (found.sign, found.about) == (Sign.UNKNOWN, "upstream slow")


def test_an_upstream_that_is_told_of_in_other_words_takes_no_other_with_it(tmp_path: Path) -> None:
    good = {"seconds": 0.014, "error": None, "certificate": None}
    running = FakeRunning({"old": {"seconds": 0.1}, "quad": good})
    with case_of(tmp_path, "", running) as case:
        old, quad = look_at_upstreams(case, seconds=5)
    assert (old.sign, quad.sign) == (Sign.UNKNOWN, Sign.WORKS)
    assert "another version of Keyhole seems to run" in old.seen


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "control.db"
    Database.in_file(file).close()
    return file


def test_a_database_is_read_and_nothing_is_written(database: Path) -> None:
    before = database.read_bytes()
    assert inspect_file(database) is Form.SAME
    assert [*database.parent.iterdir()] == [database]
    assert database.read_bytes() == before


@pytest.mark.parametrize(
    ("revision", "form"), [("9999_of_tomorrow", Form.NEWER), ("0001_documents", Form.OLDER)]
)
def test_a_database_of_another_version_is_known(database: Path, revision: str, form: Form) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
    connection.close()
    assert inspect_file(database) is form


def test_what_a_killed_keyhole_left_beside_its_database_counts(
    database: Path, tmp_path: Path
) -> None:
    left = tmp_path / "left" / "control.db"
    left.parent.mkdir()
    writer = sqlite3.connect(database)
    writer.execute("UPDATE alembic_version SET version_num = '9999_of_tomorrow'")
    writer.commit()
    for end in ("", "-wal"):  # as it lies there while it is open
        there = database.with_name(database.name + end)
        left.with_name(left.name + end).write_bytes(there.read_bytes())
    writer.close()
    before = {one: one.read_bytes() for one in left.parent.iterdir()}
    assert inspect_file(left) is Form.NEWER
    assert {one: one.read_bytes() for one in left.parent.iterdir()} == before


def test_a_damaged_database_is_wrong(database: Path) -> None:
    octets = bytearray(database.read_bytes())
    octets[4096:8192] = b"\xff" * 4096
    database.write_bytes(octets)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        inspect_file(database)
    database.write_text("this is no database, and has more octets than its head would have" * 9)
    with case_of(database.parent, "role: resolver\n") as case:
        (found,) = look_at_database(case)
    assert found.sign is Sign.WRONG
    assert "not a database" in found.seen


_FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _refuse(*_: object, **__: object) -> None:
    raise _FULL


@pytest.mark.parametrize("place", ["tempfile.mkdtemp", "shutil.copyfileobj"])
def test_a_database_that_there_is_no_room_to_look_at_is_not_called_damaged(
    database: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    database.with_name(database.name + "-wal").write_bytes(b"what a killed one left")
    with case_of(database.parent, "role: resolver\n") as case:
        monkeypatch.setattr(place, _refuse)
        (found,) = look_at_database(case)
    assert found.sign is Sign.UNKNOWN
    assert "No space left on device" in found.seen
    assert "backup" not in " ".join(found.do)
    assert "TMPDIR=" in found.do[0]


def test_a_database_that_sqlite_cannot_open_here_is_not_called_damaged(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.OperationalError) as full:
            connection.execute("CREATE TABLE more AS SELECT randomblob(999999)")
    connection.close()

    def refuse(*_: object, **__: object) -> None:
        raise full.value

    monkeypatch.setattr(sqlite3, "connect", refuse)
    with pytest.raises(UninspectedError, match="full"):
        inspect_file(database)


def test_a_folder_in_place_of_the_database_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "control.db").mkdir()
    with pytest.raises(StoreError, match="folder") as wrong:
        inspect_file(tmp_path / "control.db")
    assert not isinstance(wrong.value, UninspectedError)


def test_a_first_start_is_looked_at_where_no_temporary_file_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.mkdtemp", _refuse)
    with case_of(tmp_path / "data") as case:
        (found,) = look_at_documents(case)
        assert [one.sign for one in look_at_folder(case)] == [Sign.WORKS]
        assert {one.sign for one in look_at_upstreams(case)} == {Sign.UNKNOWN}
    assert found.sign is Sign.UNKNOWN
    assert "No space left on device" in found.seen
