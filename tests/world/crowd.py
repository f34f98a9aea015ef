"""Many queries at once from one client, of which most wait; over every transport."""

import socket
import ssl
import struct
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import dns.message
import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from tests.world import mesh
from tests.world.ask import Reply, Server
from tests.world.callers import HONEST, NOBODY, Caller
from tests.world.waiting import ANSWER_SECONDS, witnesses

PER_CONNECTION = 100
_BURST = 32


class Crowd:
    """Queries of one client from ``source``, each sent at once; answers are read as they come."""

    def __init__(
        self, server: Server, way: str, source: str, caller: Caller = NOBODY, said: str = ""
    ) -> None:
        """``said`` is the address that the sidecar of the mesh names, if not ``source``."""
        self._server, self._way, self._source = server, way, source
        self._caller, self._said = caller, said or source
        self._lines: list[_Datagrams | _Stream | _Http] = []
        witnesses.append(self.story)

    def ask(self, names: Iterable[str]) -> None:
        """Sends a question for each name, a hundred on each connection."""
        queries = [dns.message.make_query(name, "A", use_edns=0).to_wire() for name in names]
        for start in range(0, len(queries), PER_CONNECTION):
            line = self._open()
            self._lines.append(line)
            line.send(queries[start : start + PER_CONNECTION])

    def begin(self, names: Iterable[str]) -> None:
        """Begins a request for each name on a connection over HTTP/2; `end` completes them."""
        line = self._open()
        assert isinstance(line, _Http)
        self._lines.append(line)
        line.begin([dns.message.make_query(name, "A", use_edns=0).to_wire() for name in names])

    def end(self) -> None:
        """Completes all requests that have begun and were not refused."""
        for line in self._lines:
            assert isinstance(line, _Http)
            line.end()

    def refused(self) -> int:
        """Requests that were refused before anything was done with them."""
        for line in self._lines:
            line.read()
        return sum(line.refused for line in self._lines if isinstance(line, _Http))

    def words(self) -> list[str]:
        """The end of each query that was answered so far: ``answered``, or its reason."""
        for line in self._lines:
            line.read()
        return [word for line in self._lines for word in line.words()]

    def count(self, word: str) -> int:
        """How many ended with this word so far."""
        return self.words().count(word)

    def story(self) -> str:
        """What it has seen until now, for the message of a failure."""
        caller = self._caller.vouched or (self._caller.token or "")[:6] or "nobody"
        lines = [f"a crowd over {self._way} from {self._said} as {caller}:"]
        for number, line in enumerate(self._lines, 1):
            seen = Counter([*line.words(), *line.events])
            told = ", ".join(f"{count} {what}" for what, count in sorted(seen.items()))
            end = "ended by the server" if line.is_closed else "open"
            lines.append(f"  line {number}, {line.asked} asked, {end}: {told or 'nothing'}")
        return "\n".join(lines)

    def close(self) -> None:
        """Leaves at once, with what was asked unanswered."""
        if self.story in witnesses:
            witnesses.remove(self.story)
        for line in self._lines:
            line.close()

    def is_closed(self) -> bool:
        """Whether the server has ended all connections."""
        for line in self._lines:
            line.read()
        return all(line.is_closed for line in self._lines)

    def _open(self) -> "_Datagrams | _Stream | _Http":
        server, source = self._server, self._source
        match self._way:
            case "udp":
                return _Datagrams(source, server.udp)
            case "tcp":
                return _Stream(_connect(source, server.tcp))
            case "mesh":
                sock = _connect("127.0.0.1", server.mesh)
                sock.sendall(mesh.header(self._caller.vouched, source=self._said))
                return _Stream(sock)
            case "dot":
                name = f"{self._caller.token}.{server.domain}" if self._caller.token else ""
                return _Stream(self._secure(_connect(source, server.dot), "dot", name))
            case "doh2":
                sock = self._secure(_connect(source, server.doh), "h2")
                return _Http(sock, self._path, self._caller)
        return _Http(_connect(source, server.doh_cleartext), self._path, self._caller)

    @property
    def _path(self) -> str:
        token = self._caller.token
        return f"{self._server.path}/{token}" if token else self._server.path

    def _secure(self, sock: socket.socket, alpn: str, name: str = "") -> ssl.SSLSocket:
        context = HONEST.context(self._server, self._caller, alpn)
        return context.wrap_socket(sock, server_hostname=name or self._server.name)


class _Answered:
    """What came on one line."""

    def __init__(self) -> None:
        self.is_closed = False
        self.answers: list[bytes] = []
        self.events: list[str] = []
        """What came that is no answer."""
        self.asked = 0
        self._words: list[str] = []

    def words(self) -> list[str]:
        """The end of each query; an answer is read once, however often somebody looks."""
        self._words += map(_word, self.answers[len(self._words) :])
        return self._words


class _Datagrams(_Answered):
    def __init__(self, source: str, port: int) -> None:
        super().__init__()
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((source, 0))
        self._sock.connect(("127.0.0.1", port))
        self._sock.settimeout(ANSWER_SECONDS)

    def send(self, queries: list[bytes]) -> None:
        self.asked += len(queries)
        for start in range(0, len(queries), _BURST):
            for query in queries[start : start + _BURST]:
                self._sock.send(query)
            # What is answered here without waiting says that all before it was read.
            last = dns.message.make_query("localhost", "A").to_wire()
            self._sock.send(last)
            # By its question: one of thousands of queries has the same id.
            while not (octets := self._sock.recv(4096)).startswith(last[12:], 12):
                self.answers.append(octets)

    def read(self) -> None:
        self._sock.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self.answers.append(self._sock.recv(4096))

    def close(self) -> None:
        self._sock.close()


class _Line(_Answered):
    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock = sock

    def take(self, octets: bytes) -> None:
        raise NotImplementedError

    def read(self) -> None:
        """Takes what has come, without waiting for more."""
        self._sock.settimeout(0.01)
        try:
            while octets := self._sock.recv(65536):
                self.take(octets)
            self.is_closed = True
        except (TimeoutError, ssl.SSLWantReadError):
            pass
        except OSError as error:
            self.events.append(f"{error}")
            self.is_closed = True
        self._sock.settimeout(ANSWER_SECONDS)

    def close(self) -> None:
        if self._sock.fileno() < 0:
            return  # it has left before
        # A reset: after an ordinary end the client might still read.
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


class _Stream(_Line):
    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._rest = b""

    def send(self, queries: list[bytes]) -> None:
        self.asked += len(queries)
        self._sock.sendall(b"".join(len(one).to_bytes(2, "big") + one for one in queries))

    def take(self, octets: bytes) -> None:
        self._rest += octets
        while len(self._rest) > 2 and len(self._rest) >= 2 + (
            size := int.from_bytes(self._rest[:2], "big")
        ):
            self.answers.append(self._rest[2 : 2 + size])
            self._rest = self._rest[2 + size :]


class _Http(_Line):
    """HTTP/2 with as many streams as there are questions."""

    def __init__(self, sock: socket.socket, path: str, caller: Caller) -> None:
        super().__init__(sock)
        self._talk = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self._talk.initiate_connection()
        self._headers = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "localhost"),
            (":path", path),
            ("content-type", "application/dns-message"),
        ]
        if caller.vouched:
            self._headers.append(("x-forwarded-client-cert", f"Hash=00ff;URI={caller.vouched}"))
        self._bodies: dict[int, bytes] = {}
        self._begun: dict[int, bytes] = {}
        self.refused = 0

    def begin(self, queries: list[bytes]) -> None:
        for query in queries:
            stream = self._talk.get_next_available_stream_id()
            self._talk.send_headers(stream, self._headers)
            self._talk.send_data(stream, query[:12])
            self.asked += 1
            self._begun[stream] = query[12:]
        self._sock.sendall(self._talk.data_to_send())

    def end(self) -> None:
        for stream, rest in self._begun.items():
            self._talk.send_data(stream, rest, end_stream=True)
        self._begun.clear()
        self._sock.sendall(self._talk.data_to_send())

    def send(self, queries: list[bytes]) -> None:
        for query in queries:
            stream = self._talk.get_next_available_stream_id()
            self._talk.send_headers(stream, self._headers)
            self._talk.send_data(stream, query, end_stream=True)
            self.asked += 1
        self._sock.sendall(self._talk.data_to_send())

    def take(self, octets: bytes) -> None:
        try:
            events = self._talk.receive_data(octets)
        except h2.exceptions.ProtocolError as error:
            # The library takes no frames after GOAWAY; what was asked before is done with.
            self.events.append(f"GOAWAY, and behind it: {error}")
            self.is_closed = True
            return
        for event in events:
            self._take_event(event)
        self._sock.sendall(self._talk.data_to_send())

    def _take_event(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.DataReceived():
                body = self._bodies.get(event.stream_id, b"") + event.data
                self._bodies[event.stream_id] = body
                self._talk.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamReset():
                self._begun.pop(event.stream_id, None)
                self.refused += event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM
                self.events.append(f"reset with {event.error_code!r}")
            case h2.events.StreamEnded():
                self.answers.append(self._bodies.pop(event.stream_id, b""))
            case h2.events.ResponseReceived():
                status = dict(event.headers)[b":status"]
                if status != b"200":
                    self.events.append(f"answered with status {status.decode()}")
            case h2.events.ConnectionTerminated():
                last = event.last_stream_id
                self.events.append(f"GOAWAY after stream {last} with {event.error_code!r}")


def _connect(source: str, port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS, source_address=(source, 0))


def _word(octets: bytes) -> str:
    reply = Reply(dns.message.from_wire(octets))
    return reply.errors[0][1] if reply.errors else "answered"
