"""Connections: pipelining, order, pieces, patience (RFC 7766, RFC 7858)."""

import contextlib
import socket
import ssl
from collections.abc import Callable

import dns.message
import pytest

from tests.world import raw
from tests.world.ask import Server
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS, Upstream
from tests.world.waiting import until

_OPEN = {"tcp": raw.tcp, "dot": raw.tls}
SETTINGS = {"limits": {"query_time": "1m"}}
"""An answer that is held back stays so, however long the machine takes for the others."""
each_stream = pytest.mark.parametrize("transport", ["tcp", "dot"])


@pytest.fixture
def server(shared_resolver: Resolver) -> Server:
    return shared_resolver.server


@each_stream
def test_a_slow_answer_holds_up_none_of_the_hundred_behind_it(
    reset_resolver: Resolver, upstream: Upstream, transport: str
) -> None:
    patient = {"names": ["test"], "hedge": "9s", "timeout": "30s"}
    reset_resolver.write(document("Policy", "home", default="allow", upstreams=patient))
    reset_resolver.settle()
    server = reset_resolver.server
    names = [f"n{number}.example.org" for number in range(100)]
    queries = {q.id: q for q in _queries(["slow-1.example.org", *names])}
    slow = next(iter(queries))
    with _OPEN[transport](server) as stream:
        stream.send(*(q.to_wire() for q in queries.values()))
        seen = {_read(stream).id for _ in names}
        assert seen == queries.keys() - {slow}
        upstream.release()
        assert _read(stream).id == slow


def _queries(names: list[str]) -> list[dns.message.Message]:
    queries: list[dns.message.Message] = [dns.message.make_query(name, "A") for name in names]
    for number, query in enumerate(queries):
        query.id = 1000 + number
    return queries


def _read(stream: raw.Stream) -> dns.message.Message:
    message = stream.receive()
    assert message is not None, "the connection was closed"
    return dns.message.from_wire(message)


@each_stream
def test_a_message_in_single_octets_is_read(server: Server, transport: str) -> None:
    query = dns.message.make_query("pieces.example.org", "A").to_wire()
    with _OPEN[transport](server) as stream:
        if isinstance(stream.sock, socket.socket):
            stream.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in len(query).to_bytes(2, "big") + query:
            stream.sock.sendall(bytes([octet]))
        assert _read(stream).answer


@each_stream
def test_answers_come_although_the_client_has_said_all_it_wants(
    server: Server, transport: str
) -> None:
    query = dns.message.make_query("half-closed.example.org", "A").to_wire()
    with _OPEN[transport](server) as stream:
        stream.send(query)
        if transport == "tcp":
            stream.sock.shutdown(socket.SHUT_WR)
        assert _read(stream).answer


def test_a_connection_that_says_nothing_is_closed(make_resolver: Callable[[], Resolver]) -> None:
    resolver = make_resolver()
    resolver.configure(limits={"idle_time": "1s", "read_time": "1s"})
    server = resolver.start().server
    with raw.tcp(server) as silent, raw.tcp(server) as halfway:
        halfway.sock.sendall(b"\x00")
        assert silent.receive() is None
        assert halfway.receive() is None
    with socket.create_connection(("127.0.0.1", server.dot), 10) as no_hello:
        assert no_hello.recv(1) == b""


def test_one_client_cannot_take_every_connection(make_resolver: Callable[[], Resolver]) -> None:
    resolver = make_resolver()
    resolver.configure(limits={"connections_per_client": 5})
    server = resolver.start().server
    query = dns.message.make_query("probe.example.org", "A").to_wire()
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(raw.tcp(server)) for _ in range(12)]
        answered = 0
        for stream in streams:
            with contextlib.suppress(OSError):
                stream.send(query)
                answered += stream.receive() is not None
        assert 1 <= answered <= 5
        # A client at another address is served all the same.
        with socket.create_connection(
            ("127.0.0.1", server.tcp), 10, source_address=("127.0.0.9", 0)
        ) as sock:
            other = raw.Stream(sock)
            other.send(query)
            assert other.receive() is not None
    until(lambda: resolver.try_ask("probe.example.org"), "closed connections are given back")


def test_slow_clients_by_the_hundred_keep_nobody_waiting(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stream = stack.enter_context(raw.tcp(server))
            with contextlib.suppress(OSError):
                stream.sock.sendall(b"\x00\x20\x12")
        assert server.ask("many-clients.example.org", transport="udp").addresses == [ADDRESS]
        with socket.create_connection(
            ("127.0.0.1", server.tcp), 10, source_address=("127.0.0.9", 0)
        ) as sock:
            other = raw.Stream(sock)
            other.send(dns.message.make_query("printer.example.org", "A").to_wire())
            assert _read(other).answer
    # The next test asks from this address, too.
    until(lambda: _is_served(server), "closed connections are given back")


def _is_served(server: Server) -> bool:
    try:
        return bool(server.ask("printer.example.org", "A", "dot").addresses)
    except (OSError, EOFError):
        return False


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken_with_alpn_dot(server: Server, version: ssl.TLSVersion) -> None:
    context = server.tls
    context.minimum_version = context.maximum_version = version
    with raw.tls(server, context) as stream:
        assert isinstance(stream.sock, ssl.SSLSocket)
        assert stream.sock.selected_alpn_protocol() == "dot"
        stream.send(dns.message.make_query("printer.example.org", "A").to_wire())
        assert _read(stream).answer


def test_a_client_with_only_old_tls_is_refused(server: Server) -> None:
    context = server.tls
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)), raw.tls(server, context):
        pass


def test_cleartext_on_the_tls_port_is_not_answered(server: Server) -> None:
    query = dns.message.make_query("printer.example.org", "A").to_wire()
    with socket.create_connection(("127.0.0.1", server.dot), 10) as sock:
        stream = raw.Stream(sock)
        stream.send(query)
        answer = stream.receive()
        assert answer is None or query[:2] not in answer
