"""What a used data folder once had is never taken for empty."""

import shutil
from pathlib import Path

from keyhole.control.changes.stored import StoredFiles
from keyhole.control.data_folder import DataFolder
from keyhole.control.missing_parts import STORED, stored_missing


def _used(folder: Path) -> DataFolder:
    data = DataFolder(folder)
    data.make()
    stored = StoredFiles(data, folder / "documents")
    stored.take(stored.draft([]), 1)
    data.installation.remember(STORED)
    return data


def test_a_copy_of_stored_documents_that_lost_its_links_is_missing_and_not_empty(
    tmp_path: Path,
) -> None:
    """F8: as ``cp -L`` and some backups leave it; read as it is, it would hold no document."""
    data = _used(tmp_path / "data")
    assert stored_missing(data) is None
    (tmp_path / "data" / "documents").mkdir(exist_ok=True)
    shutil.copytree(data.path, tmp_path / "copy")
    found = stored_missing(DataFolder(tmp_path / "copy"))
    assert found is not None
    assert "is not as Keyhole wrote it" in found.error().args[0]


def test_a_copy_of_stored_documents_that_is_gone_is_missing(tmp_path: Path) -> None:
    data = _used(tmp_path / "data")
    data.stored.unlink()
    found = stored_missing(data)
    assert found is not None
    assert "is gone" in found.error().args[0]
