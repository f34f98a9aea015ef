"""Section D6: TLS connections end with close_notify, on either side and whatever ends them."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.world.certificates import Authority
from tests.world.resolver import Resolver, document
from tests.world.waiting import PATIENCE, until

# HTTP/2: the preface and an empty SETTINGS frame (RFC 9113 section 3.4).
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


@pytest.fixture(scope="module")
def resolver(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Resolver]:
    """A resolver that ends idle connections soon."""
    one = Resolver(tmp_path_factory.mktemp("closing") / "data", authority)
    one.configure(limits={"idle_time": "1s", "read_time": "1s"})
    try:
        yield one.start()
    finally:
        one.stop()


# What a client meets where the second for what it says is over before it has said it.
_TOO_LATE = (ConnectionError, ssl.SSLEOFError, TimeoutError)


def _said(
    resolver: Resolver, port: int, protocol: str, octets: bytes, why: list[str]
) -> ssl.SSLSocket | None:
    """A connection on which this was said; none where the second for that was over before, with
    ``why``."""
    context = ssl.create_default_context(cafile=str(resolver.authority.root))
    context.set_alpn_protocols([protocol])
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
    with ExitStack() as opened:
        opened.enter_context(plain)
        # Without suppress_ragged_eofs an end without close_notify is an error.
        try:
            tls = opened.enter_context(
                context.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False)
            )
            tls.sendall(octets)
        except _TOO_LATE as error:
            why[:] = [repr(error)]
            return None
        opened.pop_all()
        return tls


def _until_said(resolver: Resolver, port: int, protocol: str, octets: bytes) -> ssl.SSLSocket:
    """A connection on which this was said, after as many as it takes."""
    why: list[str] = []
    try:
        return until(lambda: _said(resolver, port, protocol, octets, why), "it is said in time")
    except AssertionError as error:
        raise AssertionError(f"{error}: {', '.join(why)}") from None


def _is_announced(resolver: Resolver, port: int, protocol: str, octets: bytes) -> bool:
    """Whether a connection that says this and then nothing ends with close_notify."""
    with _until_said(resolver, port, protocol, octets) as tls:
        assert tls.selected_alpn_protocol() == protocol
        try:
            while tls.recv(4096):
                pass
        except ssl.SSLEOFError:
            return False
        return True


@pytest.mark.parametrize(
    ("protocol", "octets"),
    [
        pytest.param("dot", b"", id="DoT that never asks"),
        pytest.param("dot", b"\0", id="DoT with half a query"),
        pytest.param("h2", b"", id="HTTP/2 without a preface"),
        pytest.param("h2", _PREFACE, id="HTTP/2 without a request"),
        pytest.param("http/1.1", b"", id="HTTP/1.1 without a request"),
        pytest.param("http/1.1", b"GET / HTTP/1.1\r\nHo", id="HTTP/1.1 with half a request"),
    ],
)
def test_a_client_that_is_idle_or_late_is_told_the_end(
    resolver: Resolver, protocol: str, octets: bytes
) -> None:
    server = resolver.server
    port = server.dot if protocol == "dot" else server.doh
    assert _is_announced(resolver, port, protocol, octets)


class _Listening:
    """An upstream that takes one connection, answers nothing, and sees how it ends."""

    def __init__(self, authority: Authority, protocol: str) -> None:
        pair = authority.issue("upstream.example.org", "127.0.0.1")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pair.certificate, pair.key)
        self._context.set_alpn_protocols([protocol])
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.asked = threading.Event()
        self.ended = threading.Event()
        self.is_announced = False
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        plain, _ = self._socket.accept()
        plain.settimeout(PATIENCE)
        with self._context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False) as tls:
            try:
                while tls.recv(4096):
                    self.asked.set()
                self.is_announced = True
            except (ssl.SSLError, OSError):
                pass
        self.ended.set()


@pytest.mark.parametrize("protocol", ["dot", "h2"])
@pytest.mark.parametrize("how", ["document", "stop"])
def test_an_upstream_is_told_the_end(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory, protocol: str, how: str
) -> None:
    upstream = _Listening(authority, protocol)
    one = Resolver(tmp_path_factory.mktemp("ending") / "data", authority)
    word = "doh" if protocol == "h2" else "dot"
    one.write(
        one.upstream(upstream.port, protocol=word),
        document("Policy", "home", default="allow", upstreams=["test"]),
    )
    try:
        one.start()
        one.server.ask("told.example.org")
        assert upstream.asked.wait(PATIENCE)
        if how == "document":
            one.write(one.upstream(upstream.port + 1))
            one.settle()
        else:
            one.stop()
        assert upstream.ended.wait(PATIENCE)
        assert upstream.is_announced
    finally:
        one.stop()
