"""Sends one query over one transport, and receives the answer."""

import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
from dns.rdatatype import RdataType

from keyhole.dns_client import tls
from keyhole.dns_client.alerts import alert_meaning
from keyhole.dns_client.answer import KEYHOLE_PORTS, Answer, Protection, Transport
from keyhole.dns_client.credentials import NO_CREDENTIALS, ClientCredentials
from keyhole.dns_client.error import DnsClientError

PADDING_BLOCK = 128  # RFC 8467 section 4.1: queries over encrypted transports


@dataclass(frozen=True)
class Server:
    """A DNS server. ``name`` is the name that its certificate must have, by default the host;
    ``credentials`` authenticate us."""

    host: str
    port: int
    transport: Transport
    name: str | None = None
    path: str = "/dns-query"
    ca: Path | None = None
    credentials: ClientCredentials = NO_CREDENTIALS

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.transport is Transport.HTTPS:
            return f"https://{host}:{self.port}{self.path}"
        return f"{host}:{self.port}"


def question(
    name: dns.name.Name,
    kind: RdataType,
    transport: Transport,
    *,
    recursion: bool = True,
    dnssec: bool = False,
) -> dns.message.Message:
    """The query message: EDNS with 1232 octets, padded if encrypted (RFC 7830)."""
    message = dns.message.make_query(
        name,
        kind,
        use_edns=0,
        payload=1232,
        want_dnssec=dnssec,
        pad=PADDING_BLOCK if transport.encrypted else 0,
    )
    if not recursion:
        message.flags &= ~dns.flags.RD
    if transport is Transport.HTTPS:
        message.id = 0  # RFC 8484 section 4.1: the same question is the same request for a cache
    return message


def exchange(server: Server, message: dns.message.Message, seconds: float) -> Answer:
    """Sends a query and returns the checked answer.

    A truncated answer over UDP is retried over TCP (RFC 7766 section 5). Raises
    :class:`DnsClientError` if no acceptable answer arrives within ``seconds``.
    """
    started = time.monotonic()
    server.credentials.check(server.transport, server.name or server.host)
    try:
        if server.transport is Transport.UDP:
            return _udp(server, message, seconds, started)
        return _stream(server, message, seconds, started)
    except TimeoutError:
        raise DnsClientError(f"{server} did not answer within {seconds:g} s") from None
    except socket.gaierror:
        raise DnsClientError(
            f"the host {server.host} has no address; give an address after @"
        ) from None
    except dns.exception.DNSException as error:
        raise DnsClientError(f"{server} sent a malformed DNS message: {error}") from error
    except OSError as error:
        raise DnsClientError(_refused(server, error)) from error


def _udp(server: Server, message: dns.message.Message, seconds: float, started: float) -> Answer:
    family, address = _resolve(server, socket.SOCK_DGRAM)
    wire = message.to_wire()
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        # A connected socket receives from this server only, and reports a closed port.
        connection.connect(address)
        connection.settimeout(seconds)
        connection.send(wire)
        while True:
            _give_up_after(connection, started, seconds)
            octets = connection.recv(65535)
            answer = dns.message.from_wire(octets, ignore_trailing=True)
            if message.is_response(answer):
                break
    if answer.flags & dns.flags.TC:
        again = Server(server.host, server.port, Transport.TCP)
        complete = _stream(again, message, seconds, started)
        return replace(complete, truncated_first=True)
    elapsed = time.monotonic() - started
    return Answer(answer, server.transport, str(server), elapsed, 0.0, len(octets), None)


def _stream(server: Server, message: dns.message.Message, seconds: float, started: float) -> Answer:
    # Before the connection, so that unusable files are reported in any case.
    context = _context(server)
    family, address = _resolve(server, socket.SOCK_STREAM)
    proof: Protection | None = None
    with socket.socket(family, socket.SOCK_STREAM) as plain:
        plain.settimeout(seconds)
        plain.connect(address)
        connection: socket.socket = plain
        if context is not None:
            name = server.credentials.server_name(server.name or server.host, server.transport)
            connection = secured = tls.wrap(plain, context, name)
            proof = tls.protection(secured)
        connected = time.monotonic() - started
        _give_up_after(connection, started, seconds)
        with connection:
            status, octets = _send_and_receive(server, connection, message.to_wire())
    answer = dns.message.from_wire(octets)
    if not message.is_response(answer):
        raise DnsClientError(f"{server} answered a different question")
    elapsed = time.monotonic() - started
    return Answer(
        answer,
        server.transport,
        str(server),
        elapsed,
        connected,
        len(octets),
        proof,
        http_status=status,
    )


def _context(server: Server) -> ssl.SSLContext | None:
    if not server.transport.encrypted:
        return None
    alpn = "h2" if server.transport is Transport.HTTPS else "dot"
    return tls.context(server.ca, alpn, server.credentials)


def _send_and_receive(
    server: Server, connection: socket.socket, wire: bytes
) -> tuple[int | None, bytes]:
    """Sends the query; returns the HTTP status (over HTTPS) and the answer's octets."""
    try:
        if server.transport is Transport.HTTPS:
            # Imported here: the other transports need no HTTP/2.
            from keyhole.dns_client import https

            assert isinstance(connection, ssl.SSLSocket)
            authority = f"{server.name or server.host}:{server.port}"
            path = server.credentials.path(server.path)
            status, octets = https.exchange(connection, authority, path, wire)
            _check_status(status)
            return status, octets
        connection.sendall(struct.pack("!H", len(wire)) + wire)
        (length,) = struct.unpack("!H", _exactly(connection.recv, 2))
        return None, _exactly(connection.recv, length)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError) as error:
        if isinstance(connection, ssl.SSLSocket) and (alert := tls.pending_alert(connection)):
            raise DnsClientError(alert) from error
        raise


def _resolve(server: Server, kind: socket.SocketKind) -> tuple[int, tuple[str, int]]:
    family, _, _, _, address = socket.getaddrinfo(server.host, server.port, type=kind)[0]
    return family, (str(address[0]), int(address[1]))


def _give_up_after(connection: socket.socket, started: float, seconds: float) -> None:
    left = started + seconds - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)


def _exactly(receive: Callable[[int], bytes], octets: int) -> bytes:
    received = bytearray()
    while len(received) < octets:
        part = receive(octets - len(received))
        if not part:
            raise DnsClientError("the server closed the connection instead of answering")
        received += part
    return bytes(received)


def _check_status(status: int) -> None:
    if status == 200:
        return
    hint = {
        400: "it did not understand the request",
        404: "no DoH at this path; give the whole URL, such as @https://192.0.2.1/dns-query",
        415: "it does not take DNS messages",
        421: "it does not serve this name",
        429: "too many requests",
        503: "it is overloaded or has no upstream",
    }.get(status, "see RFC 9110 for its meaning")
    raise DnsClientError(f"the server answered with HTTP status {status}: {hint}")


def _refused(server: Server, error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        usual = KEYHOLE_PORTS[server.transport]
        return (
            f"nothing listens on {server} ({server.transport}); is Keyhole running there? "
            f"its usual port is {usual}"
        )
    if isinstance(error, ssl.SSLError):
        return (
            alert_meaning(error)
            or f"{server} broke off the TLS connection ({tls.library_reason(error)})"
        )
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return f"{server} reset the connection; does it speak {server.transport} on this port?"
    return f"{server} cannot be reached: {error.strerror or error}"


def is_loopback(host: str) -> bool:
    """Whether traffic to this host stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
