"""DNS over HTTPS as a server, HTTP/2 only (RFC 8484)."""

import asyncio
import base64
import binascii
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from keyhole.lab.internet.dot import reset_after
from keyhole.lab.internet.mode import Mode
from keyhole.lab.internet.service import Outgoing, Service

PATH = "/dns-query"
MEDIA_TYPE = "application/dns-message"
_MAX_OCTETS = 65535


@dataclass
class _Stream:
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)
    unsent: bytes = b""


class DohConnection(asyncio.Protocol):
    """One HTTP/2 connection with any number of streams."""

    def __init__(self, service: Service) -> None:
        self._service = service
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self._http = h2.connection.H2Connection(config=config)
        self._streams: dict[int, _Stream] = {}
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if _alpn(transport) != "h2":
            transport.close()
            return
        self._transport = transport
        self._http.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._streams.clear()

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        try:
            events = self._http.receive_data(data)
        except h2.exceptions.ProtocolError:
            self._flush()
            self._transport.close()
            return
        for event in events:
            self._handle(event)
        self._flush()

    def _handle(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived():
                self._streams[event.stream_id] = _Stream(_as_text(event.headers))
            case h2.events.DataReceived():
                self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                stream = self._streams.get(event.stream_id)
                if stream is not None and len(stream.body) <= _MAX_OCTETS:
                    stream.body += event.data
            case h2.events.StreamEnded():
                self._request(event.stream_id)
            case h2.events.StreamReset():
                self._streams.pop(event.stream_id, None)
            case h2.events.WindowUpdated():
                self._send_unsent()
            case h2.events.ConnectionTerminated():
                if self._transport:
                    self._transport.close()

    def _request(self, stream_id: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        status, message = _read_request(stream.headers, bytes(stream.body))
        if self._service.mode is Mode.HTTP_ERROR:
            status = 503
        if status != 200:
            self._headers(stream_id, [(":status", str(status))], end=True)
            return
        outgoing = self._service.answer(message, "doh")
        if outgoing is None:
            self._headers(stream_id, [(":status", "400")], end=True)
        elif self._service.mode is Mode.CLOSE:
            if self._transport:
                self._transport.close()
        elif self._service.mode is not Mode.SILENT:
            loop = asyncio.get_running_loop()
            loop.call_later(outgoing.delay, self._respond, stream_id, outgoing)

    def _respond(self, stream_id: int, outgoing: Outgoing) -> None:
        stream = self._streams.get(stream_id)
        if stream is None or self._transport is None:
            return
        headers = [
            (":status", "200"),
            ("content-type", MEDIA_TYPE),
            ("content-length", str(len(outgoing.octets))),
        ]
        self._headers(stream_id, headers, end=False)
        if self._service.mode is Mode.RESET:
            self._http.send_data(stream_id, outgoing.octets[: len(outgoing.octets) // 2])
            reset_after(self._transport, self._http.data_to_send())
            return
        stream.unsent = outgoing.octets
        self._send_unsent()
        self._flush()

    def _headers(self, stream_id: int, headers: list[tuple[str, str]], *, end: bool) -> None:
        try:
            self._http.send_headers(stream_id, headers, end_stream=end)
        except h2.exceptions.ProtocolError:  # the client has left this stream
            end = True
        if end:
            self._streams.pop(stream_id, None)

    def _send_unsent(self) -> None:
        """Sends as much as the client's flow control windows allow."""
        for stream_id, stream in list(self._streams.items()):
            while stream.unsent:
                room = min(
                    self._http.local_flow_control_window(stream_id),
                    self._http.max_outbound_frame_size,
                )
                if room <= 0:
                    break
                part, stream.unsent = stream.unsent[:room], stream.unsent[room:]
                self._http.send_data(stream_id, part, end_stream=not stream.unsent)
                if not stream.unsent:
                    del self._streams[stream_id]

    def _flush(self) -> None:
        octets = self._http.data_to_send()
        if octets and self._transport:
            self._transport.write(octets)


def _read_request(headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    """The HTTP status and, with 200, the DNS message of a request (RFC 8484 section 4.1)."""
    url = urlsplit(headers.get(":path", ""))
    if url.path != PATH:
        return 404, b""
    if headers.get(":method") == "POST":
        if headers.get("content-type") != MEDIA_TYPE:
            return 415, b""
        return (413, b"") if len(body) > _MAX_OCTETS else (200, body)
    if headers.get(":method") != "GET":
        return 405, b""
    encoded = parse_qs(url.query).get("dns", [""])[0]
    try:
        return 200, base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (ValueError, binascii.Error):
        return 400, b""


def _as_text(headers: list[tuple[str, str]] | list[tuple[bytes, bytes]] | None) -> dict[str, str]:
    return {str(name): str(value) for name, value in headers or []}


def _alpn(transport: asyncio.Transport) -> str | None:
    tls = transport.get_extra_info("ssl_object")
    return tls.selected_alpn_protocol() if tls is not None else None
