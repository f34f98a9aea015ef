"""Archives are the same, octet by octet, whenever and wherever they are written."""

import tarfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tools.release.archives import FILE, PROGRAM, mode_of, write_tar_gz, write_zip

Write = Callable[[Path, Mapping[str, tuple[bytes, int]], int], None]
_MEMBERS = {"a/run": (b"#!/bin/sh\n", PROGRAM), "b.txt": (b"text" * 100, FILE)}
_EPOCH = 1_700_000_000


@pytest.mark.parametrize("write", [write_zip, write_tar_gz])
def test_neither_the_clock_nor_the_name_of_the_file_changes_an_octet(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write(first, _MEMBERS, _EPOCH)
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: 1.0)
    try:
        write(second, _MEMBERS, _EPOCH)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert first.read_bytes() == second.read_bytes()
    write(second, _MEMBERS, _EPOCH + 60)
    assert first.read_bytes() != second.read_bytes()


def test_members_have_content_mode_and_the_time_of_the_commit(tmp_path: Path) -> None:
    write_zip(tmp_path / "one.zip", _MEMBERS, _EPOCH)
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        modes = {one.filename: one.external_attr >> 16 & 0o777 for one in archive.infolist()}
        assert archive.read("b.txt") == b"text" * 100
        assert {one.date_time for one in archive.infolist()} == {time.gmtime(_EPOCH)[:6]}
    assert modes == {"a/run": PROGRAM, "b.txt": FILE}
    write_tar_gz(tmp_path / "one.tar.gz", _MEMBERS, _EPOCH)
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        found = {one.name: (one.mode, one.mtime, one.uid) for one in archive.getmembers()}
    assert found == {"a/run": (PROGRAM, _EPOCH, 0), "b.txt": (FILE, _EPOCH, 0)}


def test_a_time_before_zip_files_is_the_first_that_they_know(tmp_path: Path) -> None:
    write_zip(tmp_path / "one.zip", _MEMBERS, 0)
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(("given", "packed"), [(0o600, FILE), (0o666, FILE), (0o700, PROGRAM)])
def test_the_umask_of_a_checkout_does_not_reach_the_archive(
    tmp_path: Path, given: int, packed: int
) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(given)
    assert mode_of(path) == packed
