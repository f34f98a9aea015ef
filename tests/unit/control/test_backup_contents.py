"""Backups: that nothing which is in use is missing from one, whatever happens while it is written,
and that the person is told of what is."""

import fcntl
import io
import json
import os
import signal
import sys
import tarfile
import time
from pathlib import Path
from typing import BinaryIO
from unittest.mock import Mock

import pytest
import typer
from typer.testing import CliRunner

from keyhole.cli.backup import app, backup
from keyhole.control.audit_trail import AuditTrail
from keyhole.control.backup import contents, writer
from keyhole.control.backup.archive import ArchiveWriter
from keyhole.control.backup.error import BackupError
from keyhole.control.backup.manifest import Manifest
from keyhole.control.backup.reader import check_backup
from keyhole.control.backup.writer import BackupRequest, write_backup
from keyhole.control.data_folder import DataFolder
from keyhole.control.defaults import write_defaults
from keyhole.control.settings import read_settings
from keyhole.identity import Authority, journal
from keyhole.identity.files import locked
from keyhole.identity.journal import KEYHOLE, note
from keyhole.store import Database, records
from keyhole.system.installation import remember_file

Files = dict[str, bytes]


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    """A data folder that was used, without a Keyhole on it."""
    folder = DataFolder(tmp_path / "data")
    folder.make()
    write_defaults(folder)
    Authority.open(folder.identity)
    Database.in_file(folder.database).close()
    return folder


def _back_up(data: DataFolder, config: Path | None = None) -> tuple[Manifest, Files]:
    """The manifest and every file of a backup."""
    out = data.path.parent / "backup"
    done = write_backup(BackupRequest(data, config, out, replace=True))
    with out.open("rb") as file:
        return done.manifest, _files(file)


def _files(packed: BinaryIO) -> Files:
    with tarfile.open(fileobj=packed) as tar:
        return {one.name: file.read() for one in tar if (file := tar.extractfile(one))}


def _move_journal(data: DataFolder) -> None:
    """Moves the journal into the database, as a running control does each second."""
    database = Database.in_file(data.database)
    try:
        AuditTrail(database, read_settings(data.config), data, Mock(), Mock()).take_journal()
    finally:
        database.close()


def _note(data: DataFolder, action: str) -> None:
    with locked(data.identity):
        note(data.identity, KEYHOLE, action, {})


def _recorded_after_restore(data: DataFolder, files: Files) -> list[str]:
    """The actions in the audit record of what was backed up, once its control has run."""
    folder = DataFolder(data.path.parent / "restored")
    folder.identity.mkdir(parents=True)
    folder.database.write_bytes(files["data/control.db"])
    (folder.identity / journal.FILE).write_bytes(files[f"data/identity/{journal.FILE}"])
    folder.config.write_bytes(files["data/keyhole.yaml"])
    _move_journal(folder)
    database = Database.in_file(folder.database)
    try:
        with database.read() as connection:
            return [one.entry.action for one in reversed(records(connection))]
    finally:
        database.close()


@pytest.mark.parametrize("is_dropped", [True, False])
def test_an_entry_that_moves_into_the_database_just_after_its_copy_is_in_the_backup_once(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch, is_dropped: bool
) -> None:
    monkeypatch.setattr(journal, "MAX_OCTETS", 0 if is_dropped else 1024 * 1024)
    copy = writer._add_database

    def moved_after_copy(*given: object) -> None:
        copy(*given)  # type: ignore[arg-type]
        _note(data, "while_it_is_copied")
        _move_journal(data)
        assert (data.identity / journal.FILE).exists() is not is_dropped
        _note(data, "after_it_is_copied")

    _note(data, "before")
    _move_journal(data)
    monkeypatch.setattr(writer, "_add_database", moved_after_copy)
    _, files = _back_up(data)
    found = _recorded_after_restore(data, files)
    assert found[-4:] == ["before", "backup", "while_it_is_copied", "after_it_is_copied"]
    assert len(found) == len({*found})


def test_nobody_waits_for_the_lock_of_the_authority_while_the_database_is_copied_or_packed(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe may be as slow as its reader, and a database as large as the disk."""
    add = ArchiveWriter.add_open
    packed = []

    def look(self: ArchiveWriter, name: str, *given: object) -> None:
        _note(data, "revoke")  # would wait for ten seconds, and then fail
        packed.append(name)
        add(self, name, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(ArchiveWriter, "add_open", look)
    _back_up(data)
    assert {"data/control.db", "data/identity/root-key.pem"} <= {*packed}


def _beside(data: DataFolder) -> Path:
    """Has the settings and documents lie beside the data folder, as the Debian package does."""
    etc = data.path.parent / "etc"
    etc.mkdir()
    data.config.rename(etc / "keyhole.yaml")
    (data.path / "documents").rename(etc / "documents")
    return etc / "keyhole.yaml"


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _list(name: str, file: str) -> str:
    return json.dumps(
        {
            "apiVersion": "keyhole.dev/v1",
            "kind": "List",
            "metadata": {"name": name},
            "spec": {"kind": "block", "files": [file]},
        }
    )


def test_a_file_that_a_document_names_beside_the_documents_is_in_the_backup(
    data: DataFolder,
) -> None:
    config = _beside(data)
    _write(config.parent / "documents" / "own.yaml", _list("own", "../lists/own.txt"))
    _write(config.parent / "lists" / "own.txt", "ads.example.org\n")
    _write(config.parent / "documents" / "in.yaml", _list("in", "in.txt"))
    _write(config.parent / "documents" / "in.txt", "ads.example.net\n")
    far = _write(config.parent.parent / "srv" / "far.txt", "ads.example.com\n")
    _write(config.parent / "documents" / "far.yaml", _list("far", str(far)))
    kept = _write(data.path / "documents" / "kept.txt", "kept.example.com\n")
    _write(config.parent / "documents" / "kept.yaml", _list("kept", str(kept)))
    _write(data.path / "documents" / "old.yaml", "")
    manifest, files = _back_up(data, config)
    assert files["settings/lists/own.txt"] == b"ads.example.org\n"
    assert files["settings/documents/in.txt"] == b"ads.example.net\n"
    assert files["elsewhere/1/far.txt"] == b"ads.example.com\n"
    assert files["data/documents/kept.txt"] == b"kept.example.com\n"
    assert manifest.elsewhere == {"1/far.txt": str(far)}
    assert "data/documents/old.yaml" not in files
    assert [one.path for one in manifest.left_out] == [str(data.path / "documents")]


def test_a_file_that_has_two_names_which_are_used_is_there_under_both(data: DataFolder) -> None:
    real = _write(data.path.parent / "srv" / "real.txt", "ads.example.org\n")
    (data.path / "documents" / "link.txt").symlink_to(real)
    _write(data.path / "documents" / "one.yaml", _list("one", "link.txt"))
    _write(data.path / "documents" / "two.yaml", _list("two", str(real)))
    _, files = _back_up(data)
    assert files["data/documents/link.txt"] == files["elsewhere/1/real.txt"] == real.read_bytes()


def test_a_file_that_a_stored_document_names_is_in_the_backup(data: DataFolder) -> None:
    """It names files below the documents folder alone; some of them no walk through it finds."""
    config = _beside(data)
    _write(config.parent / "documents" / ".lists" / "own.txt", "ads.example.org\n")
    copy = data.state / "documents-1"
    text = json.dumps([["List-own.yaml", _list("own", ".lists/own.txt")]])
    _write(copy / "documents.json", text)
    (copy / ".beside").symlink_to(config.parent / "documents")
    data.stored.symlink_to("documents-1")
    _, files = _back_up(data, config)
    assert files["settings/documents/.lists/own.txt"] == b"ads.example.org\n"


def test_folders_that_are_in_use_in_both_places_are_in_the_backup_file_by_file(
    data: DataFolder,
) -> None:
    config = _beside(data)
    _write(data.path / "secrets" / "provider" / "key", "one")
    other = _write(config.parent / "secrets" / "own.txt", "two")
    _write(config.parent / "documents" / "own.yaml", _list("own", str(other)))
    _write(data.config, "{}")
    manifest, files = _back_up(data, config)
    assert files["data/secrets/provider/key"] == b"one"
    assert files["settings/secrets/own.txt"] == b"two"
    assert [one.path for one in manifest.left_out] == [str(data.config)]


@pytest.mark.parametrize("name", ["secrets/own.txt", "secrets", "secrets/own.txt/more"])
def test_two_files_of_one_name_in_use_are_refused_with_their_name(
    data: DataFolder, name: str
) -> None:
    config = _beside(data)
    other = _write(config.parent / "secrets" / "own.txt", "two")
    _write(config.parent / "documents" / "own.yaml", _list("own", str(other)))
    _write(data.path / name, "one")
    with pytest.raises(BackupError, match=r"^secrets.* is in the data folder and beside"):
        _back_up(data, config)


def test_settings_whose_documents_are_their_own_folder_have_names_that_a_restore_takes(
    data: DataFolder,
) -> None:
    config = _beside(data)
    for one in (config.parent / "documents").iterdir():
        one.rename(config.parent / one.name)
    config.write_text("documents: .\n")
    _, files = _back_up(data, config)
    assert "settings/policy.yaml" in files
    check_backup(data.path.parent / "backup")


@pytest.mark.parametrize(
    ("step", "name"), [("_add_state", "tokens.json"), ("_add_database", "revoked.json")]
)
def test_a_file_that_is_first_made_while_the_backup_is_written_is_not_taken_for_one_that_is_gone(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch, step: str, name: str
) -> None:
    """The record of what there was only grows, and is older than all that it speaks of."""
    before = getattr(writer, step)
    place = data.identity / name

    def made_before(*given: object) -> None:
        _write(place, "{}")
        remember_file(place)
        before(*given)

    monkeypatch.setattr(writer, step, made_before)
    _, files = _back_up(data)
    recorded = json.loads(files["data/installation.json"])["parts"]
    there = {one.removeprefix("data/") for one in files}
    assert f"identity/{name}" not in recorded
    assert {one for one in recorded if one.startswith("identity/")} <= there


def test_a_record_that_is_begun_while_the_backup_is_written_is_not_in_it(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.installation.path.unlink()
    add = writer._add_database

    def begun(*given: object) -> None:
        add(*given)  # type: ignore[arg-type]
        data.installation.remember("identity/tokens.json")

    monkeypatch.setattr(writer, "_add_database", begun)
    _, files = _back_up(data)
    assert "data/installation.json" not in files


@pytest.mark.parametrize(
    ("name", "is_gone"),
    [("tokens.json", True), ("revoked.json", False), ("enrollments.json", False)],
)
def test_what_a_restore_could_not_read_is_no_success(
    data: DataFolder, name: str, is_gone: bool
) -> None:
    file = _write(data.identity / name, "{")
    remember_file(file)
    if is_gone:
        file.unlink()
    out = data.path.parent / "backup"
    done = CliRunner().invoke(app, [str(out), "--data", str(data.path)])
    assert done.exit_code == 1
    why = "is gone" if is_gone else "not JSON"
    said = " ".join(done.stderr.split())
    start = "error: this backup is not whole, and a restore goes on without this"
    assert f"{start}: data/identity/{name}: {name}" in said
    assert why in said
    assert any(f"identity/{name}" in one.path for one in check_backup(out).left_out)
    words = [str(out), "--data", str(data.path), "--replace", "--json"]
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 1
    assert name in json.loads(again.stdout)["errors"][0]


def test_a_file_that_shrinks_while_it_is_read_is_named(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _write(data.path / "documents" / "list.txt", "x" * 100)
    add = ArchiveWriter.add_open

    def shrunk(self: ArchiveWriter, name: str, *given: object) -> None:
        if name.endswith("list.txt"):
            file.write_text("x")
        add(self, name, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(ArchiveWriter, "add_open", shrunk)
    with pytest.raises(BackupError, match=r"^data/documents/list\.txt became shorter"):
        _back_up(data)


@pytest.mark.parametrize("place", ["documents/inner", "state/downloads", "."])
def test_a_folder_that_cannot_be_read_is_named(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    folder = data.path / place
    folder.mkdir(parents=True, exist_ok=True)
    _fail_to_scan(monkeypatch, folder, PermissionError(13, "Permission denied"))
    with pytest.raises(BackupError, match=f"^cannot read {folder}: Permission denied; call it as"):
        _back_up(data)


def test_a_folder_that_vanishes_while_it_is_read_counts_as_empty(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = data.state / "downloads"
    folder.mkdir()
    _fail_to_scan(monkeypatch, folder, FileNotFoundError(2, "No such file or directory"))
    _, files = _back_up(data)
    assert "data/control.db" in files


def _fail_to_scan(monkeypatch: pytest.MonkeyPatch, folder: Path, error: OSError) -> None:
    scan = os.scandir

    def failing(path: Path | int) -> object:
        if not isinstance(path, int) and Path(path) == folder:
            raise error
        return scan(path)

    monkeypatch.setattr(os, "scandir", failing)


def test_stored_documents_that_are_replaced_while_they_are_read_are_read_anew(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (_write(data.state / f"documents-{one}" / "a.json", "[]").parent for one in "12")
    data.stored.symlink_to(old.name)
    scan = os.scandir

    def replaced(path: Path | int) -> object:
        if not isinstance(path, int) and Path(path) == old:
            data.stored.unlink()
            data.stored.symlink_to(new.name)
            (old / "a.json").unlink()
            old.rmdir()
        return scan(path)

    monkeypatch.setattr(os, "scandir", replaced)
    found = [name for name, _ in contents.Contents(read_settings(data.config), data).state()]
    assert "data/state/documents-2/a.json" in found
    assert not any("documents-1" in one for one in found)


@pytest.mark.parametrize("comes_late", [True, False])
def test_compiled_lists_that_are_missing_are_waited_for_and_then_named(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch, comes_late: bool
) -> None:
    lists = data.state / "lists-1.bin"
    _write(data.snapshot, json.dumps({"list_file": {"path": str(lists)}}))
    waited = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if comes_late:
            lists.write_bytes(b"lists")

    monkeypatch.setattr(time, "sleep", wait)
    manifest, files = _back_up(data)
    assert ("data/state/lists-1.bin" in files) is comes_late
    assert len(waited) == (1 if comes_late else 5)
    assert any("compiled lists" in one.why for one in manifest.left_out) is not comes_late


def test_a_file_that_is_a_link_is_what_it_leads_to_unless_it_is_a_document(
    data: DataFolder,
) -> None:
    real = _write(data.path.parent / "srv" / "real", "{}")
    for place in ("identity/tokens.json", "identity/more.yaml", "secrets/own.yml"):
        _write(data.path / place, "").unlink()
        (data.path / place).symlink_to(real)
    (data.path / "documents" / "more.yaml").symlink_to(real)
    manifest, files = _back_up(data)
    for place in ("identity/tokens.json", "identity/more.yaml", "secrets/own.yml"):
        assert files[f"data/{place}"] == b"{}"
    assert [Path(one.path).name for one in manifest.left_out] == ["more.yaml"]
    assert "data/documents/more.yaml" not in files


def test_keys_are_never_written_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, terminal = os.openpty()
    with os.fdopen(terminal, "w") as stdout, os.fdopen(screen, "rb"):
        monkeypatch.setattr(sys, "stdout", stdout)
        with pytest.raises(typer.BadParameter, match="a backup holds keys, and this is a terminal"):
            backup("-")


def test_what_was_backed_up_into_a_pipe_is_told_to_programs_beside_it(data: DataFolder) -> None:
    done = CliRunner().invoke(app, ["-", "--data", str(data.path), "--json"])
    assert done.exit_code == 0
    said = json.loads(done.stderr)
    files = _files(io.BytesIO(done.stdout_bytes))
    assert said["file"] == "-"
    assert said["files"] == len(files) - 2  # without header and manifest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_backup_that_is_ended_by_a_signal_leaves_no_key_behind(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr(writer, "_add_state", lambda *_: os.kill(os.getpid(), number))
    out = data.path.parent / "backup"
    before = signal.getsignal(number)
    done = CliRunner().invoke(app, [str(out), "--data", str(data.path)])
    assert done.exit_code == 128 + number
    assert [one.name for one in data.path.parent.iterdir()] == ["data"]
    assert signal.getsignal(number) == before


def test_what_a_killed_backup_left_is_removed_by_the_next_one_to_the_same_place(
    data: DataFolder,
) -> None:
    folder = data.path.parent
    stale, held, other = (
        _write(folder / name, "keys")
        for name in (
            ".backup.0123456789ab.new",
            ".backup.0123456789ac.new",
            ".another.0123456789ab.new",
        )
    )
    for one in (stale, held):
        _write(folder / f"{one.name}.files" / "control.db", "keys")
    with held.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _back_up(data)
    kept = {held.name, f"{held.name}.files", other.name, "backup", "data"}
    assert {one.name for one in folder.iterdir()} == kept
