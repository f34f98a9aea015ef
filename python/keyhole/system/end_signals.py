"""Signals that end a command end it as an error does: it cleans up behind itself first."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class SignalExit(SystemExit):
    """A signal came. The exit code is the one that a shell gives, and no handler of errors takes it
    for one of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.name = signal.Signals(number).name


class EndSignals:
    """Whether a signal still ends the command."""

    def __init__(self) -> None:
        self._is_over = False

    def ignore(self) -> None:
        """From here on signals change nothing: what is left takes a moment, or is being undone."""
        self._is_over = True

    def take(self, number: int, frame: FrameType | None) -> None:
        """Ends the command, once: a second signal would end the cleaning up."""
        if not self._is_over:
            self._is_over = True
            raise SignalExit(number)


@contextmanager
def ended_by_exception() -> Iterator[EndSignals]:
    """Signals in the block raise `SignalExit`. One that is ignored, as by ``nohup``, stays so, and
    only the main thread hears any."""
    signals = EndSignals()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in _ENDING:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, signals.take)
    try:
        yield signals
    finally:
        signals.ignore()
        for number, handler in before.items():
            signal.signal(number, handler)
