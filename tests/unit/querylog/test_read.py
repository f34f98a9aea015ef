"""Reading the query log: damaged lines are skipped and counted."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from keyhole.querylog import ClientRef, LogEntry, LogReader, QueryLogError

EVENT: dict[str, Any] = {
    "time": "2026-11-25T22:00:00.123456Z",
    "transport": "dot",
    "client": "192.0.2.1",
    "identity": None,
    "token": None,
    "policy": "home",
    "name": "www.example.org",
    "type": "AAAA",
    "outcome": "answered",
    "reason": "forwarded",
    "rule": None,
    "list": None,
    "observed": None,
    "upstream": "test",
    "duration_us": 1500,
    "snapshot": 7,
}


def write(path: Path, *events: dict[str, Any] | str) -> Path:
    """Writes a log of these events; texts are written unchanged."""
    lines = [one if isinstance(one, str) else json.dumps(one) for one in events]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def read(path: Path) -> tuple[list[LogEntry], LogReader]:
    reader = LogReader([path])
    return list(reader), reader


def names(entries: list[LogEntry]) -> list[str | None]:
    return [entry.name for entry in entries]


def test_a_line_reads_back_as_what_happened(tmp_path: Path) -> None:
    (entry,), reader = read(write(tmp_path / "queries.jsonl", EVENT))
    assert entry.time.isoformat() == "2026-11-25T22:00:00.123456+00:00"
    assert (entry.name, entry.kind, entry.reason) == ("www.example.org", "AAAA", "forwarded")
    assert (entry.client_ref, entry.duration_us) == (ClientRef("address", "192.0.2.1"), 1500)
    assert (reader.damaged, reader.lost) == (0, 0)


def test_a_client_is_known_by_what_it_showed_before_its_address(tmp_path: Path) -> None:
    identity = "spiffe://keyhole.lab/ns/shop/sa/web"
    entries, _ = read(
        write(
            tmp_path / "queries.jsonl",
            {**EVENT, "identity": identity},
            {**EVENT, "token": "tv"},
            {**EVENT, "client": "2001:db8::1"},
            {**EVENT, "client": None},
        )
    )
    assert [entry.client_ref.as_document for entry in entries] == [
        {"identity": identity},
        {"token": "tv"},
        {"address": "2001:db8::1"},
        None,
    ]


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        '{"time":"2026-11-25T22:00:00.1',
        "[]",
        "7",
        "null",
        "[" * 100_000,
        '{"lost": -1}',
        '{"lost": "3"}',
        {key: EVENT[key] for key in EVENT if key != "reason"},
        *(
            {**EVENT, **change}
            for change in (
                {"time": "yesterday"},
                {"time": "2026-11-25T22:00:00"},
                {"time": 7},
                {"name": "a..b"},
                {"name": f"{'a' * 64}.example"},
                {"name": "a." * 127 + "a"},
                {"name": "\u202egro.elpmaxe"},
                {"name": "a\\256.example"},
                {"name": "a b.example"},
                {"name": None},
                {"name": 7},
                {"type": None},
                {"type": "NOPE"},
                {"type": "TYPE65536"},
                {"client": "nobody"},
                {"identity": "spiffe://keyhole.lab"},
                {"identity": "spiffe://keyhole.lab/a/../b"},
                {"identity": "spiffe://keyhole.lab/\u202e"},
                {"identity": f"spiffe://keyhole.lab/{'a' * 2_048}"},
                {"reason": None},
                {"policy": "a\0b"},
                {"duration_us": "long"},
                {"snapshot": "last"},
            )
        ),
    ],
    ids=lambda damage: (damage if isinstance(damage, str) else str(damage))[:40] or "empty",
)
def test_a_damaged_line_is_counted_and_passed_over(
    tmp_path: Path, damage: dict[str, Any] | str
) -> None:
    log = write(tmp_path / "queries.jsonl", EVENT, damage, {**EVENT, "name": "b.example.org"})
    entries, reader = read(log)
    assert names(entries) == ["www.example.org", "b.example.org"]
    assert reader.damaged == 1


def test_octets_that_are_no_text_and_lines_without_end_are_damaged(tmp_path: Path) -> None:
    log = tmp_path / "queries.jsonl"
    event = json.dumps(EVENT).encode()
    log.write_bytes(b"\xff\xfe\n" + event + b"\n" + b"x" * 300_000 + b"\n" + event + b"\n" + event)
    entries, reader = read(log)
    assert (len(entries), reader.damaged) == (2, 3)


@pytest.mark.parametrize(
    "name",
    [".", "a", "_dmarc.example.org", r"a\.b\000\255.example", r"\"\(\;\@\$\\.example", "a." * 126],
)
def test_every_name_that_the_engine_writes_is_read(tmp_path: Path, name: str) -> None:
    name = name if name == "." else name.rstrip(".")
    entries, _ = read(write(tmp_path / "queries.jsonl", {**EVENT, "name": name}))
    assert names(entries) == [name]


def test_a_message_that_was_no_question_has_neither_name_nor_type(tmp_path: Path) -> None:
    event = {**EVENT, "name": None, "type": None, "outcome": "refused", "reason": "malformed"}
    (entry,), _ = read(write(tmp_path / "queries.jsonl", event))
    assert (entry.name, entry.kind) == (None, None)


def test_what_the_log_says_it_lacks_is_summed(tmp_path: Path) -> None:
    log = write(tmp_path / "queries.jsonl", {"lost": 3}, EVENT, {"lost": 4})
    entries, reader = read(log)
    assert (len(entries), reader.lost, reader.damaged) == (1, 7, 0)


def test_a_folder_is_read_from_its_older_file_on(tmp_path: Path) -> None:
    write(tmp_path / "queries.jsonl", {**EVENT, "name": "new.example.org"})
    write(tmp_path / "queries.1.jsonl", {**EVENT, "name": "old.example.org"})
    write(tmp_path / "other.jsonl", {**EVENT, "name": "other.example.org"})
    entries, _ = read(tmp_path)
    assert names(entries) == ["old.example.org", "new.example.org"]


def test_a_file_that_becomes_the_older_one_meanwhile_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / "queries.1.jsonl", {**EVENT, "name": "old.example.org"})
    write(tmp_path / "queries.jsonl", {**EVENT, "name": "new.example.org"})
    reader = LogReader([tmp_path])
    (tmp_path / "queries.1.jsonl").unlink()
    os.link(tmp_path / "queries.jsonl", tmp_path / "queries.1.jsonl")
    assert names(list(reader)) == ["new.example.org"]


def test_where_there_is_no_log_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(QueryLogError, match=r"holds no queries\.jsonl"):
        LogReader([tmp_path])
    with pytest.raises(QueryLogError, match="does not exist"):
        LogReader([tmp_path / "gone.jsonl"])
