"""The answer of a server, and how it was transported and protected."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import dns.message


class Transport(StrEnum):
    """The transport of a query."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    HTTPS = "https"

    @property
    def encrypted(self) -> bool:
        """Whether the query is encrypted in transit."""
        return self in (Transport.TLS, Transport.HTTPS)


DEFAULT_PORTS = {
    Transport.UDP: 53,
    Transport.TCP: 53,
    Transport.TLS: 853,
    Transport.HTTPS: 443,
}
"""The standard ports (RFC 1035, 7858, 8484)."""

KEYHOLE_PORTS = {
    Transport.UDP: 5300,
    Transport.TCP: 5300,
    Transport.TLS: 8853,
    Transport.HTTPS: 8443,
}
"""Keyhole's default ports on this machine."""


@dataclass(frozen=True)
class Certificate:
    """The server's certificate."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    expires: datetime


@dataclass(frozen=True)
class Protection:
    """The TLS session: version such as ``TLSv1.3``, cipher, ALPN, and the checked certificate."""

    version: str
    cipher: str
    alpn: str | None
    certificate: Certificate


@dataclass(frozen=True)
class Answer:
    """One answer. ``seconds`` is the total time, including connection and handshake;
    ``connect_seconds`` is the part before the query was sent."""

    message: dns.message.Message
    transport: Transport
    server: str
    seconds: float
    connect_seconds: float
    octets: int
    protection: Protection | None
    truncated_first: bool = False
    http_status: int | None = None
