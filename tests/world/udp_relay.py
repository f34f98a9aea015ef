"""Takes queries over TCP and asks a server that speaks UDP alone; it writes down what goes by."""

import socket
import socketserver
import threading
from contextlib import suppress
from types import TracebackType

import dns.message
import dns.rdatatype

_SECONDS = 10.0
_ADDRESSES = (dns.rdatatype.A, dns.rdatatype.AAAA)


class UdpRelay:
    """A relay to ``server``, in threads of its own; ``port`` is where it listens on loopback."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._lock = threading.Lock()
        self.names: set[str] = set()
        """The names that were asked for, without the final dot."""
        self.answers: list[int] = []
        """Octets of the data of each answer, in their order."""
        relay = self

        class Connection(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while len(head := self.rfile.read(2)) == 2:
                    query = self.rfile.read(int.from_bytes(head))
                    given = (query, self.connection)
                    threading.Thread(target=relay._answer, args=given, daemon=True).start()

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._listener = Listener(("127.0.0.1", 0), Connection)
        self.port: int = self._listener.server_address[1]

    def __enter__(self) -> "UdpRelay":
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._listener.shutdown()
        self._listener.server_close()

    def _answer(self, query: bytes, connection: socket.socket) -> None:
        name = dns.message.from_wire(query).question[0].name.to_text(omit_final_dot=True)
        with self._lock:
            self.names.add(name)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking, suppress(OSError):
            asking.settimeout(_SECONDS)
            asking.connect(self._server)
            asking.send(query)
            answer = asking.recv(65_535)
            with self._lock:
                self.answers.append(_octets(answer))
                connection.sendall(len(answer).to_bytes(2) + answer)


def _octets(answer: bytes) -> int:
    """The octets of what its records carry, but for addresses."""
    found = dns.message.from_wire(answer).answer
    return sum(
        len(one.to_wire())
        for records in found
        if records.rdtype not in _ADDRESSES
        for one in records
    )
