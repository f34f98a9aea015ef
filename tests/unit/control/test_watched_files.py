"""Each change of a watched file is noticed, however an editor or a mount makes it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keyhole.control.fingerprint import fingerprint
from keyhole.control.watched_files import _begin_watch, changes
from tests.world.waiting import PATIENCE

_LIMITED = ["unshare", "--user", "--map-root-user", "sh", "-c"]
"""A user of its own, whose limits bind nobody else."""


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
            return await asyncio.wait_for(waiting, PATIENCE)
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

    assert asyncio.run(asyncio.wait_for(run(), PATIENCE)) == {file}


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


_FIND_CHANGE = """
import asyncio, sys
from pathlib import Path
from keyhole.control.fingerprint import fingerprint
from keyhole.control.watched_files import changes

async def run(folder):
    known, why = fingerprint([folder]), []
    found = changes(lambda: [folder], known, asyncio.Event(), warn=why.append)
    waiting = asyncio.ensure_future(anext(found))
    while not why and not waiting.done():
        await asyncio.sleep(0)
    (folder / "policy.yaml").write_text("a")
    print(*(path.name for path in await waiting), *why)

asyncio.run(asyncio.wait_for(run(Path(sys.argv[1])), 120))
"""


@pytest.mark.parametrize(
    ("limit", "why"), [("instances", "Too many open files"), ("watches", "watch limit reached")]
)
def test_a_change_is_noticed_where_the_kernel_has_no_room_for_a_watch(
    tmp_path: Path, limit: str, why: str
) -> None:
    bound = f"echo 0 >/proc/sys/user/max_inotify_{limit}"
    if subprocess.run([*_LIMITED, bound], capture_output=True, check=False).returncode != 0:
        pytest.skip("this kernel or container bounds no user of its own (unshare --user)")
    words = [
        *_LIMITED,
        f'{bound}; exec "$@"',
        "sh",
        sys.executable,
        "-c",
        _FIND_CHANGE,
        str(tmp_path),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("policy.yaml ")
    assert why in done.stdout


def test_a_change_is_noticed_although_a_folder_vanished_when_its_watch_began(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()

    async def run() -> set[Path]:
        async def look(work: Callable[..., Any], *given: Any) -> Any:
            if work is not _begin_watch:
                return work(*given)
            folder.rmdir()
            try:
                return work(*given)
            finally:
                folder.mkdir()
                (folder / "policy.yaml").write_text("a")

        async for changed in changes(lambda: [folder], {}, asyncio.Event(), look, warnings.append):
            return changed
        return set()

    warnings: list[str] = []
    assert asyncio.run(asyncio.wait_for(run(), PATIENCE)) == {folder / "policy.yaml"}
    assert warnings == []


def test_a_change_is_noticed_beside_a_file_whose_name_is_no_text(tmp_path: Path) -> None:
    file, odd = tmp_path / "policy.yaml", tmp_path / os.fsdecode(b"\xff.txt")

    async def run() -> set[Path]:
        warned = asyncio.Event()
        found = changes(lambda: [tmp_path], {}, asyncio.Event(), warn=lambda _: warned.set())
        waiting = asyncio.ensure_future(anext(found))
        while not warned.is_set():
            odd.write_text("a")
            odd.unlink()
            await asyncio.sleep(0.01)
        file.write_text("a")
        return await waiting

    assert asyncio.run(asyncio.wait_for(run(), PATIENCE)) == {file}
