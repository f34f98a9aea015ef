"""Only one Keyhole at a time uses a data folder, and its files are never half written."""

import os
import shutil
from asyncio import run
from pathlib import Path

import pytest

from keyhole.control import defaults
from keyhole.control.data_folder import (
    DataFolder,
    default_data_folder,
    unwritable,
    write_durably,
)
from keyhole.control.defaults import write_defaults
from keyhole.control.error import ControlError
from keyhole.policy import default_documents
from keyhole.system import durable


def test_a_second_keyhole_gets_an_error_with_advice(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.make()
    with run(folder.claim()), pytest.raises(ControlError, match=r"already runs .* give --data"):
        run(folder.claim())
    run(folder.claim()).close()


def test_the_environment_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEYHOLE_DATA", str(tmp_path))
    assert default_data_folder() == tmp_path


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ControlError, match="cannot make the data folder"):
        DataFolder(tmp_path / "file" / "data").make()


def test_a_durable_write_leaves_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "snapshot.json"
    for content in (b"one", b"two"):
        write_durably(file, content)
        assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


def test_defaults_never_change_existing_files(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.config.write_text("role: forwarder\n")
    (tmp_path / "documents").mkdir()
    assert write_defaults(folder) == []
    assert folder.config.read_text() == "role: forwarder\n"


def test_a_first_start_that_ends_between_two_documents_leaves_all_of_them_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Part of them could be a policy without the upstreams that it names, and would stay."""
    folder, written = DataFolder(tmp_path), 0

    def write_one(path: Path, content: bytes, mode: durable.Mode) -> None:
        nonlocal written
        if path.suffix == ".yaml" and path != folder.config:
            written += 1
            if written == 2:
                raise KeyboardInterrupt
        write_durably(path, content, mode)

    with monkeypatch.context() as patched:
        patched.setattr(defaults, "write_durably", write_one)
        with pytest.raises(KeyboardInterrupt):
            write_defaults(folder)
    assert not (tmp_path / "documents").exists()
    names = {path.name for path in write_defaults(folder)}
    assert names == set(default_documents())
    assert names == {path.name for path in (tmp_path / "documents").iterdir()}


def test_two_that_look_at_the_same_time_whether_it_can_be_written_hinder_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, seen, sync = DataFolder(tmp_path), [], os.fsync
    data.make()

    def look_too(descriptor: int) -> None:
        sync(descriptor)
        monkeypatch.setattr(os, "fsync", sync)
        seen.append(unwritable(data))
        monkeypatch.setattr(os, "fsync", look_too)

    monkeypatch.setattr(os, "fsync", look_too)
    assert unwritable(data) is None
    assert seen == [None, None]
    assert list(data.state.iterdir()) == []


def test_a_probe_that_a_start_cleans_away_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataFolder(tmp_path)
    data.make()
    monkeypatch.setattr(os, "fsync", lambda descriptor: durable.remove_drafts(data.state))
    assert unwritable(data) is None


def test_a_folder_that_is_gone_cannot_be_written(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    data.make()
    shutil.rmtree(data.path)
    assert "cannot be written" in (unwritable(data) or "")
