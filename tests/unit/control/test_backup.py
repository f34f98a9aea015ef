"""Backups: what is taken, what is refused, and that a restore is all or nothing."""

import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keyhole.control.backup import reader, writer
from keyhole.control.backup.error import BackupError
from keyhole.control.backup.manifest import HEADER, MANIFEST
from keyhole.control.backup.reader import check_backup
from keyhole.control.backup.restore import RestoreRequest, restore
from keyhole.control.backup.writer import BackupRequest, write_backup
from keyhole.control.data_folder import DataFolder
from keyhole.identity.enrollments import create_enrollment, list_enrollments
from keyhole.system.lock import try_lock
from tests.world.data_folder import idle_folder
from tests.world.process import call_keyhole

Members = list[tuple[tarfile.TarInfo, bytes]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good backup."""
    folder = tmp_path_factory.mktemp("good")
    out = folder / "keyhole.tar.gz"
    write_backup(BackupRequest(idle_folder(folder / "data"), None, out))
    return out


def _members(file: Path) -> Members:
    with tarfile.open(file) as tar:
        return [(info, (tar.extractfile(info) or io.BytesIO()).read()) for info in tar]


def _pack(file: Path, members: Members) -> Path:
    with tarfile.open(file, "w:gz") as tar:
        for info, octets in members:
            tar.addfile(info, io.BytesIO(octets))
    return file


def _restore(file: Path, target: Path, **more: Any) -> Any:
    with file.open("rb") as source:
        return restore(source, file.name, RestoreRequest(DataFolder(target), **more))


def _named(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o600) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname = kind, mode, "/etc/passwd"
    return info


def _inserted(info: tarfile.TarInfo) -> Callable[[Members], Members]:
    return lambda members: [members[0], (info, b""), *members[1:]]


def _claims(**fields: Any) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        info, octets = members[0]
        text = json.dumps({**json.loads(octets), **fields}).encode()
        info.size = len(text)
        return [(info, text), *members[1:]]

    return change


def _swapped(members: Members) -> Members:
    info, octets = members[1]
    return [members[0], (info, bytes(len(octets))), *members[2:]]


def _huge(members: Members) -> Members:
    info, octets = members[1]
    info.pax_headers = {"comment": "x" * (2 * 1024 * 1024)}
    return [members[0], (info, octets), *members[2:]]


HOSTILE: dict[str, tuple[Callable[[Members], Members], str]] = {
    "an absolute path": (_inserted(_named("/etc/cron.d/x")), "which no backup has"),
    "a way upwards": (_inserted(_named("data/../../x")), "which no backup has"),
    "another folder": (_inserted(_named("home/x")), "which no backup has"),
    "an empty name": (_inserted(_named("data//x")), "which no backup has"),
    "a long name": (_inserted(_named("data/" + "x" * 300)), "which no backup has"),
    "a link": (_inserted(_named("data/x", tarfile.SYMTYPE)), "not a regular file"),
    "a hard link": (_inserted(_named("data/x", tarfile.LNKTYPE)), "not a regular file"),
    "a device": (_inserted(_named("data/x", tarfile.CHRTYPE)), "not a regular file"),
    "a FIFO": (_inserted(_named("data/x", tarfile.FIFOTYPE)), "not a regular file"),
    "a set-user-ID file": (_inserted(_named("data/x", mode=0o4755)), "special rights"),
    "a file that the manifest lacks": (_inserted(_named("data/x")), "not what was written"),
    "a file twice": (lambda members: [*members[:2], *members[1:]], "twice"),
    "a file less": (lambda members: [members[0], *members[2:]], "not what was written"),
    "a changed file": (_swapped, "not what was written"),
    "no manifest": (lambda members: members[:-1], "cut short"),
    "more behind the manifest": (lambda members: [*members, members[1]], "after its manifest"),
    "no header": (lambda members: members[1:], "not a backup of Keyhole"),
    "a newer format": (_claims(format=2), "newer Keyhole"),
    "a newer version": (_claims(keyhole="99.0.0"), "newer Keyhole"),
    "another time": (_claims(time="2020-01-01T00:00:00Z"), "header and manifest differ"),
    "a header that is no number": (_claims(format="x"), "not a backup of Keyhole"),
    "a huge header of the archive": (_huge, "claims"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_archive_with_something_wrong_is_refused_and_nothing_is_written(
    whole: Path, tmp_path: Path, kind: str
) -> None:
    change, why = HOSTILE[kind]
    file = _pack(tmp_path / "hostile.tar.gz", change(_members(whole)))
    with pytest.raises(BackupError, match=why):
        _restore(file, tmp_path / "in" / "data")
    assert {one.name for one in tmp_path.iterdir()} == {"hostile.tar.gz"}


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_backup_that_was_cut_short_is_refused(whole: Path, tmp_path: Path, share: float) -> None:
    octets = whole.read_bytes()
    (cut := tmp_path / "cut").write_bytes(octets[: int(len(octets) * share)])
    with pytest.raises(BackupError, match=r"cut short|not a backup"):
        check_backup(cut)


def test_a_flipped_octet_anywhere_is_found(whole: Path, tmp_path: Path) -> None:
    octets = bytearray(whole.read_bytes())
    (file := tmp_path / "flipped").touch()
    for place in range(20, len(octets), max(1, len(octets) // 25)):
        octets[place] ^= 0x40
        file.write_bytes(octets)
        with pytest.raises(BackupError):
            check_backup(file)
        octets[place] ^= 0x40


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello", id="text"),
        # Without the time of now: each worker of a run has to find the same tests.
        pytest.param(gzip.compress(b"hello" * 1000, mtime=0), id="gzip"),
    ],
)
def test_a_file_of_something_else_is_no_backup(tmp_path: Path, content: bytes) -> None:
    (file := tmp_path / "foreign").write_bytes(content)
    with pytest.raises(BackupError):
        check_backup(file)


def test_more_than_can_be_restored_is_neither_written_nor_read(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_OCTETS", 1000)
    with pytest.raises(BackupError, match="holds more than"):
        check_backup(whole)
    monkeypatch.setattr("keyhole.control.backup.archive.MAX_OCTETS", 1000)
    out = tmp_path / "backup"
    with pytest.raises(BackupError, match="could not be restored"):
        write_backup(BackupRequest(idle_folder(tmp_path / "data"), None, out))
    assert [one.name for one in tmp_path.iterdir()] == ["data"]


def test_a_pipe_that_does_not_end_is_not_kept(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyhole.control.backup.archive.MAX_OCTETS", 1000)
    done = call_keyhole("restore", "-", "--check", given="x" * 1001)
    assert done.returncode == 1
    assert "larger than" in done.stderr


def test_a_backup_is_for_its_owner_alone_and_holds_what_a_start_needs(whole: Path) -> None:
    assert whole.stat().st_mode & 0o777 == 0o600
    names = check_backup(whole).members.keys()
    for one in ("keyhole.yaml", "control.db", "identity/root-key.pem", "documents/policy.yaml"):
        assert f"data/{one}" in names
    assert not any("lock" in name or "/run/" in name or "/log/" in name for name in names)


def test_what_cannot_be_taken_is_named(tmp_path: Path) -> None:
    data = idle_folder(tmp_path / "data")
    os.mkfifo(data.path / "documents" / "pipe")
    (data.path / "documents" / "off.yaml").symlink_to("/nowhere.yaml")
    (data.path / "documents" / "linked.txt").symlink_to(data.config)
    found = write_backup(BackupRequest(data, None, tmp_path / "backup")).manifest
    assert {Path(one.path).name: one.why for one in found.left_out} == {
        "pipe": "a FIFO",
        "off.yaml": "a link to /nowhere.yaml",
    }
    assert found.members["data/documents/linked.txt"].octets == data.config.stat().st_size


TARGETS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a file that exists": (lambda folder: _made(folder / "there"), "exists"),
    "a folder": (lambda folder: folder, "not a regular file"),
    "a FIFO": (lambda folder: _fifo(folder / "pipe"), "not a regular file"),
    "a place in the data folder": (lambda folder: folder / "data" / "b", "lies in the data folder"),
    "a folder that is not there": (lambda folder: folder / "none" / "b", "No such file"),
}


def _made(path: Path) -> Path:
    path.write_text("before")
    return path


def _fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("kind", TARGETS)
def test_a_backup_is_only_written_where_it_belongs(tmp_path: Path, kind: str) -> None:
    data = idle_folder(tmp_path / "data")
    make, why = TARGETS[kind]
    out = make(tmp_path)
    before = {one.name for one in tmp_path.iterdir()}
    with pytest.raises(BackupError, match=why):
        write_backup(BackupRequest(data, None, out, replace=kind != "a file that exists"))
    assert {one.name for one in tmp_path.iterdir()} == before


def test_a_full_disk_leaves_nothing_behind_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = idle_folder(tmp_path / "data")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "_add_database", full)
    out = _made(tmp_path / "backup")
    with pytest.raises(BackupError, match=r"No space left on device; nothing is left"):
        write_backup(BackupRequest(data, None, out, replace=True))
    assert out.read_text() == "before"
    assert {one.name for one in tmp_path.iterdir()} == {"data", "backup"}


def test_a_restore_that_fails_late_leaves_everything_as_it_was(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = idle_folder(tmp_path / "data")
    root = (data.identity / "root.pem").read_bytes()

    def fail(one: Path, other: Path) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("keyhole.control.backup.place.exchange", fail)
    with pytest.raises(BackupError, match="everything is as it was"):
        _restore(whole, data.path, replace=True)
    assert (data.identity / "root.pem").read_bytes() == root
    assert [one.name for one in tmp_path.iterdir()] == ["data"]


def test_a_folder_on_which_a_keyhole_runs_is_not_replaced(whole: Path, tmp_path: Path) -> None:
    data = idle_folder(tmp_path / "data")
    for name in ("lock", "engine.lock"):
        held = try_lock(data.state / name)
        assert held is not None
        with held:
            done = call_keyhole("restore", str(whole), "--data", str(data.path), "--replace")
        assert done.returncode == 1
        assert "runs with the data folder" in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["data"]


def test_settings_and_documents_beside_the_data_folder_go_where_they_are_wanted(
    tmp_path: Path,
) -> None:
    data = idle_folder(tmp_path / "data")
    etc = tmp_path / "etc"
    etc.mkdir()
    data.config.rename(etc / "keyhole.yaml")
    (data.path / "documents").rename(etc / "documents")
    out = tmp_path / "backup"
    write_backup(BackupRequest(data, etc / "keyhole.yaml", out))
    config = tmp_path / "new" / "etc" / "settings.yaml"
    _restore(out, tmp_path / "new" / "data", config=config)
    assert config.read_bytes() == (etc / "keyhole.yaml").read_bytes()
    assert (config.parent / "documents").is_dir()
    _restore(out, tmp_path / "alone")
    assert (tmp_path / "alone" / "keyhole.yaml").exists()
    assert (tmp_path / "alone" / "documents").is_dir()


def test_documents_elsewhere_are_in_it_and_are_never_written_there(tmp_path: Path) -> None:
    data = idle_folder(tmp_path / "data")
    elsewhere = tmp_path / "srv" / "documents"
    elsewhere.parent.mkdir()
    (data.path / "documents").rename(elsewhere)
    data.config.write_text(f"documents: {elsewhere}\n")
    out = tmp_path / "backup"
    write_backup(BackupRequest(data, None, out))
    elsewhere.rename(tmp_path / "gone")
    done = _restore(out, tmp_path / "new")
    assert not elsewhere.exists()
    (note,) = [one for one in done.notes if str(elsewhere) in one]
    kept = Path(note.rpartition(" ")[2])
    assert {one.name for one in kept.iterdir()} == {
        one.name for one in (tmp_path / "gone").iterdir()
    }


def test_an_enrollment_that_waited_cannot_be_redeemed_a_second_time(tmp_path: Path) -> None:
    """Whether it was used since is not known, unless the folder that is replaced says so."""
    data = idle_folder(tmp_path / "data")
    create_enrollment(data.identity, "web", "spiffe://keyhole.internal/web")
    out = tmp_path / "backup"
    write_backup(BackupRequest(data, None, out))
    done = _restore(out, tmp_path / "other")
    assert done.carried_over.enrollments == ["web"]
    assert list_enrollments(tmp_path / "other" / "identity") == ()
    _restore(out, data.path, replace=True)
    assert [one.name for one in list_enrollments(data.identity)] == ["web"]


def test_a_database_server_is_named_and_the_rest_is_taken_on_demand(tmp_path: Path) -> None:
    data = idle_folder(tmp_path / "data")
    data.config.write_text("database: {url: 'postgresql://keyhole@db.example.org/keyhole'}\n")
    out = tmp_path / "backup"
    with pytest.raises(BackupError, match="pg_dump"):
        write_backup(BackupRequest(data, None, out))
    found = write_backup(BackupRequest(data, None, out, without_database=True)).manifest
    assert found.database == "postgresql"
    assert "data/control.db" not in found.members
    assert any("pg_restore" in one for one in _restore(out, tmp_path / "new").notes)


def test_a_backup_goes_through_a_pipe_and_never_onto_a_terminal(tmp_path: Path) -> None:
    data = idle_folder(tmp_path / "data")
    with (tmp_path / "piped").open("wb") as pipe:
        write_backup(BackupRequest(data, None, pipe))
    found = check_backup(tmp_path / "piped")
    assert found.members.keys() >= {"data/control.db", "data/keyhole.yaml"}
    assert HEADER not in found.members
    assert MANIFEST not in found.members


def test_a_folder_that_was_never_used_has_nothing_to_back_up(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("data", "none"):
        done = call_keyhole("backup", str(tmp_path / "b"), "--data", str(tmp_path / name))
        assert done.returncode == 1
        assert "never used" in done.stderr or "does not exist" in done.stderr


def test_settings_that_lie_elsewhere_are_never_forgotten(tmp_path: Path) -> None:
    """The Debian package has them in /etc: a backup without them would look like one."""
    data = idle_folder(tmp_path / "data")
    data.config.unlink()
    with pytest.raises(BackupError, match="give --config"):
        write_backup(BackupRequest(data, None, tmp_path / "backup"))


def test_check_lists_what_a_backup_holds_and_writes_nothing(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "data"
    done = call_keyhole("restore", str(whole), "--check", "--data", str(target))
    assert done.returncode == 0
    assert "data/control.db" in done.stdout
    assert "whole" in done.stdout
    found = json.loads(call_keyhole("restore", str(whole), "--check", "--json").stdout)
    assert found["format"] == 1
    assert not target.exists()


def test_a_folder_that_lies_beside_the_settings_and_in_the_data_folder_is_merged(
    tmp_path: Path,
) -> None:
    data = idle_folder(tmp_path / "data")
    (etc := tmp_path / "etc").mkdir()
    data.config.rename(etc / "keyhole.yaml")
    (data.path / "documents").rename(etc / "documents")
    for folder, name in ((etc, "own.txt"), (data.path, "token.txt")):
        (folder / "secrets").mkdir()
        (folder / "secrets" / name).write_text(name)
    spec = {"kind": "block", "files": [str(etc / "secrets" / "own.txt")]}
    own = {
        "apiVersion": "keyhole.dev/v1",
        "kind": "List",
        "metadata": {"name": "own"},
        "spec": spec,
    }
    (etc / "documents" / "own.yaml").write_text(json.dumps(own))
    file = tmp_path / "keyhole.tar.gz"
    write_backup(BackupRequest(data, etc / "keyhole.yaml", file))
    _restore(file, tmp_path / "new")
    found = {one.name: one.read_text() for one in (tmp_path / "new" / "secrets").iterdir()}
    assert found == {"own.txt": "own.txt", "token.txt": "token.txt"}
