"""A server of lists that can misbehave like servers on the internet."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

Answer = Callable[[socket.socket], None]


@dataclass
class ListRequest:
    """One request: its path and its headers, in lower case."""

    path: str
    headers: dict[str, str]


@dataclass
class ListServer:
    """Listens on loopback; a context manager. ``answers`` maps each path to its response."""

    host: str = "127.0.0.1"
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[ListRequest] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._ended = threading.Event()
        self._request = threading.local()
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def ended(self) -> threading.Event:
        """Set at the end of the context, so that an answer that waits can end."""
        return self._ended

    def url(self, path: str = "/list.txt") -> str:
        """Where a path is."""
        return f"http://{self.host}:{self.port}{path}"

    def serve(self, text: str | bytes, path: str = "/list.txt", **headers: str) -> str:
        """Answers a path with a list, and with 304 where the client has it; gives its URL."""
        body = text.encode() if isinstance(text, str) else text
        tag = f'"{hash(body)}"'

        def answer(client: socket.socket) -> None:
            # Each request has a thread of its own; another one may have come since.
            if self._request.headers.get("if-none-match") == tag:
                client.sendall(b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n")
            else:
                send(client, body, **{"etag": tag, **headers})

        self.answers[path] = answer
        return self.url(path)

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [one.path for one in self.asked]

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                chunk = client.recv(4096)
                if not chunk:
                    return
                head += chunk
            lines = head.decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
            path = lines[0].split(" ")[1]
            self._request.headers = headers
            self.asked.append(ListRequest(path, headers))
            answer = self.answers.get(path)
            if answer is None:
                client.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            else:
                answer(client)


def send(client: socket.socket, body: bytes, *, status: str = "200 OK", **headers: str) -> None:
    """Sends a complete response; ``content_length`` may be wrong."""
    given = {"content-type": "text/plain", "content-length": str(len(body)), **headers}
    head = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in given.items())
    client.sendall(f"HTTP/1.1 {status}\r\nconnection: close\r\n{head}\r\n".encode() + body)


def redirect(target: str) -> Answer:
    """Redirects the client to another URL."""

    def answer(client: socket.socket) -> None:
        send(client, b"", status="302 Found", location=target)

    return answer
