"""`keyhole top` shows a running Keyhole until q is pressed, and says so if none runs."""

import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.world.lab import Lab
from tests.world.process import call_keyhole
from tests.world.waiting import PATIENCE, until

ROWS, COLUMNS = 24, 80


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal of 80 columns and 24 rows: that of the person first."""
    person, program = pty.openpty()
    ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    os.set_blocking(person, False)
    yield person, program
    os.close(person)
    os.close(program)


def _resolver(lab: Lab) -> str:
    return str(Path(lab.ready["data"]) / "resolver")


def test_it_shows_the_lab_until_q_is_pressed(shared_lab: Lab, terminal: tuple[int, int]) -> None:
    person, program = terminal
    before = termios.tcgetattr(program)
    command = [sys.executable, "-m", "keyhole", "top", "--pause", "1"]
    environment = {**os.environ, "TERM": "xterm"}
    shown = ""
    with subprocess.Popen(
        [*command, "--data", _resolver(shared_lab)],
        stdin=program, stdout=program, stderr=program, env=environment,
    ) as top:  # fmt: skip

        def has(text: str) -> bool:
            nonlocal shown
            try:
                shown += os.read(person, 65_536).decode(errors="replace")
            except BlockingIOError:
                assert top.poll() is None, shown
            return text in shown

        until(lambda: has("CLIENTS"), "the first picture is shown")
        first = shown.count("q quits")
        until(lambda: has("") and shown.count("q quits") > first, "it is shown again")
        assert termios.tcgetattr(program)[3] & termios.ECHO == 0
        os.write(person, b"xq")
        assert top.wait(PATIENCE) == 0
    assert termios.tcgetattr(program) == before
    assert "queries/s" in shown


def test_one_picture_is_for_scripts(shared_lab: Lab) -> None:
    data = _resolver(shared_lab)

    def once() -> list[str]:
        done = call_keyhole("top", "--once", "--window", "600", "--data", data)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def complete() -> bool:
        lines = [line.split() for line in once()]
        return any(line[:1] == ["shop/web"] and line[-1] == "closed" for line in lines)

    until(complete, "web has asked")
    assert len(once()) <= ROWS
    assert max(map(len, once())) <= COLUMNS
    done = call_keyhole("top", "--once", "--json", "--data", data)
    picture = json.loads(done.stdout)
    assert picture["window"] == 60
    assert {"forwarder-dot", "forwarder-doh"} == {one["name"] for one in picture["upstreams"]}
    assert picture["graph"]["nodes"]


def test_it_says_plainly_that_nothing_runs(tmp_path: Path) -> None:
    done = call_keyhole("top", "--once", "--data", str(tmp_path))
    assert done.returncode == 1
    assert "no Keyhole runs with the data folder" in done.stderr


def test_without_a_terminal_it_says_what_would_be_right(tmp_path: Path) -> None:
    done = call_keyhole("top", "--data", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "add --once" in done.stderr
    done = call_keyhole("top", "--json", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "add --once" in done.stderr
