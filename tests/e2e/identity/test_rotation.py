"""Certificates change while everybody asks: no question is lost."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message
import pytest

from tests.world import raw
from tests.world.ask import Server
from tests.world.callers import HONEST, Caller, line
from tests.world.certificates import Authority, Pair, bundle
from tests.world.outcome import word
from tests.world.resolver import Resolver, document
from tests.world.trust import replace
from tests.world.upstream import Upstream
from tests.world.waiting import until

ROUNDS = 100
WEB = "spiffe://home.test/ns/shop/sa/web"
# Questions of one client on one connection; then it connects again, with its newest certificate.
_EACH = 8


class Client:
    """A workload that asks all the time, and reads its certificate again for each connection."""

    def __init__(self, server: Server, way: str, caller: Caller) -> None:
        self._server, self._way = server, way
        self.caller = caller
        self.shown: Caller | None = None
        self.answers = 0
        self.problems: list[str] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Begins to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Asks its last question."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.is_set():
            caller = self.caller
            try:
                self._connect_and_ask(caller)
            except Exception as error:  # noqa: BLE001 (whatever it is, a question was lost)
                self.problems.append(f"{self._way}: {error!r}")

    def _connect_and_ask(self, caller: Caller) -> None:
        with line(self._server, self._way, caller) as ask:
            for _ in range(_EACH):
                said = word(ask(dns.message.make_query("www.example.org", "A", use_edns=0)))
                if said != "answered":
                    self.problems.append(f"{self._way}: {said}")
                self.answers += 1
                self.shown = caller


@contextmanager
def _asking(server: Server, caller: Caller) -> Iterator[list[Client]]:
    clients = [Client(server, way, caller) for way in ("dot", "doh2", "dot", "doh1")]
    for client in clients:
        client.start()
    try:
        yield clients
    finally:
        for client in clients:
            client.stop()


@pytest.mark.timeout(900)
def test_a_hundred_rotations_of_all_certificates_lose_no_question(
    make_resolver: Callable[[], Resolver], upstream: Upstream, authority: Authority, tmp_path: Path
) -> None:
    resolver = make_resolver()
    resolver.configure(authentication={"dot": "strict", "doh": "strict"})
    root = Authority(tmp_path / "root-0", "root 0")
    trusted = resolver.documents / "bundle.pem"
    replace(trusted, bundle(root))
    resolver.write(
        resolver.upstream(upstream.port),
        document("TrustDomain", "home.test", bundle="bundle.pem"),
        document("Policy", "home", subjects=[WEB], default="allow", upstreams=["test"]),
    )
    # The probe of `start` comes over TCP, by the network.
    resolver.write(document("Policy", "probe", subjects=["cidr:127.0.0.0/8"], default="allow"))
    server = resolver.start().server
    with _asking(server, Caller(certificate=root.svid(WEB))) as clients:
        for number in range(1, ROUNDS + 1):
            following = Authority(tmp_path / f"root-{number}", f"root {number}")
            # The next root of the clients is trusted beside the one in use, and the one before that
            # no longer; the server shows a new certificate.
            replace(trusted, bundle(root, following))
            pair = authority.issue("resolver.example.org", "127.0.0.1")
            resolver.install(pair)
            _take_up(server, clients, Caller(certificate=following.svid(WEB)), pair)
            root = following
    assert [problem for client in clients for problem in client.problems] == []
    assert all(client.answers >= ROUNDS * _EACH for client in clients)


def _take_up(server: Server, clients: list[Client], fresh: Caller, pair: Pair) -> None:
    """Waits until the server has followed, and then until every client has."""
    until(lambda: _in_force(server, fresh, pair.leaf.serial_number), "the rotation is in force")
    for client in clients:
        client.caller = fresh
    until(lambda: all(client.shown is fresh for client in clients), "all show their new one")


def _in_force(server: Server, caller: Caller, serial: int) -> bool:
    """Whether the server shows this certificate and takes that of the caller."""
    try:
        with raw.tls(server, HONEST.context(server, caller, "dot")) as stream:
            assert isinstance(stream.sock, ssl.SSLSocket)
            shown = stream.sock.getpeercert() or {}
            stream.send(dns.message.make_query("www.example.org", "A").to_wire())
            return stream.receive() is not None and int(str(shown["serialNumber"]), 16) == serial
    except ssl.SSLError:
        return False
