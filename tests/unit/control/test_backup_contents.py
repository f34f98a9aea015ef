"""Backups: that nothing which is in use is missing from one, whatever happens while it is written,
and that the person is told of what is."""

import tarfile
from pathlib import Path
from unittest.mock import Mock

import pytest

from keyhole.control.audit_trail import AuditTrail
from keyhole.control.backup import writer
from keyhole.control.backup.archive import ArchiveWriter
from keyhole.control.backup.manifest import Manifest
from keyhole.control.backup.writer import BackupRequest, write_backup
from keyhole.control.data_folder import DataFolder
from keyhole.control.defaults import write_defaults
from keyhole.control.settings import read_settings
from keyhole.identity import Authority, journal
from keyhole.identity.files import locked
from keyhole.identity.journal import KEYHOLE, note
from keyhole.store import Database, records

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
    with tarfile.open(out) as tar:
        files = {one.name: file.read() for one in tar if (file := tar.extractfile(one))}
    return done.manifest, files


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
