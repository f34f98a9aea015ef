"""A service manager such as systemd learns when DNS is served, that Keyhole lives, and its end."""

import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.world.ask import Server
from tests.world.resolver import Resolver, document
from tests.world.waiting import PATIENCE

_NAME = "printer.example.org"


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket of systemd that expects a sign of life each 0.3 seconds."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", listening.getsockname())
        monkeypatch.setenv("WATCHDOG_USEC", "300000")
        yield listening


def _next(systemd: socket.socket, word: bytes) -> bytes:
    """The next message with ``word``; those before it are thrown away."""
    while True:
        said = systemd.recv(4096)
        if word in said:
            return said


def _forget(systemd: socket.socket) -> None:
    """Makes room in the queue, which is short: what does not fit is lost."""
    systemd.setblocking(False)
    with suppress(BlockingIOError):
        while systemd.recv(4096):
            pass
    systemd.settimeout(PATIENCE)


def _answer(server: Server) -> list[str]:
    return server.ask(_NAME).addresses


def test_ready_means_that_dns_is_served_and_signs_of_life_follow(
    systemd: socket.socket, resolver: Resolver
) -> None:
    resolver.write(document("Record", "printer", name=_NAME, a=["192.0.2.7"]))
    resolver.configure()
    resolver.begin()
    assert _next(systemd, b"READY=1").endswith(b"STATUS=DNS is served")
    # Without waiting: whatever is ordered after the service may ask at once.
    assert _answer(resolver.server) == ["192.0.2.7"]
    _next(systemd, b"WATCHDOG=1")
    _next(systemd, b"WATCHDOG=1")
    resolver.program.send(signal.SIGTERM)
    _next(systemd, b"STOPPING=1")
    assert resolver.program.wait() == 0


def test_a_second_start_is_ready_from_the_last_good_snapshot(
    systemd: socket.socket, resolver: Resolver
) -> None:
    resolver.write(document("Record", "printer", name=_NAME, a=["192.0.2.7"]))
    resolver.start()
    resolver.wait_for_api()
    resolver.program.stop()
    _forget(systemd)
    resolver.begin()
    assert b"last good snapshot" in _next(systemd, b"READY=1")
    assert _answer(resolver.server) == ["192.0.2.7"]


def test_no_process_that_it_starts_can_speak_for_it(
    systemd: socket.socket, resolver: Resolver
) -> None:
    resolver.start()
    _next(systemd, b"READY=1")
    for word in ("engine", "control"):
        for pid in resolver.program.children(word):
            assert b"NOTIFY_SOCKET" not in Path(f"/proc/{pid}/environ").read_bytes()
            assert b"WATCHDOG_USEC" not in Path(f"/proc/{pid}/environ").read_bytes()
