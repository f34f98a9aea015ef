"""Pieces of the logs of other engines that wait until findings can be made of them.

The history takes a piece at once, and the engine does not send it again. So it waits here, bounded,
with those of its lines alone that say something for findings.
"""

import threading
from collections import deque
from collections.abc import Callable

from keyhole.control.findings.signal import marked
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.parts import REMOTE_FINDINGS, Parts
from keyhole.errors import KeyholeError
from keyhole.querylog.spool import Piece

MAX_WAITING = 16 * 2**20
"""Octets of lines; beyond it the oldest pieces go."""
_MAX_PIECES = 10_000

Take = Callable[[str, Piece], None]


class WaitingPieces:
    """The pieces, in their order; thread-safe. ``take`` raises ``KeyholeError`` and ``OSError``
    where it may work later."""

    def __init__(self, take: Take, notify: Notify, parts: Parts) -> None:
        self._take = take
        self._notify = notify
        self._parts = parts
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, Piece]] = deque()
        self._octets = 0

    def add(self, engine: str, piece: Piece) -> None:
        """Takes a piece, after those that wait. Raises nothing: what fails is said."""
        lines = marked(piece.lines)
        if not lines:
            return
        with self._lock:
            self._waiting.append((engine, Piece(lines, piece.position)))
            self._octets += len(lines)
            self._take_all()
            self._bound()

    def retry(self) -> None:
        """Takes what waits; raises nothing."""
        with self._lock:
            self._take_all()

    def _take_all(self) -> None:
        while self._waiting:
            engine, piece = self._waiting[0]
            try:
                self._take(engine, piece)
            except (KeyholeError, OSError) as error:
                why = (
                    f"{error}\nwhat engines elsewhere have sent waits in memory; it is tried again"
                )
                self._parts.fail(REMOTE_FINDINGS, why)
                return
            except Exception as error:  # noqa: BLE001 (no piece may keep the log from being stored)
                self._lose(f"{type(error).__name__}: {error}")
            else:
                self._drop_first()
        self._parts.works(REMOTE_FINDINGS)

    def _bound(self) -> None:
        while self._octets > MAX_WAITING or len(self._waiting) > _MAX_PIECES:
            self._lose("too much waits")

    def _lose(self, why: str) -> None:
        engine, piece = self._drop_first()
        count = piece.lines.count(b"\n")
        text = f"{count} lines of the engine {engine} make no finding; the history has them"
        self._notify(Notice(Severity.ERROR, text, (why,)))

    def _drop_first(self) -> tuple[str, Piece]:
        engine, piece = self._waiting.popleft()
        self._octets -= len(piece.lines)
        return engine, piece
