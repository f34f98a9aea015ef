"""The query log writer: complete lines, two files, and no effect of disk errors on answers."""

import errno
import json
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keyhole.engine.launch import QueryLog
from keyhole.engine.query_log_writer import QueryLogWriter
from keyhole.engine.rotating_file import RotatingFile
from keyhole.engine.runtime import EventBatch
from keyhole.model.engine_stats import QueryCountStats


def line(number: int, width: int = 100) -> bytes:
    """A line of ``width`` octets, its end included."""
    text = json.dumps({"number": number, "fill": ""})
    return json.dumps({"number": number, "fill": "x" * (width - len(text) - 1)}).encode() + b"\n"


def batch(*numbers: int) -> bytes:
    return b"".join(map(line, numbers))


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text().splitlines()]


def numbers(path: Path) -> list[int]:
    """Those of the queries; a file that follows others begins with how many came before."""
    return [event["number"] for event in read(path) if "before" not in event]


def before(path: Path) -> int:
    """What a file says of the queries in those before it."""
    return int(read(path)[0]["before"])


def taken(lines: bytes) -> EventBatch:
    """Lines with what the core says of them."""
    found = [json.loads(text) for text in lines.splitlines()]
    lost = sum(event.get("lost", 0) for event in found)
    return EventBatch(lines, sum("lost" not in event for event in found), lost)


class Core:
    """A core that returns one of these batches of events for each call."""

    def __init__(self, *batches: bytes) -> None:
        self.batches = list(batches)

    def take_events(self, most: int, seconds: float) -> EventBatch:
        return taken(self.batches.pop(0)) if self.batches else EventBatch()

    def query_counts(self) -> QueryCountStats:
        return {"queries": {}, "unlogged": {}, "earlier": None}


class Written:
    """A writer without its thread, its messages, and a clock that stands still."""

    def __init__(self, path: Path, keep: int, clock: pytest.MonkeyPatch) -> None:
        self.path = path
        self.told: list[str] = []
        self.now = 1000.0
        self.writer = QueryLogWriter(Core(), QueryLog(path, keep), self.told.append, {})
        clock.setattr("keyhole.engine.query_log_writer.time.monotonic", lambda: self.now)

    def write(self, lines: bytes) -> None:
        """Writes what the core gives as these lines."""
        self.writer.write(taken(lines))


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """A log with room for two files of ten lines."""
    return Written(tmp_path / "log" / "queries.jsonl", 2_000, monkeypatch)


@contextmanager
def file_size_limit(octets: int) -> Iterator[None]:
    """No file of this process grows beyond so many octets."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_only_the_owner_may_read_the_log(log: Written) -> None:
    log.write(batch(1))
    assert log.path.parent.stat().st_mode & 0o777 == 0o700
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_holds_half_of_what_is_kept_becomes_the_older_one(log: Written) -> None:
    older = log.path.with_name("queries.1.jsonl")
    for start in range(0, 34, 4):
        log.write(batch(*range(start, start + 4)))
    assert numbers(older) == list(range(19, 28))
    assert numbers(log.path) == list(range(28, 36))
    assert (before(older), before(log.path)) == (19, 28)
    assert older.stat().st_mode & 0o777 == 0o600
    assert older.stat().st_size + log.path.stat().st_size <= 2_000
    assert log.writer.counts() == {"written": 36, "lost": 0}


def test_a_batch_larger_than_the_files_leaves_the_newest_lines(log: Written) -> None:
    log.write(batch(*range(57)))
    assert numbers(log.path.with_name("queries.1.jsonl")) == list(range(46, 55))
    assert numbers(log.path) == list(range(55, 57))
    assert before(log.path) == 55


def test_a_line_that_no_file_has_room_for_gets_one_for_itself(log: Written) -> None:
    log.write(line(1) + line(2, 1_500) + line(3))
    assert numbers(log.path.with_name("queries.1.jsonl")) == [2]
    assert numbers(log.path) == [3]


def test_a_line_cut_off_by_a_crash_does_not_damage_the_next(log: Written) -> None:
    log.path.parent.mkdir()
    log.path.write_bytes(batch(1) + b'{"number": 2, "fi')
    log.write(batch(3))
    assert log.path.read_bytes().splitlines() == [
        *batch(1).splitlines(), b'{"number": 2, "fi', *batch(3).splitlines()
    ]  # fmt: skip


def test_a_log_that_is_moved_or_deleted_meanwhile_is_begun_again(log: Written) -> None:
    log.write(batch(1))
    log.path.rename(log.path.with_name("mine"))
    log.write(batch(2))
    assert numbers(log.path) == [2]
    log.path.unlink()
    log.path.with_name("mine").unlink()
    log.path.parent.rmdir()
    log.write(batch(3))
    assert numbers(log.path) == [3]
    assert log.told == []


def test_what_cannot_be_written_is_counted_said_once_and_goes_on_by_itself(log: Written) -> None:
    log.write(batch(1))
    with file_size_limit(305):
        log.write(batch(2, 3, 4, 5))
        assert numbers(log.path) == [1, 2, 3], "whole lines only"
        log.write(batch(6))
        log.now += 1.5
        log.write(batch(7, 8))
    log.write(batch(9))
    assert numbers(log.path) == [1, 2, 3], "not tried again for a second"
    assert log.told == [
        f"the query log {log.path} cannot be written ({os.strerror(errno.EFBIG)}); queries "
        "are still answered, lost events are counted, and writing is tried every second"
    ]
    log.now += 1.5
    log.write(batch(10))
    assert read(log.path)[3:] == [{"lost": 6}, *read_text(batch(10))]
    assert log.told[1:] == ["the query log is written again; 6 events were lost"]
    assert log.writer.counts() == {"written": 4, "lost": 6}
    log.write(batch(11))
    assert numbers_of(read(log.path)[4:]) == [10, 11]


def read_text(octets: bytes) -> list[dict[str, Any]]:
    return [json.loads(text) for text in octets.splitlines()]


def numbers_of(events: list[dict[str, Any]]) -> list[int]:
    return [event["number"] for event in events]


def test_what_the_core_lost_is_counted_with_the_rest(log: Written) -> None:
    log.write(batch(1) + b'{"lost":5}\n')
    assert log.writer.counts() == {"written": 1, "lost": 5}
    with file_size_limit(10):
        log.write(batch(2) + b'{"lost":7}\n')
    assert log.writer.counts() == {"written": 1, "lost": 13}
    log.now += 1.5
    log.write(batch(3))
    assert read(log.path)[1:3] == [{"lost": 5}, {"lost": 8}]


def test_a_folder_whose_parent_is_gone_is_not_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Written(tmp_path / "gone" / "log" / "queries.jsonl", 2_000, monkeypatch)
    log.write(batch(1))
    assert os.strerror(errno.ENOENT) in log.told[0]
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file_is_not_written_to(log: Written, kind: str) -> None:
    log.path.parent.mkdir()
    target = log.path.with_name("target")
    target.write_text("")
    match kind:
        case "link":
            log.path.symlink_to(target)
        case "pipe":
            os.mkfifo(log.path)
        case "folder":
            log.path.mkdir()
    log.write(batch(1))
    assert len(log.told) == 1
    assert log.writer.counts() == {"written": 0, "lost": 1}
    assert target.read_text() == ""


def test_a_full_disk_costs_events_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"this machine mounts nothing: {mounted.stderr.strip()}")
    try:
        log = Written(disk / "log" / "queries.jsonl", 2**20, monkeypatch)
        log.write(batch(*range(1_000)))
        assert os.strerror(errno.ENOSPC) in log.told[0]
        kept = numbers(log.path)
        assert kept == list(range(len(kept)))
        assert log.writer.counts() == {"written": len(kept), "lost": 1_000 - len(kept)}
        log.path.unlink()
        log.now += 1.5
        log.write(batch(7))
        assert read(log.path)[0] == {"lost": 1_000 - len(kept)}
        log.writer._file.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_end_writes_all_that_is_left(tmp_path: Path) -> None:
    path = tmp_path / "log" / "queries.jsonl"
    core = Core(batch(1, 2), batch(3), batch(4))
    writer = QueryLogWriter(core, QueryLog(path, 2_000), pytest.fail, {})
    writer.start()
    writer.end()
    assert numbers(path) == [1, 2, 3, 4]
    assert not core.batches


def test_the_end_says_what_could_not_be_written(tmp_path: Path) -> None:
    told: list[str] = []
    log = QueryLog(tmp_path / "gone" / "log" / "queries.jsonl", 2_000)
    writer = QueryLogWriter(Core(batch(1, 2)), log, told.append, {})
    writer.start()
    writer.end()
    assert told[1:] == ["2 events of the query log were lost"]


def test_files_are_not_left_open(tmp_path: Path) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    file = RotatingFile(tmp_path / "log" / "queries.jsonl", 2_000)
    for number in range(50):
        while file.append(line(number)) == 0:
            pass
    file.close()
    with file_size_limit(50):
        for number in range(5):
            with pytest.raises(OSError, match=r"."):
                RotatingFile(tmp_path / "log" / f"{number}.jsonl", 2_000).append(line(1))
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_a_file_that_others_change_is_counted_by_what_is_in_it(log: Written) -> None:
    log.write(batch(1, 2, 3))
    log.path.write_bytes(log.path.read_bytes()[:100])
    log.write(batch(*range(4, 13)))
    log.write(batch(13))
    assert numbers(log.path.with_name("queries.1.jsonl")) == [1, *range(4, 13)]
    assert before(log.path) == 10
    with log.path.open("ab") as other:
        other.write(line(14))
    log.write(batch(*range(15, 25)))
    assert before(log.path) == 10 + 9


def test_own_queries_are_kept_apart_from_those_of_clients(log: Written) -> None:
    log.writer.write(EventBatch(batch(1), 1, 0, batch(2)))
    log.writer.write(EventBatch(own=batch(3)))
    assert numbers(log.path) == [1]
    assert numbers(log.path.with_name("own.jsonl")) == [2, 3]
    assert log.writer.counts() == {"written": 1, "lost": 0}
