"""``keyhole import`` as a person meets it."""

import json
import sys
from pathlib import Path

import pytest

from keyhole.__main__ import main
from tests.world.imports import DENY, gravity, home_teleporter, rows


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["keyhole", "import", *arguments])
    try:
        return main()
    except SystemExit as end:
        return int(end.code or 0)


def test_it_tells_what_changed_what_was_left_and_the_sums(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = home_teleporter(tmp_path / "teleporter.zip")
    assert _run(monkeypatch, "pihole", str(file), "--out", str(tmp_path / "out")) == 0
    said = capsys.readouterr().out
    assert "changed client nas.home.example: identified by 10.1.3.1" in said
    assert "left rule .*;invert: " in said
    assert "record: 80 taken\n" in said
    assert f"written: {tmp_path / 'out'}, 5 files" in said


def test_a_dry_run_says_the_same_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = home_teleporter(tmp_path / "teleporter.zip", upstreams=["1.1.1.1"])
    monkeypatch.chdir(tmp_path)
    assert _run(monkeypatch, "pihole", str(file), "--dry-run") == 0
    said = capsys.readouterr().out
    assert "no upstream yet" in said
    assert "nothing was written" in said
    assert list(tmp_path.iterdir()) == [file]


def test_a_program_gets_every_item(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = home_teleporter(tmp_path / "teleporter.zip")
    monkeypatch.chdir(tmp_path)
    assert _run(monkeypatch, "pihole", str(file), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["folder"] == "pihole-documents"
    assert sum(sum(fates.values()) for fates in told["counts"].values()) == len(told["items"])
    assert json.loads((tmp_path / "pihole-documents" / "import.json").read_text()) == {
        key: told[key] for key in ("counts", "items")
    }


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("pihole", "missing.zip"), 1, "no file missing.zip"),
        (("adguard", "missing.yaml"), 1, "not a file"),
        (("pihole", "text"), 1, "not a file of Pi-hole"),
        (("technitium", "text"), 1, "not a zip"),
        (("unifi", "text"), 2, "unifi"),
    ],
)
def test_what_cannot_be_read_ends_with_words_and_a_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("hello")
    assert _run(monkeypatch, *arguments) == code
    assert said in capsys.readouterr().err


def test_names_from_outside_cannot_move_the_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    evil = "\x1b[2J[red]x\u202e\r\n"
    tables = rows(
        domainlist=[{"id": 1, "type": DENY, "domain": evil + "y", "comment": evil},
                    {"id": 2, "type": DENY, "domain": "fine.example"}],
        domainlist_by_group=[{"domainlist_id": n, "group_id": 0} for n in (1, 2)],
        client=[{"id": 1, "ip": evil}],
    )  # fmt: skip
    file = gravity(tmp_path / "gravity.db", tables)
    assert _run(monkeypatch, "pihole", str(file), "--dry-run") == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "[red]x" in said
