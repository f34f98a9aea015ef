"""Failures of the use cases themselves; documents and certificates have their own errors."""

from keyhole.errors import KeyholeError


class ControlError(KeyholeError):
    """A use case cannot be carried out."""


class UnwritableError(ControlError):
    """The data folder cannot be written: its disk is full, broken or read-only."""


class InvalidError(ControlError):
    """The request is not valid."""


class NotThereError(ControlError):
    """The requested object does not exist."""


class ReadOnlyError(ControlError):
    """A document is declared in a file, so it can be changed only there."""


class StaleError(ControlError):
    """The object was changed after the caller read it."""


class EndedError(ControlError):
    """A process ended before it served, and has printed the reason."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class EngineGoneError(ControlError):
    """The engine ended before it answered; its supervisor restarts it."""


class EngineRefusedError(ControlError):
    """The engine refused the command; its state is unchanged."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.path = path
        self.why = why
