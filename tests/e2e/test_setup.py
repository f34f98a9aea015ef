"""``keyhole setup`` by options and at a terminal, and what the first start makes of it."""

import os
import pty
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import httpx2
import pytest

from tests.world.own_network import own_network
from tests.world.process import Program, call_keyhole
from tests.world.tools import needs, needs_root
from tests.world.waiting import until

PASSWORD = "correct horse battery staple"
OPTIONS = ["--serve", "none", "--upstream", "quad9", "--upstream", "dot:dns.example.org@192.0.2.1",
           "--list", "none"]  # fmt: skip


@pytest.fixture
def network() -> Iterator[None]:
    """Loopback alone, where every port is free."""
    with own_network():
        yield


def _left(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*"))


def _answers(port: int) -> bool:
    """Over UDP, a name that Keyhole answers by itself."""
    try:
        query = dns.message.make_query("1.0.0.10.in-addr.arpa", "PTR")
        return bool(dns.query.udp(query, "127.0.0.1", timeout=1, port=port))
    except (OSError, dns.exception.DNSException):
        return False


@needs_root
@needs("ip")
@pytest.mark.usefixtures("network")
def test_three_commands_serve_a_machine_on_port_53(tmp_path: Path) -> None:
    """Nothing is written while somebody else has the port, in a dry run, or where options lack."""
    data = tmp_path / "data"
    words = ["setup", "--data", str(data), "--listen", "127.0.0.1", *OPTIONS]
    lacking = call_keyhole("setup", "--data", str(data), "--listen", "127.0.0.1")
    assert lacking.returncode == 2
    for option in ("--serve", "--upstream", "--list", "--password-file or --one-time-password"):
        assert option in " ".join(lacking.stderr.replace("│", " ").split())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 53))
        taken = call_keyhole(*words, "--password-file", "-", given=f"{PASSWORD}\n")
    assert taken.returncode == 1
    assert "udp 127.0.0.1:53: in use by" in taken.stdout
    assert f"(process {os.getpid()}" in taken.stdout
    assert "nothing was written" in taken.stderr
    dry = call_keyhole(*words, "--one-time-password", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert 'serverName: "dns.example.org"' in dry.stdout
    weak = call_keyhole(*words, "--password-file", "-", given="short\n")
    assert "too short" in weak.stderr
    assert _left(tmp_path) == []

    made = call_keyhole(*words, "--password-file", "-", given=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    assert PASSWORD not in (data / "first-password").read_text()
    assert (data / "first-password").stat().st_mode & 0o777 == 0o600
    again = call_keyhole(*words, "--one-time-password")
    assert again.returncode == 1
    assert "nothing is overwritten" in " ".join(again.stderr.split())

    program = Program.keyhole("up", "--data", str(data), log=tmp_path / "log")
    try:
        until(lambda: _answers(53) or not program.is_running(), "it answers on port 53")
        program.must_run()
        until(lambda: not (data / "first-password").exists(), "the password is taken over")

        def log_in(password: str) -> int:
            entry = {"name": "admin", "password": password}
            headers = {"x-keyhole-request": "test"}
            url = "http://127.0.0.1:8080/api/v1/session"
            try:
                return httpx2.post(url, json=entry, headers=headers).status_code
            except httpx2.TransportError:
                return 0  # it does not listen yet

        until(lambda: log_in("x" * 20) == 401, "the API serves")
        assert log_in(PASSWORD) == 200
        assert "with your password" in made.stdout
        assert "first administrator" not in program.output, "there is no one-time password"
    finally:
        program.stop()
    # Now the folder is used: setup says what is missing in it, and that is nothing.
    assert "nothing is missing" in call_keyhole("setup", "--data", str(data)).stdout


def _talk(folder: Path, *said: tuple[str, str]) -> tuple[int, str]:
    """Says each answer once its question is there; the exit code and all that was shown."""
    # One of its own: the end of whoever has a terminal hangs it up.
    person, program = pty.openpty()
    os.set_blocking(person, False)
    command = [sys.executable, "-m", "keyhole", "setup", "--data", str(folder), "--port", "25395"]
    shown = ""

    def has(text: str) -> bool:
        nonlocal shown
        with suppress(BlockingIOError):
            shown += os.read(person, 65_536).decode(errors="replace")
        return text in shown

    with subprocess.Popen(
        command, stdin=program, stdout=program, stderr=program, start_new_session=True,
        preexec_fn=_own_terminal,
    ) as asked:  # fmt: skip
        try:
            for question, answer in said:
                until(partial(has, question), f"{question} is asked")
                os.write(person, answer.encode())
            until(lambda: has("") and asked.poll() is not None, "it ends")
            has("")
        except AssertionError as error:
            raise AssertionError(f"{error}: {shown}") from None
        finally:
            asked.kill()
    os.close(program)
    os.close(person)
    return asked.returncode, shown


def _own_terminal() -> None:
    # Ctrl-C is a signal to the session whose terminal it is (termios(3)).
    os.close(os.open(os.ttyname(0), os.O_RDWR))


@needs_root
@needs("ip")
@pytest.mark.usefixtures("network")
def test_a_person_is_asked_five_questions_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    begun = [("1. Addr", "127.0.0.1\n"), ("2. Networks", "none\n")]
    code, shown = _talk(tmp_path / "a", *begun, ("3. Upstreams", "\x03"))
    assert code != 0, shown
    assert _left(tmp_path) == []
    code, shown = _talk(
        tmp_path / "b",
        *begun,
        ("3. Upstreams", "qad9\n"),
        ("did you mean quad9", "quad9\n"),
        ("4. Lists", "\n"),
        # The space comes when what was typed before is thrown away (getpass).
        ("at the start): ", "\n"),
    )
    assert code == 0, shown
    assert (tmp_path / "b" / "keyhole.yaml").exists()
    assert "hagezi-light" in (tmp_path / "b" / "documents" / "lists.yaml").read_text()
    assert not (tmp_path / "b" / "first-password").exists()
