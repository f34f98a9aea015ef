"""As much of the encoding of Protocol Buffers as dnstap needs.

A field is a key (its number and how the value is written) and the value.
"""

import struct

_VARINT, _LENGTH, _FIXED32 = 0, 2, 5


def varint(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first; all but the last have the high bit."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A field with a number or a word of an enumeration."""
    return varint(field << 3 | _VARINT) + varint(value)


def fixed32(field: int, value: int) -> bytes:
    """A field with a number of always four octets, little-endian."""
    return varint(field << 3 | _FIXED32) + struct.pack("<I", value)


def octets(field: int, value: bytes) -> bytes:
    """A field with octets, a text or another message."""
    return varint(field << 3 | _LENGTH) + varint(len(value)) + value
