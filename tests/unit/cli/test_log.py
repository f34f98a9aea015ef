"""What ``keyhole log`` shows, and what never reaches a terminal."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from keyhole.__main__ import main
from tests.unit.querylog.test_read import EVENT, write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a log of four queries."""
    write(
        tmp_path / "log" / "queries.1.jsonl",
        {**EVENT, "name": "first.example.org", "client": "192.0.2.7"},
    )
    write(
        tmp_path / "log" / "queries.jsonl",
        {**EVENT, "name": "example.org", "identity": "spiffe://keyhole.lab/ns/shop/sa/web"},
        "{damaged",
        {
            **EVENT,
            "name": "x.ads.example",
            "outcome": "blocked",
            "reason": "blocked_by_rule",
            "rule": "policy.yaml:7 Policy/home spec.rules[0]",
            "upstream": None,
            "duration_us": 0,
        },
        {**EVENT, "name": None, "type": None, "outcome": "refused", "reason": "malformed"},
    )
    return tmp_path


def shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, list[str]]:
    monkeypatch.setattr(sys, "argv", ["keyhole", "log", *arguments])
    # An engine blocks signals until it serves; later tests need them.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        code = main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return code, capsys.readouterr().out.splitlines()


def test_the_last_queries_are_shown_one_on_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: Path
) -> None:
    code, lines = shown(monkeypatch, capsys, "--data", str(data), "--lines", "3")
    assert code == 0
    assert "example.org AAAA from spiffe://keyhole.lab/ns/shop/sa/web over dot" in lines[0]
    assert lines[0].endswith("answer of test in 1.5 ms")
    assert "blocked_by_rule" in lines[1]
    assert lines[1].endswith("by policy.yaml:7 Policy/home spec.rules[0]")
    assert "no question" in lines[2]
    assert len(lines) == 3


def test_alike_queries_are_shown_by_their_name_and_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    turned_away = {**EVENT, "name": None, "type": None, "outcome": "refused", "count": 7}
    write(tmp_path / "log" / "queries.jsonl", {**EVENT, "count": 1_200}, turned_away)
    _, (alike, others) = shown(monkeypatch, capsys, "--data", str(tmp_path))
    assert f" {EVENT['name']} {EVENT['type']}, 1,200 queries from " in alike
    assert " 7 queries from " in others


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], ["first.example.org", "example.org", "x.ads.example", None]),
        (["--name", "example.org"], ["first.example.org", "example.org"]),
        (["--name", "Example.ORG.", "--client", "192.0.2.7"], ["first.example.org"]),
        (["--client", "spiffe://keyhole.lab/ns/shop/*"], ["example.org"]),
        (["--client", "spiffe://keyhole.lab/ns/shop"], []),
        (["--lines", "0"], []),
    ],
)
def test_only_matching_queries_are_shown(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    data: Path,
    arguments: list[str],
    names: list[str | None],
) -> None:
    code, lines = shown(monkeypatch, capsys, "--data", str(data), "--json", *arguments)
    assert code == 0
    assert [json.loads(line)["name"] for line in lines] == names


def test_json_prints_the_lines_as_they_were_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    events: list[dict[str, Any]] = [
        EVENT,
        {**EVENT, "token": "tv", "time": "2026-11-25T22:00:00.000000Z"},
        {**EVENT, "client": None, "policy": None, "snapshot": None, "observed": "ads"},
    ]
    write(tmp_path / "log" / "queries.jsonl", *events)
    _, lines = shown(monkeypatch, capsys, "--data", str(tmp_path), "--json")
    # The engine that wrote them is no part of the file.
    assert [json.loads(line) for line in lines] == [{**one, "engine": "local"} for one in events]


@pytest.mark.parametrize("as_json", [False, True])
def test_no_control_characters_reach_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    as_json: bool,
) -> None:
    bad = "\x1b[2J\u202e\r\n[red]x[/]:bomb:"
    fields = ("token", "policy", "rule", "observed", "upstream", "reason", "outcome", "transport")
    write(tmp_path / "log" / "queries.jsonl", {**EVENT, **dict.fromkeys(fields, bad)})
    arguments = ["--json"] if as_json else []
    _, lines = shown(monkeypatch, capsys, "--data", str(tmp_path), *arguments)
    (line,) = lines
    assert line.isprintable()
    assert "[red]x[/]:bomb:" in line, "shown, not obeyed"


def test_a_missing_log_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "log").mkdir()
    monkeypatch.setattr(sys, "argv", ["keyhole", "log", "--data", str(tmp_path)])
    assert main() == 1
    assert "log.keep" in capsys.readouterr().err
