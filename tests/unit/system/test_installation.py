"""The record of what a data folder has had."""

import os
from pathlib import Path

from keyhole.system.installation import Installation, remember_file, was_there


def test_a_part_is_known_from_its_first_mention_until_it_is_forgotten(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    assert not installation.has("documents")
    installation.remember("documents", "database")
    installation.remember("documents")
    assert installation.parts() == ["database", "documents"]
    installation.forget("documents")
    assert not installation.has("documents")
    assert installation.has("database")


def test_a_record_that_cannot_be_read_has_everything(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    installation.remember("documents")
    for content in (b"", b"{", b'{"parts": 1}', b"\xff"):
        installation.path.write_bytes(content)
        assert installation.has("anything"), content


def test_a_record_in_whose_place_is_a_fifo_has_everything_and_blocks_nobody(
    tmp_path: Path,
) -> None:
    """A4: every command reads it at its start."""
    installation = Installation(tmp_path)
    os.mkfifo(installation.path)
    assert installation.has("anything")
    installation.forget("anything")
    assert installation.parts() == []


def test_a_file_is_remembered_beside_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "identity" / "revoked.json"
    assert not was_there(file)
    remember_file(file)
    assert was_there(file)
    assert Installation(tmp_path).parts() == ["identity/revoked.json"]
