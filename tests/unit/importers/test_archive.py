"""Malicious archives are refused, or read without harm."""

import gzip
import io
import random
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from keyhole.importers import archive as limits
from keyhole.importers.archive import open_tar, open_zip
from keyhole.importers.error import ImporterError
from keyhole.model.units import MIB
from tests.world.imports import zipped
from tests.world.sparse import SPARSE, huge_header

_OUTSIDE = ["../outside", "a/../../outside", "/etc/passwd", "..\\outside", "C:evil", "a/../b"]


class _Left(dict[str, str]):
    """What an archive leaves: the reason of each entry."""

    def __call__(self, name: str, why: str) -> None:
        self[name.strip("'")] = why


@pytest.fixture
def left() -> _Left:
    return _Left()


@pytest.mark.parametrize("name", _OUTSIDE)
def test_an_entry_that_would_leave_its_folder_is_left(
    tmp_path: Path, name: str, left: _Left
) -> None:
    file = zipped(tmp_path / "x.zip", {name: b"x", "fine": b"y"})
    with open_zip(file, left) as archive:
        assert archive.names == ["fine"]
        assert archive.read("fine") == b"y"
        assert archive.read(name) is None
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as made:
        made.addfile(tarfile.TarInfo(name), io.BytesIO())
    with open_tar(tmp_path / "x.tar.gz", left, lambda _: True) as archive:
        assert archive.names == []
    assert all("unsafe" in why for why in left.values())
    assert len(left) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["x.tar.gz", "x.zip"]


def test_folders_with_the_separator_of_windows_are_folders(tmp_path: Path, left: _Left) -> None:
    file = zipped(tmp_path / "x.zip", {"etc\\pihole\\pihole.toml": b"x", "etc\\": b""})
    with open_zip(file, left) as archive:
        assert archive.names == ["etc/pihole/pihole.toml"]
        assert archive.read("etc/pihole/pihole.toml") == b"x"
    assert not left


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK])
def test_a_link_or_device_in_a_zip_is_left(tmp_path: Path, kind: int, left: _Left) -> None:
    info = zipfile.ZipInfo("etc/pihole/gravity.db")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        made.writestr(info, "/etc/shadow")
    with open_zip(tmp_path / "x.zip", left) as archive:
        assert archive.names == []
    assert left == {"etc/pihole/gravity.db": "it is not a regular file"}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_a_link_or_device_in_a_tar_is_left(tmp_path: Path, kind: bytes, left: _Left) -> None:
    member = tarfile.TarInfo("group.json")
    member.type, member.linkname = kind, "/etc/shadow"
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as made:
        made.addfile(member)
    with open_tar(tmp_path / "x.tar.gz", left, lambda _: True) as archive:
        assert archive.names == []
    assert left == {"group.json": "it is not a regular file"}


def test_of_a_name_that_is_there_twice_the_first_is_read(tmp_path: Path, left: _Left) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        made.writestr("a", "one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            made.writestr("a", "two")
    with open_zip(tmp_path / "x.zip", left) as archive:
        assert archive.read("a") == b"one"
    assert "twice" in left["a"]


def test_an_entry_that_unpacks_to_too_much_is_left_without_being_unpacked(
    tmp_path: Path, left: _Left
) -> None:
    file = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made,
        made.open("bomb", "w", force_zip64=True) as entry,
    ):
        for _ in range(64):
            entry.write(bytes(4 * MIB))
    tracemalloc.start()
    with open_zip(file, left) as archive:
        assert archive.read("bomb") is None
    assert "unpacks to more than" in left["bomb"]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 120 * MIB


def test_many_entries_together_may_unpack_to_no_more_than_one_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: _Left
) -> None:
    monkeypatch.setattr(limits, "MAX_UNPACKED", 250_000)
    file = zipped(tmp_path / "x.zip", {f"n{number}": bytes(100_000) for number in range(3)})
    with open_zip(file, left) as archive:
        assert archive.read("n0")
        assert archive.read("n1")
        assert archive.read("n2") is None
    assert "unpacks to more than" in left["n2"]


def test_a_tar_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.tar.gz"
    member = tarfile.TarInfo("group.json")
    member.size = 300 * MIB
    with gzip.open(file, "wb", compresslevel=1) as packed:
        packed.write(member.tobuf())
        for _ in range(75):
            packed.write(bytes(4 * MIB))
    with (
        pytest.raises(ImporterError, match="unpacks to more than"),
        open_tar(file, _Left(), lambda _: True),
    ):
        pass


@pytest.mark.parametrize("kind", SPARSE)
def test_a_sparse_member_of_a_tar_is_left_without_its_holes_being_filled(
    tmp_path: Path, kind: str, left: _Left
) -> None:
    file = tmp_path / "x.tar.gz"
    with gzip.open(file, "wb") as packed:
        packed.write(SPARSE[kind]("holes", 1536 * MIB))
        with tarfile.open(fileobj=packed, mode="w") as made:
            made.addfile(tarfile.TarInfo("fine"))
    tracemalloc.start()
    with open_tar(file, left, lambda _: True) as archive:
        most = tracemalloc.get_traced_memory()[1]
        assert archive.names == ["fine"]
    tracemalloc.stop()
    assert "sparse" in left["holes"]
    assert most < 16 * MIB


@pytest.mark.parametrize("kind", ["claim", "map"])
def test_a_tar_whose_header_is_larger_than_any_is_refused_before_it_is_kept(
    tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "x.tar.gz"
    with gzip.open(file, "wb", compresslevel=1) as packed:
        packed.write(huge_header(kind, 8 * MIB))
    tracemalloc.start()
    with pytest.raises(ImporterError, match="a header claims"), open_tar(file, _Left(), bool):
        pass
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 64 * MIB


def test_more_entries_than_any_export_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_ENTRIES", 100)
    file = zipped(tmp_path / "x.zip", {f"n{number}": b"" for number in range(101)})
    with pytest.raises(ImporterError, match="announces 101 entries"), open_zip(file, _Left()):
        pass
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as made:
        for number in range(101):
            made.addfile(tarfile.TarInfo(f"n{number}"))
    with (
        pytest.raises(ImporterError, match="more than 100 entries"),
        open_tar(tmp_path / "x.tar.gz", _Left(), lambda _: False),
    ):
        pass


def test_an_end_record_that_lies_does_not_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_ENTRIES", 100)
    file = zipped(tmp_path / "x.zip", {f"n{number}": b"" for number in range(200)})
    octets = bytearray(file.read_bytes())
    at = octets.rfind(b"PK\x05\x06")
    octets[at + 8 : at + 12] = (1).to_bytes(2, "little") * 2
    file.write_bytes(octets)
    with pytest.raises(ImporterError, match="more than 100 entries"), open_zip(file, _Left()):
        pass


def test_a_second_end_record_cannot_overrule_the_first(tmp_path: Path) -> None:
    file = zipped(tmp_path / "x.zip", {"entry": b"text"})
    octets = file.read_bytes()
    at = octets.rfind(b"PK\x05\x06")
    file.write_bytes(octets[:at] + b"PK\x06\x07" + bytes(16) + octets[at:])
    with pytest.raises(ImporterError, match="ZIP64"), open_zip(file, _Left()):
        pass


def _encrypted(octets: bytearray) -> None:
    octets[octets.rfind(b"PK\x01\x02") + 8] |= 1


def _strange_packing(octets: bytearray) -> None:
    octets[octets.rfind(b"PK\x01\x02") + 10] = 12


def _cut_off(octets: bytearray) -> None:
    del octets[-30:]


def _damaged(octets: bytearray) -> None:
    octets[40:60] = bytes(20)


@pytest.mark.parametrize("harm", [_encrypted, _strange_packing, _cut_off, _damaged])
def test_what_is_no_whole_plain_zip_is_refused_or_its_entry_left(
    tmp_path: Path, harm: Callable[[bytearray], None], left: _Left
) -> None:
    file = zipped(tmp_path / "x.zip", {"entry": b"some text " * 50})
    octets = bytearray(file.read_bytes())
    harm(octets)
    file.write_bytes(octets)
    with suppress(ImporterError), open_zip(file, left) as archive:
        assert archive.read("entry") is None
        assert left["entry"]


def test_a_file_larger_than_any_export_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_ARCHIVE", 1000)
    file = tmp_path / "x.zip"
    file.write_bytes(bytes(1001))
    with (
        pytest.raises(ImporterError, match="1001B; more than 1000B is not read"),
        open_zip(file, _Left()),
    ):
        pass


def test_of_an_archive_that_was_cut_off_what_stands_before_is_read(
    tmp_path: Path, left: _Left
) -> None:
    file = tmp_path / "x.tar.gz"
    with tarfile.open(file, "w:gz") as made:
        for name in ("first", "second"):
            member = tarfile.TarInfo(name)
            member.size = 100_000
            made.addfile(member, io.BytesIO(random.Random(name).randbytes(100_000)))
    file.write_bytes(file.read_bytes()[:-20_000])
    with open_tar(file, left, lambda _: True) as archive:
        assert archive.names == ["first"]
        assert len(archive.read("first") or b"") == 100_000
    assert "only what stands before was read" in left["x.tar.gz"]
