"""dnstap in a file: one Frame Stream, begun anew when it has grown too large."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from keyhole.querylog.dnstap import frames
from keyhole.querylog.dnstap.message import CONTENT_TYPE

_STOP = frames.control(frames.Kind.STOP)


class FileOutput:
    """Writes payloads into a file that together with its older half takes so many octets.

    Blocks; raises ``OSError`` where the disk does not take it.
    """

    def __init__(self, path: Path, size: int) -> None:
        """Opens nothing yet."""
        self._path = path
        self._older = path.with_name(f"{path.name}.1")
        self._half = size // 2
        self._file: BinaryIO | None = None
        self._octets = 0

    def write(self, payloads: Iterable[bytes]) -> None:
        """Appends payloads and gives them to the system."""
        for payload in payloads:
            frame = frames.data(payload)
            if self._file is not None and self._octets + len(frame) + len(_STOP) > self._half:
                self.close()
            file = self._file or self._open()
            file.write(frame)
            self._octets += len(frame)
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Ends the stream."""
        file, self._file = self._file, None
        if file is not None:
            with file:
                file.write(_STOP)

    def _open(self) -> BinaryIO:
        """A stream cannot be gone on with after its end, so what is there becomes the older one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists():
            self._path.replace(self._older)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        # Whoever asked for what: for nobody but the owner.
        self._file = os.fdopen(os.open(self._path, flags, 0o600), "wb")
        start = frames.control(frames.Kind.START, CONTENT_TYPE)
        self._octets = self._file.write(start)
        return self._file
