"""Where and as whom one question is asked, and what comes back."""

import socket
import ssl
import struct
import time
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

import dns.exception
import dns.message
import httpx2

from keyhole.verify.error import VerifyError

SECONDS = 10.0
MEDIA_TYPE = "application/dns-message"
LATE = "no answer in time"
"""Why no reply came where nothing else is known: neither from the server nor from the network."""


@dataclass(frozen=True)
class Certificate:
    """A client certificate: the files of its chain and key (PEM)."""

    chain: Path
    key: Path


@dataclass(frozen=True)
class Endpoint:
    """One listener. ``transport`` is udp, tcp, dot or doh; ``name`` the name in its certificate.

    ``certificate`` and ``token`` are shown to it; ``source`` is the address that is asked from.
    """

    transport: str
    host: str
    port: int
    name: str | None = None
    ca: Path | None = None
    path: str = "/dns-query"
    certificate: Certificate | None = None
    token: str | None = None
    source: str | None = None

    @property
    def encrypted(self) -> bool:
        """Whether it speaks TLS."""
        return self.transport in ("dot", "doh")

    def shows(self, certificate: Certificate | None, token: str | None = None) -> "Endpoint":
        """The same listener, asked with these credentials and no others."""
        return replace(self, certificate=certificate, token=token)

    def __str__(self) -> str:
        return f"{self.transport} {self.host}:{self.port}"


class Ended(Enum):
    """How a question ended, as far as a promise to refuse it is concerned."""

    ANSWERED = auto()
    """With anything but a refusal: NXDOMAIN, SERVFAIL and HTTP 500 are answers."""
    REFUSED = auto()
    """By the server: REFUSED, an alert of TLS about the certificate, HTTP 401 or 403."""
    CLOSED = auto()
    """The server ended the connection. Its alert may have been lost with it."""
    LOST = auto()
    """No connection, no server to be believed, or no answer in time: this proves nothing."""


@dataclass(frozen=True)
class Reply:
    """The octets of a DNS message, or why none came; ``without`` is how
    the question ended then."""

    octets: bytes | None
    why: str = ""
    without: Ended = Ended.LOST

    @property
    def ended(self) -> Ended:
        """How it ended."""
        if not self.octets:
            return self.without
        return Ended.REFUSED if self.rcode == "REFUSED" else Ended.ANSWERED

    @property
    def message(self) -> dns.message.Message | None:
        """The parsed message; none without one, or where it cannot be parsed."""
        try:
            return dns.message.from_wire(self.octets) if self.octets else None
        except dns.exception.DNSException:
            return None

    @property
    def rcode(self) -> str:
        """The name of the response code, else why there is none."""
        message = self.message
        if message is None:
            return self.why or "an answer that cannot be parsed"
        return dns.rcode.to_text(message.rcode())

    @property
    def records(self) -> list[str]:
        """The data of all records in the answer section."""
        message = self.message
        found = message.answer if message is not None else []
        return [data.to_text() for one in found for data in one]


def ask(endpoint: Endpoint, wire: bytes, seconds: float = SECONDS) -> Reply:
    """Sends the octets as one message. What the network or TLS refuses is a reply without octets,
    never an exception."""
    try:
        if endpoint.transport == "udp":
            return _udp(endpoint, wire, seconds)
        if endpoint.transport == "doh":
            return _doh(endpoint, wire, seconds)
        with connect(endpoint, seconds) as stream:
            stream.sendall(struct.pack("!H", len(wire)) + wire)
            return read_message(stream)
    except (OSError, httpx2.HTTPError, dns.exception.DNSException) as error:
        return broken_by(error)


def _udp(endpoint: Endpoint, wire: bytes, seconds: float) -> Reply:
    family, address = _address(endpoint, socket.SOCK_DGRAM)
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        if endpoint.source is not None:
            sock.bind((endpoint.source, 0))
        sock.connect(address)
        sock.settimeout(seconds)
        sock.send(wire)
        return Reply(sock.recv(65_535))


def ask_together(endpoint: Endpoint, wires: list[bytes], seconds: float) -> list[Reply]:
    """Sends all messages over UDP and gives the reply to each that came in the time for all."""
    family, address = _address(endpoint, socket.SOCK_DGRAM)
    came: dict[bytes, bytes] = {}
    end = time.monotonic() + seconds
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            if endpoint.source is not None:
                sock.bind((endpoint.source, 0))
            sock.connect(address)
            for wire in wires:
                sock.send(wire)
            while len(came) < len(wires) and (left := end - time.monotonic()) > 0:
                sock.settimeout(left)
                octets = sock.recv(65_535)
                came[octets[:2]] = octets
    except OSError as error:
        missing = broken_by(error)
    else:
        missing = Reply(None, LATE)
    return [Reply(came[wire[:2]]) if wire[:2] in came else missing for wire in wires]


def connect(endpoint: Endpoint, seconds: float = SECONDS) -> socket.socket:
    """A connection to the listener, with TLS where it has it. Raises ``OSError``."""
    family, address = _address(endpoint, socket.SOCK_STREAM)
    plain = socket.socket(family, socket.SOCK_STREAM)
    try:
        plain.settimeout(seconds)
        plain.connect(address)
        if not endpoint.encrypted:
            return plain
        return tls_context(endpoint).wrap_socket(plain, server_hostname=_server_name(endpoint))
    except BaseException:
        plain.close()
        raise


def read_message(stream: socket.socket) -> Reply:
    """The next message of a stream, or why none comes."""
    with closing(stream.makefile("rb")) as octets:
        head = octets.read(2)
        body = octets.read(struct.unpack("!H", head)[0]) if len(head) == 2 else b""
    return Reply(body) if body else Reply(None, _CLOSED, Ended.CLOSED)


def _doh(endpoint: Endpoint, wire: bytes, seconds: float) -> Reply:
    token = f"/{endpoint.token}" if endpoint.token else ""
    with _http_client(endpoint, seconds) as client:
        answer = client.post(
            f"{endpoint.path}{token}",
            content=wire,
            headers=_DOH_HEADERS,
            # The name that its certificate is checked for, where it is not the host.
            extensions={"sni_hostname": endpoint.name} if endpoint.name else {},
        )
    if (status := answer.status_code) != 200:
        ended = Ended.REFUSED if status in (401, 403) else Ended.ANSWERED
        return Reply(None, f"HTTP {status}", ended)
    return Reply(answer.content)


_DOH_HEADERS = {"accept": MEDIA_TYPE, "content-type": MEDIA_TYPE}


def _http_client(endpoint: Endpoint, seconds: float) -> httpx2.Client:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return httpx2.Client(
        base_url=f"https://{host}:{endpoint.port}",
        verify=tls_context(endpoint),
        http1=False,
        http2=True,
        trust_env=False,
        timeout=seconds,
    )


def tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """Believes the given root alone, or without one those of the system."""
    context = ssl.create_default_context(cafile=str(endpoint.ca) if endpoint.ca else None)
    context.set_alpn_protocols(["h2" if endpoint.transport == "doh" else "dot"])
    if endpoint.certificate is not None:
        context.load_cert_chain(endpoint.certificate.chain, endpoint.certificate.key)
    return context


def broken_by(error: Exception) -> Reply:
    """The reply that an error of the network, of TLS or of HTTP is: why, and what it proves."""
    cause: BaseException = error
    while cause.__cause__ is not None or cause.__context__ is not None:
        cause = cause.__cause__ or cause.__context__ or cause
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return Reply(None, LATE)
    if isinstance(cause, ssl.SSLEOFError):
        return Reply(None, _CLOSED, Ended.CLOSED)
    if isinstance(cause, ssl.SSLError):
        reason = (cause.reason or str(cause)).lower().replace("_", " ")
        is_alert = "alert" in reason and any(word in reason for word in _ALERTS)
        return Reply(None, f"TLS: {reason}", Ended.REFUSED if is_alert else Ended.LOST)
    if isinstance(cause, ConnectionRefusedError):
        return Reply(None, "nothing listens there")
    if isinstance(cause, ConnectionError) or isinstance(error, httpx2.RemoteProtocolError):
        return Reply(None, _CLOSED, Ended.CLOSED)
    return Reply(None, str(error) or type(error).__name__)


_CLOSED = "the connection was closed"
# What a server says of a certificate (RFC 8446 section 6.2); without one TLS 1.2 fails the
# handshake (RFC 5246 section 7.4.6).
_ALERTS = ("certificate", "unknown ca", "access denied", "handshake failure")


def must_be_there(one: Endpoint) -> None:
    """Raises `VerifyError` unless a server with the right name takes connections there: a dead one
    refuses everything. One that wants a certificate may say so."""
    try:
        connect(one.shows(None)).close()
    except OSError as error:
        said = broken_by(error)
        if said.ended is not Ended.REFUSED:
            raise VerifyError(f"{one} was not reached: {said.why}") from error


def answered(one: Endpoint, wire: bytes, seconds: float = SECONDS) -> Reply:
    """The reply of a listener that must say something, be it a refusal. Raises `VerifyError`
    where nothing came that proves anything."""
    reply = ask(one, wire, seconds)
    if reply.ended is Ended.LOST:
        raise VerifyError(f"{one}: {reply.rcode}")
    return reply


def refusal(one: Endpoint, wire: bytes) -> Reply:
    """Asks a listener that should refuse. It ended as REFUSED or ANSWERED: one that closes the
    connection has refused, if it takes connections before and after."""
    must_be_there(one)
    reply = answered(one, wire)
    if reply.ended is Ended.CLOSED:
        must_be_there(one)
        return replace(reply, without=Ended.REFUSED)
    return reply


def _server_name(endpoint: Endpoint) -> str:
    name = endpoint.name or endpoint.host
    # A token stands before the name of the server (docs/guides/identity.md).
    return f"{endpoint.token}.{name}" if endpoint.token else name


def _address(endpoint: Endpoint, kind: socket.SocketKind) -> tuple[int, tuple[str, int]]:
    found = socket.getaddrinfo(endpoint.host, endpoint.port, type=kind)
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))
