"""One event: what happened, for whoever is to be told."""

import enum
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


class Severity(enum.IntEnum):
    """How serious it is, with the numbers of RFC 5424 section 6.2.1."""

    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6

    @property
    def word(self) -> str:
        """``error``, ``warning``, ``notice`` or ``info``."""
        return self.name.lower()


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return secrets.token_hex(12)


@dataclass(frozen=True)
class Event:
    """What happened. ``fields`` are values of JSON by their names; names are short words of
    letters, digits and ``_``. The same event has the same ``id`` when it is sent again."""

    kind: str
    severity: Severity
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    time: datetime = field(default_factory=_now)
    id: str = field(default_factory=_new_id)
    source: str | None = None
    """The durable record that it comes from, if any; see ``number``."""
    number: int = 0
    """Its number there."""

    @property
    def moment(self) -> str:
        """Its time as RFC 3339 in UTC, to microseconds (RFC 5424 section 6.2.3)."""
        return f"{self.time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
