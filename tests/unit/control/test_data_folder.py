"""Only one Keyhole at a time uses a data folder, and its files are never half written."""

from asyncio import run
from pathlib import Path

import pytest

from keyhole.control import defaults
from keyhole.control.data_folder import DataFolder, default_data_folder, write_durably
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
