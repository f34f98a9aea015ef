"""Restores: backups that somebody else made, folders that cannot be read, and steps that fail."""

import asyncio
import fcntl
import hashlib
import io
import json
import os
import shutil
import signal
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keyhole.cli.run_up import run_up
from keyhole.control.backup import place
from keyhole.control.backup.carried_over import (
    ACCOUNTS,
    ENROLLMENTS,
    KINDS,
    REVOCATIONS,
    TOKENS,
)
from keyhole.control.backup.error import BackupError
from keyhole.control.backup.reader import check_backup
from keyhole.control.backup.restore import RestoreRequest, restore
from keyhole.control.backup.writer import BackupRequest, write_backup
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError
from keyhole.control.restore_record import read_restore_record
from keyhole.identity import Authority, IdentityError
from keyhole.identity.enrollments import create_enrollment
from keyhole.identity.revoked import Targets, read_revoked, revoke
from keyhole.identity.tokens import create_token
from keyhole.system import durable
from keyhole.system.exchange import exchange
from tests.world.data_folder import idle_folder

Members = dict[str, bytes]
Manifest = dict[str, Any]


def _backup(data: DataFolder, out: Path, config: Path | None = None) -> Path:
    write_backup(BackupRequest(data, config, out))
    return out


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good backup."""
    folder = tmp_path_factory.mktemp("good")
    return _backup(idle_folder(folder / "data"), folder / "keyhole.tar.gz")


def _restore(file: Path, target: Path, **more: Any) -> Any:
    with file.open("rb") as source:
        return restore(source, file.name, RestoreRequest(DataFolder(target), **more))


def _forged(whole: Path, out: Path, change: Callable[[Members, Manifest], None]) -> Path:
    """A backup whose digests are right, although somebody changed members and manifest."""
    with tarfile.open(whole) as tar:
        members = {one.name: (tar.extractfile(one) or io.BytesIO()).read() for one in tar}
    manifest = json.loads(members.pop("manifest.json"))
    change(members, manifest)
    manifest["members"] = {
        name: {"octets": len(octets), "sha256": hashlib.sha256(octets).hexdigest()}
        for name, octets in members.items()
        if name != "keyhole-backup.json"
    }
    members["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(out, "w:gz") as tar:
        for name, octets in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(octets), 0o600
            tar.addfile(info, io.BytesIO(octets))
    return out


HOSTILE_ELSEWHERE: dict[str, tuple[str, str, str]] = {
    "a way upwards": ("../../victim", "/nowhere", "which no backup has"),
    "a way upwards behind a number": ("1/../../victim", "/nowhere", "which no backup has"),
    "the folder above": ("1/..", "/nowhere", "which no backup has"),
    "the folder itself": ("1/.", "/nowhere", "which no backup has"),
    "an absolute name": ("/victim", "/nowhere", "which no backup has"),
    "a number alone": ("1", "/nowhere", "which no backup has"),
    "a number that no member has": ("2/x", "/nowhere", "which no backup has"),
    "a name that no member has": ("1/y", "/nowhere", "which no backup has"),
    "a member of another folder": ("1/keyhole.yaml", "/nowhere", "which no backup has"),
    "a relative path of before": ("1/x", "etc/x", "not absolute"),
    "a NUL in the path of before": ("1/x", "/nowhere/\0x", "a NUL"),
}


@pytest.mark.parametrize("kind", HOSTILE_ELSEWHERE)
def test_a_manifest_moves_nothing_but_members_of_its_backup(
    whole: Path, tmp_path: Path, kind: str
) -> None:
    name, original, why = HOSTILE_ELSEWHERE[kind]

    def change(members: Members, manifest: Manifest) -> None:
        members["elsewhere/1/x"] = b"hello"
        manifest["elsewhere"] = {name: original}

    file = _forged(whole, tmp_path / "hostile.tar.gz", change)
    (victim := tmp_path / "victim").mkdir()
    (victim / "file").write_text("mine")
    with pytest.raises(BackupError, match=why):
        _restore(file, tmp_path / "data")
    with pytest.raises(BackupError, match=why):
        check_backup(file)
    assert (victim / "file").read_text() == "mine"
    assert {one.name for one in tmp_path.iterdir()} == {"hostile.tar.gz", "victim"}


def test_a_member_elsewhere_with_its_own_name_is_restored(whole: Path, tmp_path: Path) -> None:
    def change(members: Members, manifest: Manifest) -> None:
        members["elsewhere/1/x"] = members["elsewhere/2/folder/y"] = b"hello"
        manifest["elsewhere"] = {"1/x": "/nowhere/x", "2/folder": "/nowhere/" + "n" * 300}

    _restore(_forged(whole, tmp_path / "b", change), tmp_path / "data")
    assert (tmp_path / "data" / "elsewhere" / "1" / "x").read_bytes() == b"hello"
    assert (tmp_path / "data" / "elsewhere" / "2" / "folder" / "y").read_bytes() == b"hello"


@pytest.mark.parametrize("field", ["data", "data_resolved", "settings", "documents"])
def test_a_nul_in_a_path_of_the_manifest_is_damage(whole: Path, tmp_path: Path, field: str) -> None:
    file = _forged(whole, tmp_path / "b", lambda _, manifest: manifest.update({field: "/a\0b"}))
    with pytest.raises(BackupError, match="damaged"):
        _restore(file, tmp_path / "data")


def _foreign(data: DataFolder) -> None:
    shutil.rmtree(data.identity)
    data.installation.path.unlink()
    Authority.open(data.identity)


def _without_roots(data: DataFolder) -> None:
    for name in ("bundle.pem", "root.pem"):
        (data.identity / name).write_text("nonsense")


def _on_a_server(data: DataFolder) -> None:
    data.config.write_text("database: {url: 'postgresql://keyhole@db.example.org/keyhole'}\n")


EVERYTHING = list(KINDS)
UNKNOWN: dict[str, tuple[Callable[[DataFolder], object], list[str]]] = {
    "a folder that is whole": (lambda data: None, []),
    "a folder of another authority": (_foreign, EVERYTHING),
    "roots that cannot be read": (_without_roots, EVERYTHING),
    "damaged revocations": (lambda data: _damage(data.identity / "revoked.json"), [REVOCATIONS]),
    "damaged tokens": (lambda data: _damage(data.identity / "tokens.json"), [TOKENS]),
    "damaged enrollments": (
        lambda data: _damage(data.identity / "enrollments.json"),
        [ENROLLMENTS],
    ),
    "a damaged database": (lambda data: _damage(data.database), [ACCOUNTS]),
    "no database": (lambda data: data.database.unlink(), [ACCOUNTS]),
    "accounts on a server": (_on_a_server, [ACCOUNTS]),
}


def _damage(file: Path) -> None:
    file.write_text("nonsense" * 1000)


@pytest.mark.parametrize("kind", UNKNOWN)
def test_what_the_folder_before_cannot_say_is_named_and_trusted_again(
    tmp_path: Path, kind: str
) -> None:
    spoil, unknown = UNKNOWN[kind]
    data = idle_folder(tmp_path / "data")
    file = _backup(data, tmp_path / "b")
    spoil(data)
    done = _restore(file, data.path, replace=True)
    assert done.carried_over.unknown == unknown
    assert done.carried_over.is_known == (not unknown)
    named = ", ".join(one for one in unknown if one != ENROLLMENTS)
    notes = [one for one in done.notes if "trusted again" in one]
    assert len(notes) == bool(named)
    assert all(f"({named}; keyhole identity revoke" in one for one in notes)
    record = read_restore_record(data)
    assert record is not None
    assert record.has_later_revocations == (not unknown)
    assert all(one in record.text for one in unknown)


def test_without_a_folder_before_everything_is_trusted_again(whole: Path, tmp_path: Path) -> None:
    done = _restore(whole, tmp_path / "data")
    assert done.carried_over.unknown == EVERYTHING
    assert any("trusted again" in one for one in done.notes)


@pytest.mark.parametrize("name", ["tokens.json", "enrollments.json"])
@pytest.mark.parametrize("is_gone", [True, False])
def test_a_damaged_identity_file_of_the_backup_counts_as_empty(
    tmp_path: Path, name: str, *, is_gone: bool
) -> None:
    """Gone: the record of what the folder has had says that there was one."""
    data = idle_folder(tmp_path / "data")
    create_token(data.identity, "tv")
    create_enrollment(data.identity, "web", "spiffe://keyhole.internal/web")
    (data.identity / name).unlink() if is_gone else _damage(data.identity / name)
    done = _restore(_backup(data, tmp_path / "b"), tmp_path / "new")
    (note,) = [one for one in done.notes if f"identity/{name} in the backup is damaged" in one]
    assert ".restore" not in note
    assert json.loads((tmp_path / "new" / "identity" / name).read_text()) == {
        name.removesuffix(".json"): []
    }


def test_damaged_revocations_of_the_backup_stay_damaged_or_are_those_of_before(
    tmp_path: Path,
) -> None:
    """Empty ones would trust what was revoked."""
    data = idle_folder(tmp_path / "data")
    _damage(data.identity / "revoked.json")
    file = _backup(data, tmp_path / "b")
    done = _restore(file, tmp_path / "new")
    assert any("identity/revoked.json in the backup is damaged" in one for one in done.notes)
    with pytest.raises(IdentityError):
        read_revoked(tmp_path / "new" / "identity")
    (data.identity / "revoked.json").unlink()
    revoke(data.identity, Targets(frozenset({"spiffe://keyhole.internal/tv"})))
    done = _restore(file, data.path, replace=True)
    assert done.carried_over.is_known
    assert read_revoked(data.identity).has_identity("spiffe://keyhole.internal/tv")


def _people(data: DataFolder, **people: str) -> None:
    """Accounts with these roles; ``-`` is a person who is disabled."""
    with closing(sqlite3.connect(data.database)) as database, database:
        database.execute("DELETE FROM people")
        for name, role in people.items():
            row = (name, role.lstrip("-"), "x", role.startswith("-"), 0, 0)
            database.execute(
                "INSERT INTO people (name, role, password, is_disabled, created, totp_step) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )


def _accounts(data: DataFolder) -> dict[str, str]:
    with closing(sqlite3.connect(data.database)) as database:
        rows = database.execute("SELECT name, role, is_disabled FROM people").fetchall()
    return {name: f"{'-' if is_disabled else ''}{role}" for name, role, is_disabled in rows}


ADMIN, OP, VIEW = "administrator", "operator", "viewer"
PEOPLE: dict[str, tuple[dict[str, str], dict[str, str], dict[str, str], str]] = {
    "roles lowered": (
        {"anna": ADMIN, "bob": ADMIN, "eve": OP},
        {"anna": ADMIN, "bob": VIEW, "eve": ADMIN},
        {"anna": ADMIN, "bob": VIEW, "eve": OP},
        "",
    ),
    "the only administrator is gone": (
        {"anna": ADMIN, "eve": OP},
        {"bob": ADMIN},
        {"anna": ADMIN, "eve": f"-{OP}"},
        "anna was removed",
    ),
    "the only administrator is disabled": (
        {"anna": ADMIN, "eve": OP},
        {"bob": ADMIN, "anna": f"-{ADMIN}", "eve": OP},
        {"anna": ADMIN, "eve": OP},
        "anna was removed or disabled",
    ),
    "rather one whose role was lowered": (
        {"anna": ADMIN, "bob": ADMIN},
        {"new": ADMIN, "bob": VIEW},
        {"anna": f"-{ADMIN}", "bob": ADMIN},
        "bob got a lower role",
    ),
    "two that are gone": (
        {"anna": ADMIN, "bob": ADMIN},
        {"new": ADMIN},
        {"anna": ADMIN, "bob": f"-{ADMIN}"},
        "anna",
    ),
    "no administrator in the backup": ({"eve": OP}, {"new": ADMIN}, {"eve": f"-{OP}"}, ""),
}


@pytest.mark.parametrize("kind", PEOPLE)
def test_people_keep_what_was_taken_from_them_but_for_one_administrator(
    tmp_path: Path, kind: str
) -> None:
    then, since, after, stays = PEOPLE[kind]
    data = idle_folder(tmp_path / "data")
    _people(data, **then)
    file = _backup(data, tmp_path / "b")
    _people(data, **since)
    done = _restore(file, data.path, replace=True)
    assert _accounts(data) == after
    notes = [one for one in done.notes if "stays administrator" in one]
    assert len(notes) == bool(stays)
    assert all(stays in one for one in notes)


Step = Callable[..., Any]


class _Steps:
    """The steps that give names, of which one fails or is the last one before the power is gone."""

    def __init__(self, last: int, *, is_after: bool) -> None:
        self.last, self.is_after, self.count = last, is_after, 0

    def wrap(self, step: Step) -> Step:
        def run(*paths: Path) -> Any:
            self.count += 1
            if self.count != self.last:
                return step(*paths)
            if self.is_after:
                step(*paths)
            raise OSError(5, "Input/output error")

        return run


def _cannot(one: Path, other: Path) -> bool:
    return False


@pytest.mark.parametrize("is_killed", [True, False])
@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_whole_keyhole_is_at_the_place_whichever_step_is_the_last(
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    can_exchange: bool,
    is_killed: bool,
) -> None:
    """Killed: nothing is undone. Without an exchange the next start must refuse then."""
    data = idle_folder(tmp_path / "data")
    root = (data.identity / "root.pem").read_bytes()
    step, was_missing = 0, 0
    drafts = tmp_path / "drafts"
    while True:
        step += 1
        for is_after in (False, True):
            steps = _Steps(step, is_after=is_after)
            renames = SimpleNamespace(rename=steps.wrap(durable.rename))
            monkeypatch.setattr(place, "durable", renames)
            change = exchange if can_exchange else _cannot
            monkeypatch.setattr(place, "exchange", steps.wrap(change))
            if is_killed:
                monkeypatch.setattr(place.Placing, "_undo", lambda self: None)
            placing = place.Placing(datetime.now(UTC), may_replace=True)
            drafts.mkdir()
            new = DataFolder(drafts / "data")
            shutil.copytree(data.path, new.path)
            (new.path / "is-new").touch()
            try:
                placing.put([(new.path, data.path)])
            except OSError:
                pass
            else:
                assert steps.count < step
                assert (data.path / "is-new").exists()
                assert was_missing == (2 if is_killed and not can_exchange else 0)
                return
            if data.path.exists():
                assert (data.identity / "root.pem").read_bytes() == root
                place.check_not_interrupted(data)
            else:
                was_missing += 1
                with pytest.raises(ControlError, match="restore once more"):
                    place.check_not_interrupted(data)
                (old,) = (
                    one
                    for one in tmp_path.glob("data.before-restore-*")
                    if not (one / "is-new").exists()
                )
                old.rename(data.path)
            if not is_killed:
                assert (new.path / "is-new").exists()
                assert {one.name for one in tmp_path.iterdir()} == {"data", "drafts"}
            for one in (drafts, *tmp_path.glob("data.before-restore-*")):
                shutil.rmtree(one)
            (data.path / "is-new").unlink(missing_ok=True)


def test_a_start_makes_no_new_keyhole_where_a_restore_was_killed(tmp_path: Path) -> None:
    data = idle_folder(tmp_path / "data")
    data.path.rename(tmp_path / "data.before-restore-20260102T030405Z-2")
    with pytest.raises(ControlError, match="give that folder its name back"):
        asyncio.run(run_up(data, None))
    assert not data.path.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_a_restore_and_leaves_everything_as_it_was(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def end(*_: object) -> None:
        signal.raise_signal(number)

    before = signal.getsignal(number)
    monkeypatch.setattr("keyhole.control.backup.restore.write_paths", end)
    signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(BackupError, match=f"{number.name} ended it; everything is as it was"):
            _restore(whole, tmp_path / "data")
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert list(tmp_path.iterdir()) == []


def test_drafts_of_killed_restores_are_removed_and_no_others(whole: Path, tmp_path: Path) -> None:
    stale, held, foreign = (
        tmp_path / f".{name}.restore"
        for name in ("data.0123456789ab", "data.ba9876543210", "data.mine")
    )
    for one in (stale, held, foreign):
        (one / "data").mkdir(parents=True)
    descriptor = os.open(held, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _restore(whole, tmp_path / "data")
    finally:
        os.close(descriptor)
    assert {one.name for one in tmp_path.iterdir()} == {"data", held.name, foreign.name}


def _backup_with_settings_beside(folder: Path) -> Path:
    data = idle_folder(folder / "data")
    (etc := folder / "etc").mkdir()
    data.config.rename(etc / "keyhole.yaml")
    (data.path / "documents").rename(etc / "documents")
    return _backup(data, folder / "keyhole.tar.gz", etc / "keyhole.yaml")


@pytest.mark.parametrize("way", ["link/keyhole.yaml", "real/../real/keyhole.yaml"])
def test_settings_on_any_way_into_the_data_folder_are_in_it(tmp_path: Path, way: str) -> None:
    file = _backup_with_settings_beside(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    done = _restore(file, tmp_path / "real", config=tmp_path / way)
    assert done.settings == tmp_path / "real" / "keyhole.yaml"
    assert done.settings.is_file()
    assert (tmp_path / "real" / "documents").is_dir()


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("new/etc/keyhole.yaml", "lies in the data folder"),
        ("new/settings.yaml", "lies in the data folder"),
        ("link/etc/keyhole.yaml", "lies in the data folder"),
        ("new", "is a folder"),
        ("other/..", "is a folder"),
    ],
)
def test_settings_that_a_restored_folder_would_not_have_are_refused(
    tmp_path: Path, config: str, why: str
) -> None:
    file = _backup_with_settings_beside(tmp_path)
    (tmp_path / "link").symlink_to("new")
    with pytest.raises(BackupError, match=why):
        _restore(file, tmp_path / "new", config=tmp_path / config)
    assert not (tmp_path / "new").exists()
