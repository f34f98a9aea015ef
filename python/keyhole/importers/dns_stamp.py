"""DNS stamps, ``sdns://``: a server's protocol and address in one text (DNS Stamps 1.0)."""

import base64
import binascii
from dataclasses import dataclass

_PROTOCOLS = {0x00: "plain", 0x01: "dnscrypt", 0x02: "doh", 0x03: "dot", 0x04: "doq"}
_PROPERTIES = 8  # octets


@dataclass(frozen=True)
class Stamp:
    """The parts of a stamp."""

    protocol: str
    """plain, dnscrypt, doh, dot, doq, or a number in hexadecimal."""
    address: str
    """Address with optional port; empty where only a name is given."""
    host: str = ""
    """Name with optional port."""
    path: str = ""
    pins: int = 0
    """How many certificate hashes it pins."""


def read_stamp(text: str) -> Stamp:
    """Reads a stamp; raises ValueError where it is invalid."""
    encoded = text.removeprefix("sdns://")
    try:
        octets = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        raise ValueError("it is not a DNS stamp: not base64") from None
    reader = _Reader(octets)
    protocol = _PROTOCOLS.get(first := reader.octets(1)[0], f"0x{first:02x}")
    if protocol not in ("doh", "dot"):
        return Stamp(protocol, "")
    reader.octets(_PROPERTIES)
    address = reader.text()
    pins = reader.count_of_texts()
    host = reader.text()
    path = reader.text() if protocol == "doh" else ""
    return Stamp(protocol, address, host, path, pins)


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def octets(self, count: int) -> bytes:
        taken = self._octets[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError("it is not a DNS stamp: it is cut off")
        self._at += count
        return taken

    def text(self) -> str:
        """A text after an octet with its length."""
        try:
            return self.octets(self.octets(1)[0]).decode("ascii")
        except UnicodeDecodeError:
            raise ValueError("it is not a DNS stamp: a text is not ASCII") from None

    def count_of_texts(self) -> int:
        """The number of nonempty texts in a list; the high bit of a length means that another text
        follows."""
        count = 0
        while True:
            length = self.octets(1)[0]
            count += bool(self.octets(length & 0x7F))
            if not length & 0x80:
                return count
