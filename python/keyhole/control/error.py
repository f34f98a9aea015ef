"""Failures of the use cases themselves; documents and certificates have their own errors."""

from keyhole.errors import KeyholeError


class ControlError(KeyholeError):
    """A use case cannot be carried out."""


class UnwritableError(ControlError):
    """The data folder takes nothing: its disk is full, broken or read-only."""


class InvalidError(ControlError):
    """What was asked for cannot be done as it was asked."""


class NotThereError(ControlError):
    """What was asked for does not exist."""


class ReadOnlyError(ControlError):
    """A document is declared in a file, so it can only be changed there."""


class StaleError(ControlError):
    """Somebody changed it since it was looked at."""


class EndedError(ControlError):
    """A process ended before it served, and has said itself why."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class EngineGoneError(ControlError):
    """The engine ended before it answered; its supervisor starts it again."""


class EngineRefusedError(ControlError):
    """The engine refused what it was given; nothing has changed in it."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.path = path
        self.why = why
