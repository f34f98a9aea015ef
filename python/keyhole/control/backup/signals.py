"""Has signals that end a process end a restore as an error does, so that nothing is left of it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class EndedError(BaseException):
    """A signal came. No handler of errors takes it for one of its own."""


class Signals:
    """Whether a signal still ends the restore."""

    def __init__(self) -> None:
        self._is_over = False

    def ignore(self) -> None:
        """From here on signals change nothing: what is left takes a moment, or is being undone."""
        self._is_over = True

    def take(self, number: int, frame: FrameType | None) -> None:
        """Ends the restore, once."""
        if not self._is_over:
            self._is_over = True
            raise EndedError(signal.Signals(number).name)


@contextmanager
def ending_by_signals() -> Iterator[Signals]:
    """Signals in the block raise `EndedError`. One that is ignored, as by ``nohup``, stays so, and
    only the main thread hears any."""
    signals = Signals()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, signals.take)
    try:
        yield signals
    finally:
        signals.ignore()
        for number, handler in before.items():
            signal.signal(number, handler)
