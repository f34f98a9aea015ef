"""DNS stamps, ``sdns://``: how to reach a server, in one text (dnscrypt.info, DNS Stamps)."""

import base64
import binascii
from dataclasses import dataclass

_PROTOCOLS = {0x00: "plain", 0x01: "dnscrypt", 0x02: "doh", 0x03: "dot", 0x04: "doq"}
_PROPERTIES = 8  # octets


@dataclass(frozen=True)
class Stamp:
    """What a stamp says."""

    protocol: str
    """plain, dnscrypt, doh, dot, doq, or a number in hexadecimal."""
    address: str
    """Address and perhaps port; empty where only a name is known."""
    host: str = ""
    """Name and perhaps port."""
    path: str = ""
    pins: int = 0
    """How many certificates it pins."""


def read_stamp(text: str) -> Stamp:
    """Reads a stamp; raises ValueError where it is none."""
    encoded = text.removeprefix("sdns://")
    try:
        octets = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        raise ValueError("it is no DNS stamp: not base64") from None
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
            raise ValueError("it is no DNS stamp: it ends too early")
        self._at += count
        return taken

    def text(self) -> str:
        """A length and as many octets."""
        try:
            return self.octets(self.octets(1)[0]).decode("ascii")
        except UnicodeDecodeError:
            raise ValueError("it is no DNS stamp: a text is not ASCII") from None

    def count_of_texts(self) -> int:
        """How many texts that are not empty follow; the highest bit of a length says that one more
        does."""
        count = 0
        while True:
            length = self.octets(1)[0]
            count += bool(self.octets(length & 0x7F))
            if not length & 0x80:
                return count
