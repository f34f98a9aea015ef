"""A backup that a passphrase encrypts: it opens with that alone, and only whole."""

import errno
import io
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from keyhole.control.backup import identity_copy, scratch, sealed, writer
from keyhole.control.backup.error import BackupError
from keyhole.control.backup.manifest import LeftOut
from keyhole.control.backup.reader import read_backup
from keyhole.control.backup.sealed import check_passphrase, opened_if_sealed, sealing
from keyhole.control.backup.writer import BackupRequest, write_backup
from keyhole.control.data_folder import DataFolder
from tests.world.data_folder import idle_folder
from tests.world.process import call_keyhole

PASSPHRASE = "five words are a passphrase"
_PIECE = sealed._PIECE + sealed._TAG
_BEGIN = sealed._HEADER + sealed._CODE


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that takes no half second."""
    monkeypatch.setattr(sealed, "_COST", sealed._LEAST_COST)


def _sealed(content: bytes) -> bytes:
    out = io.BytesIO()
    with sealing(out, PASSPHRASE) as file:
        for at in range(0, len(content), 10_000):
            file.write(content[at : at + 10_000])
    return out.getvalue()


def _opened(octets: bytes, passphrase: str = PASSPHRASE) -> bytes:
    file = opened_if_sealed(io.BytesIO(octets), "x.sealed", lambda: passphrase)
    first = file.read()
    file.seek(0)
    assert file.read() == first, "it can be read twice"
    return first


@pytest.mark.parametrize("size", [0, 1, sealed._PIECE, sealed._PIECE + 1, 3 * sealed._PIECE])
def test_what_was_sealed_opens_as_it_was(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    octets = _sealed(content[:size])
    assert size < 64 or content[:64] not in octets
    assert _opened(octets) == content[:size]


def _flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda octets: octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]


def _swapped(octets: bytes) -> bytes:
    first, second = octets[_BEGIN:][:_PIECE], octets[_BEGIN + _PIECE :][:_PIECE]
    return octets[:_BEGIN] + second + first + octets[_BEGIN + 2 * _PIECE :]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_flipped(20), "not the passphrase"),
        (_flipped(_BEGIN - 1), "not the passphrase"),
        (_flipped(16), "no backup has such a header|not the passphrase"),
        (_flipped(_BEGIN), "damaged or cut short"),
        (_flipped(-1), "damaged or cut short"),
        (_swapped, "damaged or cut short"),
        (lambda octets: octets[: _BEGIN - 1], "cut short"),
        (lambda octets: octets[:_BEGIN], "damaged or cut short"),
        (lambda octets: octets[:-1], "damaged or cut short"),
        (lambda octets: octets[: _BEGIN + 2 * _PIECE], "damaged or cut short"),
        (lambda octets: octets + b"x", "damaged or cut short"),
        (lambda octets: octets[:16] + b"\xff" + octets[17:], "no backup has such a header"),
    ],
)  # fmt: skip
def test_what_was_changed_or_cut_never_opens(change: Callable[[bytes], bytes], why: str) -> None:
    octets = _sealed(b"keys" * sealed._PIECE)
    with pytest.raises(BackupError, match=why):
        _opened(change(octets))


def test_a_short_passphrase_is_refused_and_what_is_not_sealed_is_passed_through() -> None:
    with pytest.raises(BackupError, match="at least 12 characters"):
        check_passphrase("short")
    plain = io.BytesIO(b"\x1f\x8b" + b"x" * 100)
    assert opened_if_sealed(plain, "x", lambda: pytest.fail("nobody is asked")) is plain


@pytest.mark.parametrize("octets", [b"\x1f\x8b" + b"x" * 100, b"", sealed._MAGIC[:-1]])
def test_with_a_passphrase_what_is_not_sealed_is_refused(octets: bytes) -> None:
    with pytest.raises(BackupError, match=r"x\.tar is not encrypted"):
        opened_if_sealed(io.BytesIO(octets), "x.tar", lambda: PASSPHRASE, must_be=True)


def test_a_passphrase_is_the_same_however_its_letters_are_written() -> None:
    composed, decomposed = "gr\u00fc\u00dfe aus k\u00f6ln", "gru\u0308\u00dfe aus ko\u0308ln"
    out = io.BytesIO()
    with sealing(out, composed) as file:
        file.write(b"keys")
    assert _opened(out.getvalue(), decomposed) == b"keys"
    with pytest.raises(BackupError, match="at least 12 characters"):
        check_passphrase("u\u0308" * 11)


def test_a_passphrase_that_is_not_utf_8_is_refused_with_what_would_be_right() -> None:
    for use in (check_passphrase, lambda given: _opened(_sealed(b""), given)):
        with pytest.raises(BackupError, match="not text in UTF-8"):
            use("gr\udcfc\udcdfe aus k\udcf6ln")


def test_no_header_takes_a_gigabyte_and_too_little_memory_is_an_error_of_the_backup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    octets = _sealed(b"keys")
    with pytest.raises(BackupError, match="no backup has such a header"):
        _opened(octets[:16] + b"\x13" + octets[17:])

    def has_none(**_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(sealed, "Scrypt", has_none)
    with pytest.raises(BackupError, match="16MiB of memory"):
        _opened(octets)


def test_a_wrong_passphrase_restores_nothing_and_the_right_one_all(tmp_path: Path) -> None:
    file, target = tmp_path / "keyhole.sealed", tmp_path / "new"
    made = write_backup(
        BackupRequest(idle_folder(tmp_path / "data"), None, file, passphrase=PASSPHRASE)
    )
    assert b"keyhole" not in file.read_bytes()
    with file.open("rb") as source:
        manifest = read_backup(opened_if_sealed(source, "x", lambda: PASSPHRASE), "x")
    assert manifest == made.manifest

    words = ("restore", str(file), "--data", str(target))
    unasked = call_keyhole(*words)
    assert unasked.returncode == 2
    assert "--passphrase-file" in unasked.stderr
    wrong = call_keyhole(*words, "--passphrase-file", "-", given=f"{PASSPHRASE}x\n")
    assert wrong.returncode == 1
    assert "not the passphrase" in " ".join(wrong.stderr.split())
    assert not target.exists()
    plain = tmp_path / "plain.tar.gz"
    write_backup(BackupRequest(DataFolder(tmp_path / "data"), None, plain))
    not_sealed = call_keyhole(
        "restore", str(plain), "--check", "--passphrase-file", "-", given=f"{PASSPHRASE}\n"
    )
    assert not_sealed.returncode == 1
    assert "is not encrypted" in " ".join(not_sealed.stderr.split())
    right = call_keyhole(*words, "--passphrase-file", "-", given=f"{PASSPHRASE}\n")
    assert right.returncode == 0, right.stderr
    assert (target / "identity" / "root.pem").read_bytes() == (
        tmp_path / "data" / "identity" / "root.pem"
    ).read_bytes()


@pytest.mark.parametrize("is_pipe", [False, True])
def test_nothing_of_a_sealed_backup_is_in_the_clear_outside_of_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_pipe: bool
) -> None:
    data, stick = idle_folder(tmp_path / "data"), tmp_path / "stick"
    stick.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(stick))
    stale = data.path / ".copies.0123456789ab.backup"
    stale.mkdir()
    seen: list[str] = []
    unreadable = identity_copy.unreadable

    def look(scratch: Path) -> list[LeftOut]:
        assert scratch.parent == data.path
        assert scratch.stat().st_mode & 0o777 == 0o700
        assert (scratch / "data" / "identity" / "root.pem").is_file(), "the copies are complete"
        seen.extend(one.name for one in stick.rglob("*"))
        return unreadable(scratch)

    monkeypatch.setattr(writer, "unreadable", look)
    out = stick / "keyhole.sealed"
    if is_pipe:
        with out.open("wb") as pipe:
            made = write_backup(BackupRequest(data, None, pipe, passphrase=PASSPHRASE))
    else:
        made = write_backup(BackupRequest(data, None, out, passphrase=PASSPHRASE))
    assert len(seen) == 1, "the sealed file itself"
    assert not [one for one in data.path.iterdir() if one.name.startswith(".copies.")]
    assert not [one for one in made.manifest.members if "copies" in one]


def test_a_sealed_backup_that_has_no_room_for_copies_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = idle_folder(tmp_path / "data")

    def is_full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(scratch, "draft_beside", is_full)
    request = BackupRequest(data, None, tmp_path / "x", passphrase=PASSPHRASE)
    with pytest.raises(BackupError, match=rf"cannot make a folder in {re.escape(str(data.path))}"):
        write_backup(request)
    assert not (tmp_path / "x").exists()
