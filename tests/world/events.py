"""Receivers of events in this process: syslog over TLS, and webhooks over HTTPS."""

import json
import re
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.world.certificates import Pair
from tests.world.http_server import HttpServer

_HEAD = re.compile(r"<(\d{1,3})>1 (\S+) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) ")
_NAME = r'[^\s=\]"]{1,32}'
_PARAM = re.compile(rf' ({_NAME})="((?:[^"\\\]]|\\["\\\]])*)"')
_ELEMENT = re.compile(rf"\[({_NAME})((?:{_PARAM.pattern})*)\]")


@dataclass(frozen=True)
class Message:
    """A syslog message, as RFC 5424 section 6 reads it; ``data`` by element and parameter."""

    facility: int
    severity: int
    host: str
    kind: str
    data: dict[str, dict[str, str]]
    text: str


def read_message(octets: bytes) -> Message:
    """Reads one message, and fails for anything that the grammar does not have."""
    text = octets.decode()
    head = _HEAD.match(text)
    assert head is not None, text
    place, data = head.end(), {}
    while element := _ELEMENT.match(text, place):
        place = element.end()
        data[element[1]] = {
            name: re.sub(r"\\(.)", r"\1", value) for name, value in _PARAM.findall(element[2])
        }
    assert text[place : place + 2] == " \ufeff", text[place:]
    priority = int(head[1])
    return Message(priority // 8, priority % 8, head[3], head[6], data, text[place + 2 :])


def read_frames(stream: bytes) -> list[bytes]:
    """The messages of a stream with octet counting (RFC 5425 section 4.3), as far as it came."""
    found = []
    while stream:
        length, space, rest = stream.partition(b" ")
        if not space or len(rest) < int(length):
            break
        assert re.fullmatch(rb"[1-9][0-9]*", length), length
        found.append(rest[: int(length)])
        stream = rest[int(length) :]
    return found


class SyslogReceiver:
    """Takes syslog over TLS; with ``clients``, from those alone that show a certificate below
    these roots."""

    def __init__(self, pair: Pair, clients: Path | None = None, port: int = 0) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pair.certificate, pair.key)
        if clients is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(clients)
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._streams: list[bytearray] = []
        self._open: list[ssl.SSLSocket] = []

    def messages(self, kind: str | None = None) -> list[Message]:
        """All messages so far."""
        octets = (one for stream in self._streams for one in read_frames(bytes(stream)))
        return [one for one in map(read_message, octets) if kind in (None, one.kind)]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._take, args=[client], daemon=True).start()

    def _take(self, client: socket.socket) -> None:
        try:
            with self._context.wrap_socket(client, server_side=True) as tls:
                stream = bytearray()
                self._open.append(tls)
                self._streams.append(stream)
                while octets := tls.recv(65_536):
                    stream += octets
        except OSError:
            client.close()


@dataclass(frozen=True)
class Hook:
    """A request to a webhook."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """Its body."""
        return json.loads(self.body)


class HookReceiver(HttpServer):
    """Takes webhooks over HTTPS; ``status`` may be changed while it runs."""

    def __init__(self, pair: Pair) -> None:
        self.status = 204
        self.hooks: list[Hook] = []
        super().__init__(_requests_of(self), pair=pair)

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """All events that it answered well."""
        found = [one for hook in list(self.hooks) for one in hook.document["events"]]
        return [one for one in found if kind in (None, one["kind"])]


def _requests_of(receiver: HookReceiver) -> type[BaseHTTPRequestHandler]:
    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sent = {name.lower(): value for name, value in self.headers.items()}
            if 200 <= receiver.status < 300:
                receiver.hooks.append(Hook(self.path, sent, body))
            self.send_response(receiver.status)
            if receiver.status == 302:
                self.send_header("location", f"https://127.0.0.1:{receiver.port}/other")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Requests
