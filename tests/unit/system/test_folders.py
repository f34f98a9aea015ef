"""A private folder is for its owner alone, new or not."""

import os
import stat
from pathlib import Path

import pytest

from keyhole.system.folders import make_private_folder, mend


def test_a_private_folder_is_made_with_mode_0700_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_private_folder(tmp_path / "parent" / "keys")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "parent" / "keys").stat().st_mode) == 0o700


def test_a_folder_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    folder.chmod(0o755)
    make_private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "keys")


def test_what_others_could_read_is_mended_and_links_are_not_followed(tmp_path: Path) -> None:
    """A5: an older version, a restore or a copy may have given rights to others."""
    outside = tmp_path / "outside"
    outside.touch()
    outside.chmod(0o644)
    folder = tmp_path / "log" / "history"
    folder.mkdir(parents=True)
    for path in (tmp_path / "log", folder):
        path.chmod(0o755)
    (folder / "one.parquet").touch()
    (folder / "one.parquet").chmod(0o644)
    (folder / "link").symlink_to(outside)
    mend(tmp_path / "log")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "log", folder)} == {0o700}
    assert stat.S_IMODE((folder / "one.parquet").stat().st_mode) == 0o600
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644
    mend(tmp_path / "missing")


def test_a_folder_that_is_a_link_leaves_its_target_as_it_is(tmp_path: Path) -> None:
    """The target may be a folder of others, such as /var/log."""
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    (shared / "of others").touch()
    (shared / "of others").chmod(0o644)
    shared.chmod(0o755)
    (tmp_path / "log").symlink_to(shared)
    mend(tmp_path / "log")
    make_private_folder(tmp_path / "log")
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
    assert stat.S_IMODE((shared / "of others").stat().st_mode) == 0o644
