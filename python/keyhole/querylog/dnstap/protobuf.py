"""The part of the Protocol Buffers encoding that dnstap needs.

A field is a key, which holds its number and wire type, and a value.
"""

import struct

_VARINT, _LENGTH, _FIXED32 = 0, 2, 5


def varint(value: int) -> bytes:
    """A varint: groups of seven bits, low group first; the high bit is set in all but the last."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A field with an integer or an enumeration value."""
    return varint(field << 3 | _VARINT) + varint(value)


def fixed32(field: int, value: int) -> bytes:
    """A field with a 32-bit little-endian number."""
    return varint(field << 3 | _FIXED32) + struct.pack("<I", value)


def octets(field: int, value: bytes) -> bytes:
    """A length-delimited field: octets, a text or an embedded message."""
    return varint(field << 3 | _LENGTH) + varint(len(value)) + value
