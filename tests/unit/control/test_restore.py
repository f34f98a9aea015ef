"""Restores: backups that somebody else made, folders that cannot be read, and steps that fail."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keyhole.control.backup.error import BackupError
from keyhole.control.backup.reader import check_backup
from keyhole.control.backup.restore import RestoreRequest, restore
from keyhole.control.backup.writer import BackupRequest, write_backup
from keyhole.control.data_folder import DataFolder
from keyhole.control.defaults import write_defaults
from keyhole.identity import Authority
from keyhole.store import Database

Members = dict[str, bytes]
Manifest = dict[str, Any]


def _folder(path: Path) -> DataFolder:
    """A data folder that was used, without a Keyhole on it."""
    data = DataFolder(path)
    data.make()
    write_defaults(data)
    Authority.open(data.identity)
    Database.in_file(data.database).close()
    return data


def _backup(data: DataFolder, out: Path, config: Path | None = None) -> Path:
    write_backup(BackupRequest(data, config, out))
    return out


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good backup."""
    folder = tmp_path_factory.mktemp("good")
    return _backup(_folder(folder / "data"), folder / "keyhole.tar.gz")


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
