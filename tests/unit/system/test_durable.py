"""A durable write replaces a file whole or leaves it as it was, and leaves nothing else."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from keyhole.system import durable
from tests.world.waiting import PATIENCE


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Each path that was synced, with the names in the folder ``tmp_path`` at that moment."""
    calls: list[tuple[str, list[str]]] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        folder = path if path.is_dir() else path.parent
        calls.append((path.name, sorted(one.name for one in folder.iterdir())))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    return calls


@contextmanager
def _full_disk(octets: int) -> Iterator[None]:
    """No file of this process can grow beyond so many octets."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _by_block(path: Path, content: bytes) -> None:
    with durable.replacing(path) as file:
        file.write(content)


def _by_path(path: Path, content: bytes) -> None:
    with durable.draft_of(path) as draft:
        draft.write_bytes(content)


_WRITERS = [durable.write_bytes, _by_block, _by_path]


@pytest.mark.parametrize("write", _WRITERS)
def test_a_write_replaces_the_content_and_leaves_nothing_else(
    write: Callable[[Path, bytes], None], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    for content in (b"one", b"second"):
        write(file, content)
        assert file.read_bytes() == content
        assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("write", _WRITERS)
def test_a_full_disk_in_the_middle_keeps_the_old_content_and_leaves_nothing_else(
    write: Callable[[Path, bytes], None], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    write(file, b"old")
    with _full_disk(10), pytest.raises(OSError, match="too large"):
        write(file, b"x" * 100)
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("block", [durable.replacing, durable.draft_of])
def test_an_exception_in_the_block_keeps_the_old_content(
    block: Callable[[Path], AbstractContextManager[object]], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    durable.write_bytes(file, b"old")
    with pytest.raises(KeyboardInterrupt), block(file):
        raise KeyboardInterrupt
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_sync_that_fails_keeps_the_old_content(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    durable.write_bytes(file, b"old")

    def refuse(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        durable.write_bytes(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_content_is_synced_before_the_rename_and_the_folder_after_it(
    synced: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    durable.write_bytes(tmp_path / "file", b"new")
    (draft, before), (folder, after) = synced
    assert draft.startswith(".file.")
    assert before == [draft]
    assert (folder, after) == (tmp_path.name, ["file"])


def test_a_killed_writer_leaves_the_old_content_and_a_draft_that_can_be_removed(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    durable.write_bytes(file, b"old")
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom keyhole.system import durable\n"
        "with durable.replacing(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); print('written', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "written\n"
        child.send_signal(signal.SIGKILL)
    assert file.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2
    durable.remove_drafts(tmp_path)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_umask_counts_for_shared_files_alone(umask: int, tmp_path: Path) -> None:
    private, public, shared = (tmp_path / name for name in ("private", "public", "shared"))
    private.touch(0o666)
    before = os.umask(umask)
    try:
        durable.write_bytes(private, b"key")
        durable.write_bytes(public, b"certificate", durable.PUBLIC_FILE)
        durable.write_bytes(shared, b"export", durable.SHARED_FILE)
    finally:
        os.umask(before)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(public.stat().st_mode) == 0o644
    assert stat.S_IMODE(shared.stat().st_mode) == 0o666 & ~umask


def test_a_draft_is_never_readable_for_others(tmp_path: Path) -> None:
    with durable.draft_of(tmp_path / "public", durable.PUBLIC_FILE) as draft:
        assert stat.S_IMODE(draft.stat().st_mode) == 0o600


def test_a_link_in_the_place_of_a_draft_leads_no_content_and_no_mode_elsewhere(
    tmp_path: Path,
) -> None:
    """Who owns the folder may try it while root writes there."""
    other = tmp_path / "other"
    other.write_bytes(b"untouched")
    other.chmod(0o640)
    with durable.replacing(tmp_path / "file", durable.PUBLIC_FILE) as file:
        (draft,) = tmp_path.glob(".file.*")
        draft.unlink()
        draft.symlink_to(other)
        file.write(b"secret")
    assert other.read_bytes() == b"untouched"
    assert stat.S_IMODE(other.stat().st_mode) == 0o640


def test_text_and_json_are_written_in_utf_8(tmp_path: Path) -> None:
    durable.write_text(tmp_path / "text", "größer")
    durable.write_json(tmp_path / "json", {"name": "größer"})
    assert (tmp_path / "text").read_bytes() == "größer".encode()
    assert json.loads((tmp_path / "json").read_bytes()) == {"name": "größer"}


def test_a_rename_syncs_the_content_and_then_the_folder(
    synced: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    (tmp_path / "draft").write_bytes(b"new")
    (tmp_path / "file").write_bytes(b"old")
    durable.rename(tmp_path / "draft", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert synced == [("draft", ["draft", "file"]), (tmp_path.name, ["file"])]


@pytest.mark.parametrize(
    "make",
    [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("-")],
)
def test_what_is_neither_file_nor_folder_is_moved_away_unopened(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    """A4, F3: a damaged part of the history is set aside, whatever it is."""
    make(tmp_path / "one")

    def end(*_: object) -> None:
        raise AssertionError("it waits for a writer")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        durable.rename(tmp_path / "one", tmp_path / "two")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert [one.name for one in tmp_path.iterdir()] == ["two"]


def test_a_link_is_replaced_in_one_step_and_synced(
    synced: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    link = tmp_path / "link"
    for target in ("first", "second"):
        durable.replace_link(link, target)
        assert link.readlink() == Path(target)
    assert list(tmp_path.iterdir()) == [link]
    assert synced == [(tmp_path.name, ["link"])] * 2


def test_a_folder_in_the_place_of_a_link_is_replaced_by_it(tmp_path: Path) -> None:
    """As a tool leaves it that copies what a link leads to."""
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "copied").touch()
    durable.replace_link(tmp_path / "link", "target")
    assert (tmp_path / "link").readlink() == Path("target")
    assert [one.name for one in tmp_path.iterdir()] == ["link"]


def test_a_removal_is_synced_and_takes_a_missing_file(
    synced: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for _ in range(2):
        durable.remove(tmp_path / "file")
    assert synced == [(tmp_path.name, [])] * 2


def test_only_drafts_of_the_name_are_removed(tmp_path: Path) -> None:
    for name in (".file.abc.new", ".other.abc.new", ".hidden", "file.new", "file"):
        (tmp_path / name).touch()
    durable.remove_drafts(tmp_path, "file*")
    assert not (tmp_path / ".file.abc.new").exists()
    durable.remove_drafts(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == [".hidden", "file", "file.new"]


def test_a_disk_with_room_for_a_part_of_a_line_counts_as_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E1: whoever adds the line must not go on as if it were there."""
    log, write = tmp_path / "log", os.write
    durable.append_line(log, b"one")
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, octets: write(file, octets[:3]))
        with pytest.raises(OSError, match="No space left"):
            durable.append_line(log, b"two-and-more")
    durable.append_line(log, b"three")
    assert log.read_bytes().splitlines() == [b"one", b"two", b"three"]


def test_a_line_is_added_on_the_disk_and_a_torn_one_stays_apart(
    synced: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    durable.append_line(log, b"one")
    assert [name for name, _ in synced] == ["log", tmp_path.name]
    log.write_bytes(b"one\ntw")
    durable.append_line(log, b"three")
    assert log.read_bytes() == b"one\ntw\nthree\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert len(synced) == 3, "the folder knew the name already"
