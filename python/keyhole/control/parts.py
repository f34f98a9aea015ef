"""The parts of a running Keyhole that may fail while DNS goes on, and the state of each."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from keyhole.control.notice import Notice, Notify, Severity

SETTINGS, DOCUMENTS, SNAPSHOT = "settings", "documents", "last good snapshot"
DATABASE, AUTHORITY, HISTORY, DISK = "database", "authority", "history", "disk"
SERVER_TLS, CLIENT_TLS = "certificate of the listeners", "certificates for upstreams"
API, ENROLLMENT, LINK, METRICS = "API", "enrollment", "link", "metrics"
FOLDER, AUDIT, LISTS = "data folder", "audit record", "lists"
WATCH, IMPORT, LIST_PREVIEW = "watch of the documents", "import", "list preview"
SENT_DOCUMENTS, LIST_REFRESH = "documents that were sent", "list refresh"
CHANGES = "changes"
KUBERNETES, KUBERNETES_DOCUMENTS = "watch of Kubernetes", "documents in Kubernetes"
KUBERNETES_STATUS = "status in Kubernetes"
EVIDENCE, PROOF = "evidence", "proof"
CLIENT_NAMES, CLIENT_NAMES_FILES = "names of clients", "files with names of clients"
REVERSE_NAMES = "reverse look-ups of clients"
FINDINGS, REMOTE_FINDINGS = "findings", "findings of other engines"
"""The names of the parts."""


STUCK_SECONDS = 30.0
"""Work that takes longer is shown: usually it is done in a second."""


class Health(StrEnum):
    """The state of a part."""

    FAILED = "failed"
    """It does not work, and is tried again."""
    MISSING = "missing"
    """It was there and is gone; a person must act."""
    STUCK = "stuck"
    """It began a piece of work and has not come back."""
    MENDED = "mended"
    """It was found damaged at the start, and was made whole."""


@dataclass(frozen=True)
class PartState:
    """A part that needs attention."""

    name: str
    state: Health
    why: str
    """What is wrong, what goes on, and what would be right."""
    since: float
    """When it was first seen, in seconds of Unix time."""


class Parts:
    """The parts that do not work; thread-safe. Each change is notified once."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify
        self._states: dict[str, PartState] = {}
        self._working: dict[str, tuple[float, float, str]] = {}

    def fail(
        self, name: str, why: str, state: Health = Health.FAILED, *, is_said: bool = False
    ) -> None:
        """Records that a part does not work; it is notified unless that ``is_said`` already."""
        known = self._states.get(name)
        if known is None:
            self._states[name] = PartState(name, state, why, time.time())
        else:
            self._states[name] = replace(known, state=state, why=why)
        if not is_said and (known is None or known.why != why):
            severity = Severity.WARNING if state is Health.MENDED else Severity.ERROR
            self._notify(Notice(severity, f"{name}: {state}", tuple(why.splitlines())))

    def works(self, name: str) -> None:
        """Records that a part works."""
        known = self._states.pop(name, None)
        if known is not None and known.state is not Health.MENDED:
            self._notify(Notice(Severity.SUCCESS, f"{name}: works again"))

    def set(self, name: str, why: str | None, state: Health = Health.FAILED) -> None:
        """`fail` with a reason, `works` without one."""
        if why is None:
            self.works(name)
        else:
            self.fail(name, why, state)

    @contextmanager
    def recorded(self, name: str, *kinds: type[Exception]) -> Iterator[None]:
        """Records an error of the block; the caller goes on without."""
        try:
            yield
        except kinds as error:
            self.fail(name, _why(error))

    @contextmanager
    def working(self, name: str, why: str, seconds: float = STUCK_SECONDS) -> Iterator[None]:
        """While the block runs, a part works on something that should not take that long. Where it
        does not come back, the part is shown as stuck, with ``why``."""
        self._working[name] = (time.monotonic() + seconds, time.time(), why)
        try:
            yield
        finally:
            self._working.pop(name, None)

    def states(self) -> list[PartState]:
        """The parts that need attention, by name."""
        stuck = {
            name: PartState(name, Health.STUCK, f"{why}; it has not ended since {_clock(at)}", at)
            for name, (until, at, why) in list(self._working.items())
            if time.monotonic() >= until
        }
        return sorted({**self._states, **stuck}.values(), key=lambda one: one.name)

    def has_failed(self, name: str) -> bool:
        """Whether the part does not work now."""
        known = self._states.get(name)
        return known is not None and known.state is not Health.MENDED


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S %Z", time.localtime(at))


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'the data folder'}: {error.strerror or error}"
    return str(error)
