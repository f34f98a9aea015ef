"""dnstap in a file: one Frame Stream, in a new file when the size limit is reached."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from keyhole.querylog.dnstap import frames
from keyhole.querylog.dnstap.message import CONTENT_TYPE

_STOP = frames.control(frames.Kind.STOP)


class FileOutput:
    """Writes payloads to a file; the file and its predecessor together take at most ``size``
    octets.

    Blocks; raises ``OSError`` where the disk cannot be written.
    """

    def __init__(self, path: Path, size: int) -> None:
        """Does not open the file yet."""
        self._path = path
        self._older = path.with_name(f"{path.name}.1")
        self._half = size // 2
        self._file: BinaryIO | None = None
        self._octets = 0

    def write(self, payloads: Iterable[bytes]) -> None:
        """Appends payloads and flushes them to the operating system."""
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
        """Opens a new file: a stream cannot be continued after its STOP frame."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists():
            self._path.replace(self._older)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        # It names clients and their queries: readable for the owner alone.
        self._file = os.fdopen(os.open(self._path, flags, 0o600), "wb")
        start = frames.control(frames.Kind.START, CONTENT_TYPE)
        self._octets = self._file.write(start)
        return self._file
