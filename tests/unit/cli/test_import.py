"""Output and exit codes of ``keyhole import``."""

import json
import re
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


def test_it_reports_changed_items_left_items_and_sums(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = home_teleporter(tmp_path / "teleporter.zip")
    assert _run(monkeypatch, "pihole", str(file), "--out", str(tmp_path / "out")) == 0
    output = capsys.readouterr().out
    assert re.search(r"changed client nas\.home\.example \(.*\): identified by 10\.1\.3\.1", output)
    assert "left rule .*;invert (domainlist[" in output
    assert "record: 80 taken\n" in output
    assert f"written: {tmp_path / 'out'}, 5 files" in output


def test_a_dry_run_reports_the_same_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = home_teleporter(tmp_path / "teleporter.zip", upstreams=["1.1.1.1"])
    monkeypatch.chdir(tmp_path)
    assert _run(monkeypatch, "pihole", str(file), "--dry-run") == 0
    output = capsys.readouterr().out
    assert "no upstream yet" in output
    assert "nothing was written" in output
    assert list(tmp_path.iterdir()) == [file]


def test_json_has_every_item(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = home_teleporter(tmp_path / "teleporter.zip")
    monkeypatch.chdir(tmp_path)
    assert _run(monkeypatch, "pihole", str(file), "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["folder"] == "pihole-documents"
    assert sum(sum(fates.values()) for fates in result["counts"].values()) == len(result["items"])
    assert json.loads((tmp_path / "pihole-documents" / "import.json").read_text()) == {
        key: result[key] for key in ("counts", "items")
    }


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("pihole", "missing.zip"), 1, "no file or folder missing.zip"),
        (("adguard", "missing.yaml"), 1, "not a file"),
        (("pihole", "text"), 1, "not a file of Pi-hole"),
        (("technitium", "text"), 1, "not a zip"),
        (("unifi", "text"), 2, "unifi"),
    ],
)
def test_an_unreadable_file_gives_a_message_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("hello")
    assert _run(monkeypatch, *arguments) == code
    assert message in capsys.readouterr().err


def test_foreign_names_cannot_control_the_terminal(
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
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert "[red]x" in output
