"""`keyhole doctor` from outside: signs, exit codes, and no file that makes it hang or fall."""

import json
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from keyhole.cli.doctor_screen import show_report
from keyhole.control.doctor import Finding, Sign
from tests.world.process import call_keyhole

_FILES = (
    "control.db",
    "installation.json",
    "documents/policy.yaml",
    "identity/root.pem",
    "identity/issuer.pem",
    "identity/issuer-key.pem",
    "identity/tokens.json",
    "identity/revoked.json",
    "identity/server.pem",
    "log/queries.jsonl",
    "state/clock.json",
    "state/launch.json",
    "state/lists.json",
    "state/snapshot.json",
    "state/standing.json",
    "state/stored",
    "run/api.sock",
)
_SETTINGS = "listen: {udp: [], tcp: [], dot: ['127.0.0.1:0'], doh: []}\napi: {listen: []}\n"


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _damaged(path: Path) -> None:
    path.write_bytes(b"\xff\x00{[: nonsense")


def _empty(path: Path) -> None:
    path.touch()


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize("spoil", [_fifo, _folder, _damaged, _empty, _loop])
@pytest.mark.parametrize("settings", [_SETTINGS, None])
def test_whatever_lies_in_the_folder_is_a_line_of_the_report(
    tmp_path: Path, spoil: Callable[[Path], None], settings: str | None
) -> None:
    for name in _FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        spoil(tmp_path / name)
    if settings is None:
        spoil(tmp_path / "keyhole.yaml")
    else:
        (tmp_path / "keyhole.yaml").write_text(settings)
    done = call_keyhole("doctor", "--data", str(tmp_path), "--json")
    assert done.returncode == 1
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert (found["works"], found["is_running"]) == (False, False)
    said = json.dumps(found)
    assert "because of a bug" not in said, said
    assert "did not end" not in said, said


def test_settings_that_are_named_and_not_there_are_wrong(tmp_path: Path) -> None:
    done = call_keyhole("doctor", "--data", str(tmp_path), "--config", str(tmp_path / "no.yaml"))
    assert done.returncode == 1
    assert "x settings" in done.stdout
    assert "no.yaml" in done.stdout
    assert not [*tmp_path.iterdir()]


def test_it_looks_at_this_machine_alone(tmp_path: Path) -> None:
    done = call_keyhole("--server", "https://keyhole.example.org", "doctor")
    assert done.returncode == 1
    assert "doctor looks at this machine" in done.stderr


def test_each_sign_has_its_line_and_what_mends_it_stands_below() -> None:
    report = [
        ("ports", [
            Finding("a", Sign.WORKS, "free"),
            Finding("b", Sign.WRONG, "taken\nby [x]\x1b", ("end it", "or move")),
        ]),
        ("none", []),
        ("rest", [
            Finding("c", Sign.WARNING, "soon"),
            Finding("d", Sign.UNKNOWN, "hidden"),
            Finding("e", Sign.NOTE, "so it is"),
        ]),
    ]  # fmt: skip
    terminal = Console(file=StringIO(), width=80, highlight=False)
    with terminal.capture() as captured:
        show_report(terminal, report)
    assert captured.get().splitlines() == [
        "ports",
        "  + a: free",
        "  x b: taken",
        r"      by [x]\x1b",
        "      > end it",
        "      > or move",
        "rest",
        "  ! c: soon",
        "  ? d: hidden",
        "  - e: so it is",
        "1 wrong, 1 warning, 1 cannot be told",
    ]
