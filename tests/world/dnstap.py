"""An independent reader of dnstap: Frame Streams and Protocol Buffers by their specifications."""

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"
ACCEPT, START, STOP, READY, FINISH = 1, 2, 3, 4, 5
# The names of fields, by number, of Dnstap, of Message and of Policy in dnstap.proto.
_DNSTAP = {1: "identity", 2: "version", 3: "extra", 14: "message", 15: "type"}
_MESSAGE = {
    1: "type", 2: "socket_family", 3: "socket_protocol", 4: "query_address", 5: "response_address",
    6: "query_port", 7: "response_port", 8: "query_time_sec", 9: "query_time_nsec",
    10: "query_message", 11: "query_zone", 12: "response_time_sec", 13: "response_time_nsec",
    14: "response_message", 15: "policy", 16: "http_protocol",
}  # fmt: skip
_POLICY = {1: "type", 2: "rule", 3: "action", 4: "match", 5: "value"}


def decode(octets: bytes) -> dict[str, Any]:
    """One Dnstap message; an unknown field is an error."""
    found = _fields(octets, _DNSTAP)
    found["message"] = _fields(found["message"], _MESSAGE)
    if "policy" in found["message"]:
        found["message"]["policy"] = _fields(found["message"]["policy"], _POLICY)
    return found


def _fields(octets: bytes, names: dict[int, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = 0
    while at < len(octets):
        key, at = _varint(octets, at)
        value: int | bytes
        match key & 7:
            case 0:
                value, at = _varint(octets, at)
            case 2:
                length, at = _varint(octets, at)
                value, at = octets[at : at + length], at + length
                assert len(value) == length
            case 5:
                (value,) = struct.unpack_from("<I", octets, at)
                at += 4
            case other:
                raise AssertionError(f"wire type {other}")
        found[names[key >> 3]] = value
    return found


def _varint(octets: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        octet = octets[at]
        at += 1
        value |= (octet & 0x7F) << shift
        if octet < 0x80:
            return value, at
        shift += 7


def read_stream(octets: bytes) -> tuple[list[bytes], bool]:
    """The payloads of a stream in one direction, and whether it has ended with STOP.

    A file may be read while it is written: its last frame may be there in part, and is left out.
    """
    payloads: list[bytes] = []
    kinds: list[int] = []
    at = 0
    while at + _frame_size(octets, at) <= len(octets):
        length = int.from_bytes(octets[at : at + 4])
        at += 4
        if length:
            assert kinds[:1] == [START], "data before START"
            assert kinds[-1] == START, "data after STOP"
            payloads.append(octets[at : at + length])
        else:
            length = int.from_bytes(octets[at : at + 4])
            at += 4
            kinds.append(int.from_bytes(octets[at : at + 4]))
            if kinds[-1] == START:
                assert octets[at + 12 : at + length] == CONTENT_TYPE
        at += length
    return payloads, kinds[-1:] == [STOP]


def _frame_size(octets: bytes, at: int) -> int:
    """The octets of the frame that begins there; at least those that say so."""
    length = int.from_bytes(octets[at : at + 4])
    # A control frame begins with four octets of zero, and then its own length.
    return 4 + length if length else 8 + int.from_bytes(octets[at + 4 : at + 8])


@dataclass
class Collector:
    """A program that listens on a Unix socket or TCP and accepts bidirectional Frame Streams."""

    path: Path | None = None
    accepts: bytes = CONTENT_TYPE
    payloads: list[bytes] = field(default_factory=list)
    ended: int = 0
    """The number of streams that ended with STOP and FINISH."""
    connections: int = 0
    port: int = 0

    def __enter__(self) -> "Collector":
        if self.path is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self.port = self._listener.getsockname()[1]
        else:
            self.path.unlink(missing_ok=True)
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(self.path))
            self._listener.listen()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Ends every connection at once, like a program that is killed."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages received so far."""
        return [decode(one) for one in list(self.payloads)]

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(peer)
            threading.Thread(target=self._take, args=(peer,), daemon=True).start()

    def _take(self, peer: socket.socket) -> None:
        try:
            with peer.makefile("rwb") as stream:
                kind, types = _control(stream)
                assert (kind, types) == (READY, CONTENT_TYPE)
                stream.write(_control_frame(ACCEPT, self.accepts))
                stream.flush()
                kind, types = _control(stream)
                assert (kind, types) == (START, CONTENT_TYPE)
                while head := stream.read(4):
                    if length := int.from_bytes(head):
                        self.payloads.append(stream.read(length))
                        continue
                    body = stream.read(int.from_bytes(stream.read(4)))
                    assert int.from_bytes(body) == STOP
                    stream.write(_control_frame(FINISH))
                    # Before the other side has it, and may end.
                    self.ended += 1
                    stream.flush()
                    return
        except (OSError, ValueError, AssertionError, struct.error):
            return
        finally:
            peer.close()


def _control(stream: Any) -> tuple[int, bytes]:
    assert stream.read(4) == b"\0\0\0\0"
    body = stream.read(int.from_bytes(stream.read(4)))
    return int.from_bytes(body[:4]), body[12:]


def _control_frame(kind: int, content_type: bytes | None = None) -> bytes:
    body = kind.to_bytes(4)
    if content_type is not None:
        body += (1).to_bytes(4) + len(content_type).to_bytes(4) + content_type
    return bytes(4) + len(body).to_bytes(4) + body
