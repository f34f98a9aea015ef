"""Each change of a watched file is noticed, however an editor or a mount makes it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from keyhole.control.watched_files import changes, fingerprint


def _first_change(paths: list[Path], act: Callable[[], object]) -> set[Path]:
    async def run() -> set[Path]:
        stop = asyncio.Event()
        known = fingerprint(paths)

        async def wait() -> set[Path]:
            async for changed in changes(lambda: paths, known, stop):
                return changed
            return set()

        waiting = asyncio.create_task(wait())
        await asyncio.to_thread(act)
        try:
            return await asyncio.wait_for(waiting, 20)
        finally:
            stop.set()

    return asyncio.run(run())


def test_a_file_written_in_place_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("a")
    assert _first_change([tmp_path], lambda: file.write_text("ab")) == {file}


def test_a_file_replaced_by_renaming_is_noticed(tmp_path: Path) -> None:
    file, draft = tmp_path / "cert.pem", tmp_path / "cert.draft"
    file.write_text("a")
    draft.write_text("b")
    assert _first_change([file], lambda: draft.replace(file)) == {file}


def test_a_new_file_in_a_new_folder_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "more"

    def act() -> None:
        folder.mkdir()
        (folder / "list.yaml").write_text("a")

    assert _first_change([tmp_path], act) == {folder / "list.yaml"}


def test_a_removed_file_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "ads.txt"
    file.write_text("a")
    assert _first_change([file], file.unlink) == {file}


def test_a_mounted_secret_that_swaps_its_link_is_noticed(tmp_path: Path) -> None:
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "tls.pem").write_text(version)
    data, file = tmp_path / "..data", tmp_path / "tls.pem"
    data.symlink_to("one")
    file.symlink_to("..data/tls.pem")

    def act() -> None:
        swapped = tmp_path / "..tmp"
        swapped.symlink_to("two")
        swapped.replace(data)

    assert _first_change([file], act) == {file}


def test_a_change_before_watching_began_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("a")

    async def run() -> set[Path]:
        known = fingerprint([tmp_path])
        file.write_text("ab")
        async for changed in changes(lambda: [tmp_path], known, asyncio.Event()):
            return changed
        return set()

    assert asyncio.run(asyncio.wait_for(run(), 20)) == {file}


def test_changes_of_other_files_are_not_reported(tmp_path: Path) -> None:
    watched, other = tmp_path / "a.pem", tmp_path / "b.pem"
    watched.write_text("a")

    def act() -> None:
        other.write_text("b")
        watched.write_text("ab")

    assert _first_change([watched], act) == {watched}


@pytest.mark.parametrize("name", ["notes.txt", "policy.yaml~"])
def test_a_folder_means_only_the_documents_in_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "policy.yaml").write_text("a")
    (tmp_path / name).write_text("b")
    assert set(fingerprint([tmp_path])) == {tmp_path / "policy.yaml"}
