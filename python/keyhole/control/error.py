"""Failures of the use cases themselves; documents and certificates have their own errors."""

from keyhole.errors import KeyholeError


class ControlError(KeyholeError):
    """A use case cannot be carried out."""


class UnwritableError(ControlError):
    """The data folder takes nothing: its disk is full, broken or read-only."""


class EngineGoneError(ControlError):
    """The engine ended before it answered; its supervisor starts it again."""


class EngineRefusedError(ControlError):
    """The engine refused what it was given; nothing has changed in it."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.path = path
        self.why = why
