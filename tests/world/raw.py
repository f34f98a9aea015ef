"""Raw octets on a connection, for messages that a DNS library refuses to send."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tests.world.ask import Server
from tests.world.waiting import ANSWER_SECONDS


def ask_udp(server: Server, packet: bytes, seconds: float = ANSWER_SECONDS) -> bytes | None:
    """Sends one datagram; gives the next one received, or none within ``seconds``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(seconds)
        sock.sendto(packet, ("127.0.0.1", server.udp))
        try:
            return sock.recv(65535)
        except TimeoutError:
            return None


class Stream:
    """A TCP or TLS connection that carries DNS messages."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._file = sock.makefile("rb")

    def close(self) -> None:
        """Lets go of the socket, which closes no earlier than this."""
        self._file.close()

    def send(self, *messages: bytes) -> None:
        """Sends messages in one write, each behind its length."""
        self.sock.sendall(b"".join(len(m).to_bytes(2, "big") + m for m in messages))

    def receive(self) -> bytes | None:
        """The next message, or none when the other side has closed the connection."""
        try:
            head = self._file.read(2)
            return self._file.read(int.from_bytes(head, "big")) if len(head) == 2 else None
        except ConnectionError:
            return None


@contextmanager
def tcp(server: Server) -> Iterator[Stream]:
    """A connection to the TCP listener."""
    with (
        socket.create_connection(("127.0.0.1", server.tcp), ANSWER_SECONDS) as sock,
        closing(Stream(sock)) as stream,
    ):
        yield stream


@contextmanager
def mesh(server: Server, header: bytes, source: str = "127.0.0.1") -> Iterator[Stream]:
    """A connection to the mesh listener from ``source``, begun with a PROXY header."""
    with (
        socket.create_connection(
            ("127.0.0.1", server.mesh), ANSWER_SECONDS, source_address=(source, 0)
        ) as sock,
        closing(Stream(sock)) as stream,
    ):
        sock.sendall(header)
        yield stream


@contextmanager
def tls(
    server: Server, context: ssl.SSLContext | None = None, name: str | None = None
) -> Iterator[Stream]:
    """A connection to the DoT listener, to ``name`` if one is given."""
    with (
        secured(server.dot, context or server.tls, name or server.name) as sock,
        closing(Stream(sock)) as stream,
    ):
        yield stream


@contextmanager
def secured(
    port: int, context: ssl.SSLContext, name: str, session: ssl.SSLSession | None = None
) -> Iterator[ssl.SSLSocket]:
    """A TLS connection to any listener, which resumes ``session`` if one is given."""
    with (
        socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=name, session=session) as sock,
    ):
        yield sock
