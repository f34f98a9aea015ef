"""Watches the network interfaces of this machine for names that should be encrypted."""

import socket
import struct
import threading
from collections.abc import Collection
from types import TracebackType
from typing import Self

from keyhole.verify.bpf import leave_out_other_loopback
from keyhole.verify.error import SkippedError

_ALL_PROTOCOLS = 0x0003
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_SO_RCVBUFFORCE = 33
_BUFFER = 1 << 26
_END_SECONDS = 10.0


class Capture:
    """The frames of every interface, from `__enter__` to `finish`: how many there were, and which
    of them hold the marker in the clear. ``ports`` are those of the target on loopback."""

    def __init__(self, marker: str, ports: Collection[int]) -> None:
        self._ports = {*ports, 53}
        self._marker = marker.encode()
        self._end = b"end-of-" + self._marker
        self._tap: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.why_not = ""
        self.frames = 0
        self.in_the_clear: list[bytes] = []

    def __enter__(self) -> Self:
        if not hasattr(socket, "AF_PACKET"):
            self.why_not = "this system has no packet sockets"
            return self
        try:
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
            tap.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
            leave_out_other_loopback(tap, self._ports)
        except PermissionError:
            self.why_not = "a capture needs root"
            return self
        self._tap = tap
        self._thread = threading.Thread(target=self._collect, args=(tap,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._tap is not None and self._thread is not None:
            self._stop()
            self._tap.close()

    def finish(self) -> tuple[int, list[bytes]]:
        """Ends the capture: how many frames it saw, and those with the marker in the clear. Skips
        the check where nothing was captured or frames were lost, since it then proves nothing."""
        if self._tap is None or self._thread is None:
            raise SkippedError(self.why_not or "nothing was captured")
        self._stop()
        _, lost = struct.unpack("II", self._tap.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        if self.in_the_clear:
            return self.frames, self.in_the_clear
        if lost or self._thread.is_alive():
            raise SkippedError(f"the capture lost {lost} frames, this machine is too busy")
        return self.frames, []

    def _stop(self) -> None:
        # Frames of loopback arrive in order: once this one is seen, all before it were.
        assert self._thread is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(self._end, ("127.0.0.1", 9))
        self._thread.join(_END_SECONDS)

    def _collect(self, tap: socket.socket) -> None:
        frame = bytearray(1 << 17)
        while True:
            try:
                octets = tap.recv_into(frame)
            except OSError:
                return
            self.frames += 1
            # A name is compared without case (RFC 4343).
            if self._marker in (lower := bytes(frame[:octets]).lower()):
                if self._end in lower:
                    return
                self.in_the_clear.append(bytes(frame[:octets]))
