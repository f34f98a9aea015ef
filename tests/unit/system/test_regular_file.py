"""Only regular files are read; what blocks or acts when it is opened is not opened."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from keyhole.system.regular_file import check_regular, open_regular, read_regular


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


OTHERS: dict[str, Callable[[Path], object]] = {
    "a FIFO": os.mkfifo,
    "a socket": _socket,
    "a folder": Path.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    """A4: nobody writes to the FIFO, so a reader that opened it would wait for ever."""
    path = tmp_path / "one"
    OTHERS[kind](path)
    for read in (open_regular, check_regular, lambda one: read_regular(one, 10)):
        with pytest.raises(OSError, match=f"{kind}, not a regular file"):
            read(path)


def test_a_regular_file_is_read_also_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link", 7) == b"content"


def test_more_than_the_limit_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(OSError, match="larger than 6 octets") as caught:
        read_regular(tmp_path / "file", 6)
    assert caught.value.filename == str(tmp_path / "file")


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        open_regular(tmp_path / "none")
    assert caught.value.filename == str(tmp_path / "none")
