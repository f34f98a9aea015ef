"""Who asks for a change, and when things are."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from keyhole.accounts.error import AccountError

Clock = Callable[[], float]
"""Seconds of Unix time."""

wall_clock: Clock = time.time

_NAME = re.compile(r"[a-z0-9]([a-z0-9._@-]{0,61}[a-z0-9])?")
# Long enough for what browsers say of themselves.
_MAX_AGENT = 256


@dataclass(frozen=True)
class Actor:
    """Whoever asks, as the audit record names them; ``via`` is how they came."""

    name: str
    via: str
    address: str | None = None


@dataclass(frozen=True)
class ClientInfo:
    """From where somebody logs in, and with which program, as it says itself."""

    address: str
    agent: str = ""

    @property
    def shown_agent(self) -> str:
        """What the program says of itself, cut short and without anything that is no letter."""
        return "".join(one for one in self.agent if one.isprintable())[:_MAX_AGENT]


def read_name(written: str) -> str:
    """The name of an account or a token; raises `AccountError` with what would be right."""
    if not _NAME.fullmatch(written):
        raise AccountError(
            f"{written[:64]!r} is not a name here; write anna or anna.smith@example.org, of "
            "lower-case letters, digits, dots, -, _ and @, at most 63 of them"
        )
    return written
