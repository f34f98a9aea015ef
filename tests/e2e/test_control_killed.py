"""Control may be killed at any moment: DNS is answered throughout, and nothing needs a repair.

``KEYHOLE_KILLS`` says how often; CI kills a few times, and 200 is what was promised.
"""

import itertools
import json
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.exception
import httpx2
import pytest

from tests.world.ask import Server, Transport
from tests.world.list_server import ListServer
from tests.world.resolver import Resolver, document
from tests.world.waiting import until

KILLS = int(os.environ.get("KEYHOLE_KILLS", "3"))
_NAMES = 500
_TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "dot")
_STEADY = "steady.example.org"


class Asker:
    """A client that asks without a pause, each question only once, and keeps what became of it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answered: list[str] = []
        self.failed: list[str] = []

    def _run(self) -> None:
        for number in itertools.count():
            if self._ended.is_set():
                return
            name, transport = f"q{number}.example.org", _TRANSPORTS[number % 3]
            try:
                reply = self._server.ask(name, transport=transport)
                why = "" if reply.addresses else f"{reply.rcode} {reply.errors}"
            except (OSError, EOFError, dns.exception.DNSException) as error:
                why = repr(error)
            if why:
                self.failed.append(f"{name} over {transport}: {why}")
            else:
                self.answered.append(name)

    def __enter__(self) -> "Asker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def _list(version: int) -> str:
    return "".join(f"v{version}-{number}.example.com\n" for number in range(_NAMES))


def _record(number: int) -> str:
    return json.dumps(document("Record", "steady", name=_STEADY, ttl=0, a=[_address(number)]))


def _address(number: int) -> str:
    return f"198.19.{number // 256}.{number % 256}"


class Busy:
    """Somebody who changes a document and a list, one version after the other, all the time."""

    def __init__(self, resolver: Resolver, server: ListServer) -> None:
        self._resolver = resolver
        self._server = server
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(work,))
            for work in (self._document, self._update)
        ]
        self.acknowledged = 0
        self.tried = 0
        self.listed = 0

    def _run(self, work: Callable[[], None]) -> None:
        while not self._ended.is_set():
            # While control is away there is nobody to ask; then it is tried again.
            try:
                work()
            except httpx2.TransportError:
                self._ended.wait(0.02)

    def _document(self) -> None:
        self.tried += 1
        text = _record(self.tried)
        answer = self._resolver.api("POST", "/documents", json={"text": text})
        if answer.status_code == 200:
            self.acknowledged = self.tried

    def _update(self) -> None:
        self.listed += 1
        self._server.serve(_list(self.listed))
        self._resolver.api("POST", "/lists/refresh", json={})

    def __enter__(self) -> "Busy":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def _subscribed(resolver: Resolver) -> Iterator[ListServer]:
    with ListServer() as server:
        resolver.configure(downloads={"allow": ["127.0.0.0/8"]})
        url = server.serve(_list(0))
        resolver.write(
            document("List", "ads", urls=[url], guard=False),
            document("Policy", "home", default="allow", upstreams=["test"], lists=["ads"]),
        )
        resolver.start()
        resolver.wait_for(lambda: _blocked(resolver, 0), "the list is in force")
        yield server


def _blocked(resolver: Resolver, version: int, number: int = 0) -> bool:
    return resolver.server.ask(f"v{version}-{number}.example.com").rcode == "NXDOMAIN"


def _kill_control(resolver: Resolver) -> None:
    controls = resolver.program.children("control")
    assert len(controls) == 1, resolver.program.output[-4000:]
    os.kill(controls[0], signal.SIGKILL)
    # The socket of one that was killed is there for as long as its last thread.
    resolver.wait_for(
        lambda: resolver.program.children("control") not in ([], controls), "there is another one"
    )
    resolver.wait_for_api()


@pytest.mark.timeout(300 + 15 * KILLS)
def test_killed_in_the_midst_of_everything_dns_goes_on_and_all_is_whole(resolver: Resolver) -> None:
    chance = random.Random(6)
    with _subscribed(resolver) as server:
        engine = resolver.program.children("engine")
        with Asker(resolver.server) as asker, Busy(resolver, server) as busy:
            for _ in range(KILLS):
                before = busy.acknowledged
                # Killed at any moment, but never before there is a change at all.
                resolver.wait_for(lambda: busy.acknowledged > before, "a change is acknowledged")  # noqa: B023
                threading.Event().wait(chance.uniform(0.0, 0.5))
                _kill_control(resolver)
        assert asker.failed == []
        assert len(asker.answered) > KILLS
        assert resolver.program.children("engine") == engine, "the engine never ended"
        _documents_are_whole(resolver, busy)
        _the_list_is_whole(resolver, busy)
        _the_log_is_whole(resolver, asker)


def _documents_are_whole(resolver: Resolver, busy: Busy) -> None:
    """What was acknowledged is kept; what was not may be as well, but not in part."""
    possible = [_address(number) for number in range(busy.acknowledged, busy.tried + 1)]
    stored = resolver.api("GET", "/documents/Record/steady").json()["text"]
    (address,) = [one for one in possible if f'"{one}"' in stored]

    def asked() -> bool:
        return resolver.server.ask(_STEADY).addresses == [address]

    resolver.wait_for(asked, "the engine decides by what is stored")
    assert resolver.command("audit", "--verify").returncode == 0


def _the_list_is_whole(resolver: Resolver, busy: Busy) -> None:
    resolver.wait_for(
        lambda: resolver.api("GET", "/lists/ads").json()["state"] == "in force", "it is settled"
    )

    def state() -> tuple[object, ...]:
        shown = resolver.api("GET", "/lists/ads").json()
        return shown["state"], shown["sources"][0]["sha256"]

    def look() -> list[int] | None:
        """The versions that block, if the list stayed the same meanwhile: after the last kill, it
        may be fetched once more."""
        before = state()
        found = [version for version in range(busy.listed + 1) if _blocked(resolver, version)]
        return found if before == state() and before[0] == "in force" else None

    blocked = until(look, "the list stands still")
    assert len(blocked) == 1
    assert all(_blocked(resolver, blocked[0], number) for number in (1, _NAMES // 2, _NAMES - 1))


def _the_log_is_whole(resolver: Resolver, asker: Asker) -> None:
    """More than was promised: not a second of it is lost, since the engine writes it."""

    def found() -> set[str]:
        names, cursor = set(), None
        while True:
            params = {
                "suffix": "example.org",
                "limit": "1000",
                **({"cursor": cursor} if cursor else {}),
            }
            page = resolver.api("GET", "/queries", params=params).json()
            names |= {row["name"] for row in page["items"]}
            cursor = page["next"]
            if cursor is None:
                return names

    resolver.wait_for(lambda: set(asker.answered) <= found(), "all that was answered is found")


def test_while_control_is_away_the_engine_serves_and_is_found_again(resolver: Resolver) -> None:
    resolver.start()
    resolver.wait_for_api()
    engine = resolver.program.children("engine")
    for _ in range(2):
        (control,) = resolver.program.children("control")
        os.kill(control, signal.SIGSTOP)
        assert resolver.server.ask("stopped.example.org").addresses
        _kill_control(resolver)
        # A change reaches the engine through the new one.
        resolver.settle()
    assert resolver.program.children("engine") == engine
    assert "control was ended by SIGKILL; starting it again at once" in resolver.program.output


def test_an_engine_that_dies_while_control_is_away_comes_back_by_itself(resolver: Resolver) -> None:
    resolver.start()
    resolver.wait_for_api()
    (control,), (engine,) = (resolver.program.children(one) for one in ("control", "engine"))
    os.kill(control, signal.SIGSTOP)
    os.kill(engine, signal.SIGKILL)
    until(lambda: engine not in resolver.program.children("engine"), "the engine is dead")
    resolver.wait_for(lambda: resolver.try_ask("alone.example.org"), "it answers without control")
    os.kill(control, signal.SIGCONT)
    resolver.settle()
