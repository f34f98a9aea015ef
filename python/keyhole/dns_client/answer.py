"""What came back from a server, with the facts about how it came."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import dns.message


class Transport(StrEnum):
    """How a question travels."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    HTTPS = "https"

    @property
    def encrypted(self) -> bool:
        """Whether nobody on the way can read the question."""
        return self in (Transport.TLS, Transport.HTTPS)


DEFAULT_PORTS = {
    Transport.UDP: 53,
    Transport.TCP: 53,
    Transport.TLS: 853,
    Transport.HTTPS: 443,
}
"""Where others serve (RFC 1035, 7858, 8484)."""

KEYHOLE_PORTS = {
    Transport.UDP: 5300,
    Transport.TCP: 5300,
    Transport.TLS: 8853,
    Transport.HTTPS: 8443,
}
"""Where Keyhole serves on this machine unless it is told otherwise."""


@dataclass(frozen=True)
class Certificate:
    """Whom the server claims to be and who says so."""

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
    """One answer. ``seconds`` is the whole time, connection and handshake included, of which
    ``connect_seconds`` passed before the question was sent."""

    message: dns.message.Message
    transport: Transport
    server: str
    seconds: float
    connect_seconds: float
    octets: int
    protection: Protection | None
    truncated_first: bool = False
    http_status: int | None = None
