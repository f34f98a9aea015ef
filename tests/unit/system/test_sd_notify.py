"""A service manager learns on its socket that a service is ready, lives, and ends."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from keyhole.system import sd_notify
from keyhole.system.sd_notify import SdNotify
from tests.world.waiting import PATIENCE


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(PATIENCE)
        yield listening


def _environment(systemd: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": systemd.getsockname(), "PATH": "/bin", **more}


def test_each_state_is_one_message(systemd: socket.socket) -> None:
    service = SdNotify.take(_environment(systemd))
    service.ready("DNS is served")
    service.alive()
    service.stopping()
    said = [systemd.recv(4096) for _ in range(3)]
    assert said == [b"READY=1\nSTATUS=DNS is served", b"WATCHDOG=1", b"STOPPING=1"]


def test_an_abstract_socket_is_found_by_its_leading_at_sign() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("")  # the kernel chooses an abstract name (unix(7), autobind)
        listening.settimeout(PATIENCE)
        name = "@" + listening.getsockname()[1:].decode()
        SdNotify.take({"NOTIFY_SOCKET": name}).stopping()
        assert listening.recv(4096) == b"STOPPING=1"


def test_the_variables_are_not_left_for_the_processes_that_this_one_starts(
    systemd: socket.socket,
) -> None:
    environment = _environment(systemd, WATCHDOG_USEC="3000000", WATCHDOG_PID=str(os.getpid()))
    SdNotify.take(environment)
    assert environment == {"PATH": "/bin"}


def test_signs_of_life_come_three_times_within_the_limit() -> None:
    own = {"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}
    assert SdNotify.take({"WATCHDOG_USEC": "3000000"}).ping_seconds == 1
    assert SdNotify.take(own).ping_seconds == 1


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"},
    ],
)
def test_no_sign_of_life_is_expected_without_a_limit_for_this_process(
    environment: dict[str, str],
) -> None:
    assert SdNotify.take(environment).ping_seconds is None


def test_a_ready_that_found_no_room_is_said_with_the_next_sign_of_life(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it the manager would end a service that serves."""
    monkeypatch.setattr(sd_notify, "_WAIT_SECONDS", 0.0)
    service = SdNotify.take(_environment(systemd))
    for _ in range(10_000):  # more than the queue holds
        service.alive()
    service.ready("DNS is served")
    systemd.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            assert systemd.recv(4096) == b"WATCHDOG=1"
    for _ in range(2):
        service.alive()
    assert systemd.recv(4096) == b"WATCHDOG=1\nREADY=1\nSTATUS=DNS is served"
    assert systemd.recv(4096) == b"WATCHDOG=1", "once"


def test_a_socket_that_is_gone_or_full_stops_nothing(tmp_path: Path) -> None:
    SdNotify.take({}).ready("DNS is served")
    SdNotify(str(tmp_path / "gone")).alive()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        service = SdNotify(str(tmp_path / "deaf"))
        for _ in range(10_000):  # more than its queue holds
            service.alive()
        assert deaf.recv(4096) == b"WATCHDOG=1"
