"""Frame Streams: payloads of any octets, each behind its length.

A frame of length 0 is an escape: a control frame follows, with a length of its own. All numbers
have 32 bits, big-endian. One way, a stream is START, data, STOP; both ways, the sender offers with
READY, the receiver picks with ACCEPT, and confirms STOP with FINISH.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

_NUMBER = struct.Struct(">I")
_CONTENT_TYPE = 1
MAX_CONTROL = 512
"""Octets of a control frame, behind its length."""


class Kind(IntEnum):
    """Kinds of control frames."""

    ACCEPT = 1
    START = 2
    STOP = 3
    READY = 4
    FINISH = 5


class FrameError(Exception):
    """What came is no Frame Stream."""


@dataclass(frozen=True)
class Control:
    """A control frame, with the content types that it names."""

    kind: Kind
    content_types: tuple[bytes, ...] = ()


def data(payload: bytes) -> bytes:
    """A data frame."""
    return _NUMBER.pack(len(payload)) + payload


def control(kind: Kind, content_type: bytes | None = None) -> bytes:
    """A control frame with its escape."""
    body = _NUMBER.pack(kind)
    if content_type is not None:
        body += _NUMBER.pack(_CONTENT_TYPE) + _NUMBER.pack(len(content_type)) + content_type
    return _NUMBER.pack(0) + _NUMBER.pack(len(body)) + body


def read_control(body: bytes) -> Control:
    """A control frame out of what stands behind its length; raises `FrameError`."""
    try:
        (number,) = _NUMBER.unpack_from(body)
        kind = Kind(number)
        types, at = [], 4
        while at < len(body):
            field, length = _NUMBER.unpack_from(body, at)[0], _NUMBER.unpack_from(body, at + 4)[0]
            at += 8 + length
            if field != _CONTENT_TYPE or at > len(body):
                raise FrameError("a control frame has a field that is not known, or is cut off")
            types.append(body[at - length : at])
    except (struct.error, ValueError) as error:
        raise FrameError("a control frame cannot be read") from error
    return Control(kind, tuple(types))
