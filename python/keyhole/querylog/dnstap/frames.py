"""Frame Streams: payloads with a length before each.

A frame of length 0 announces a control frame, with its own length. All numbers are 32 bits,
big-endian. A unidirectional stream is START, data, STOP. In a bidirectional one the sender offers
content types with READY, the receiver selects with ACCEPT and confirms STOP with FINISH.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

_NUMBER = struct.Struct(">I")
_CONTENT_TYPE = 1
MAX_CONTROL = 512
"""Octets of a control frame after its length."""


class Kind(IntEnum):
    """Kinds of control frames."""

    ACCEPT = 1
    START = 2
    STOP = 3
    READY = 4
    FINISH = 5


class FrameError(Exception):
    """The data is not a valid Frame Stream."""


@dataclass(frozen=True)
class Control:
    """A control frame with its content types."""

    kind: Kind
    content_types: tuple[bytes, ...] = ()


def data(payload: bytes) -> bytes:
    """A data frame."""
    return _NUMBER.pack(len(payload)) + payload


def control(kind: Kind, content_type: bytes | None = None) -> bytes:
    """A control frame, with the escape and its length."""
    body = _NUMBER.pack(kind)
    if content_type is not None:
        body += _NUMBER.pack(_CONTENT_TYPE) + _NUMBER.pack(len(content_type)) + content_type
    return _NUMBER.pack(0) + _NUMBER.pack(len(body)) + body


def read_control(body: bytes) -> Control:
    """Parses a control frame after its length; raises `FrameError`."""
    try:
        (number,) = _NUMBER.unpack_from(body)
        kind = Kind(number)
        types, at = [], 4
        while at < len(body):
            field, length = _NUMBER.unpack_from(body, at)[0], _NUMBER.unpack_from(body, at + 4)[0]
            at += 8 + length
            if field != _CONTENT_TYPE or at > len(body):
                raise FrameError("a control frame has an unknown or incomplete field")
            types.append(body[at - length : at])
    except (struct.error, ValueError) as error:
        raise FrameError("a control frame cannot be read") from error
    return Control(kind, tuple(types))
