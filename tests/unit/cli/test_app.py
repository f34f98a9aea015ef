"""The commands from outside: help, exit codes, and messages instead of tracebacks."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keyhole.__main__ import COMMANDS as TABLE
from keyhole.__main__ import main

POLICY = """\
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: home}
spec: {default: allow, upstreams: [test]}
---
apiVersion: keyhole.dev/v1
kind: Upstream
metadata: {name: test}
spec: {protocol: dot, addresses: [192.0.2.1], serverName: dns.example.org}
"""


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["keyhole", *arguments])
    # An engine blocks signals until it serves; later tests need them.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        return main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


COMMANDS = [
    "up", "lab", "engine", "control", "dig", "explain", "log", "simulate", "check", "import",
    "lists", "version"
]  # fmt: skip


HEAVY = {
    "asyncio", "cryptography", "dns", "duckdb", "fastapi", "h2", "httpx2", "keyhole._core",
    "pydantic", "yaml", "sqlalchemy", "starlette",
}  # fmt: skip
_RUN = """
import json, sys
from keyhole.__main__ import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["keyhole", *arguments]
    try:
        main()
    except SystemExit:
        pass
print("\\n" + " ".join(sys.modules))
"""


def _imported(*commands: list[str]) -> set[str]:
    """The modules that a process has after these commands."""
    run = [sys.executable, "-c", _RUN, json.dumps(commands)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_nothing_heavy() -> None:
    assert not _imported(["--help"]) & HEAVY


def test_help_of_each_command_imports_nothing_heavy() -> None:
    commands = [[name, "--help"] for modules in TABLE.values() for name in modules]
    # Typer itself uses pydantic to read options.
    assert not _imported(*commands) & (HEAVY - {"pydantic"})


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert _run(monkeypatch, command, "--help") == 0
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "lists"])
def test_help_shows_examples(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    _run(monkeypatch, command, "--help")
    assert f"keyhole {command}" in capsys.readouterr().out


def test_no_command_lists_all_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(monkeypatch)
    captured = capsys.readouterr()
    output = captured.out + captured.err
    assert all(command in output for command in COMMANDS)


def test_version_prints_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "version", "--json") == 0
    assert "keyhole" in json.loads(capsys.readouterr().out)


def test_valid_documents_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    assert _run(monkeypatch, "check", str(tmp_path)) == 0


def test_invalid_documents_give_exit_code_3_with_place_and_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY.replace("allow", "alow"))
    assert _run(monkeypatch, "check", "--json", str(tmp_path)) == 3
    report = json.loads(capsys.readouterr().out)
    assert report["valid"] is False
    (problem,) = report["problems"]
    assert (problem["line"], problem["path"]) == (4, "spec.default")
    assert "allow" in problem["why"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["dig"], 2, "give a name"),
        (["dig", "example.org", "--tcp", "--tls"], 2, "choose one of"),
        (["dig", "@quic://192.0.2.1", "example.org"], 2, "not known"),
        (["dig", "@127.0.0.1:1", "+tcp", "example.org"], 1, "nothing listens"),
        (["dig", "@127.0.0.1:1", "+tls", "--ca", "/missing.pem", "x.example"], 1, "CA file"),
        (["up", "--config", "/missing/keyhole.yaml"], 3, "no such file|cannot be read|not a"),
        (["lists", "search", "example.org"], 1, "has no snapshot yet"),
        (["explain", "example.org"], 1, "does not exist"),
        (["engine", "/missing/launch.json"], 1, "does not exist"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_a_mistake_gives_a_message_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    monkeypatch.setenv("KEYHOLE_DATA", str(tmp_path))
    assert _run(monkeypatch, *arguments) == code
    output = capfd.readouterr().err
    assert any(word in output for word in words.split("|")), output
    assert "Traceback" not in output
