"""The client of a login, the names of accounts and tokens, and the clock."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from keyhole.accounts.error import AccountError

Clock = Callable[[], float]
"""Seconds of Unix time."""

wall_clock: Clock = time.time

_NAME = re.compile(r"[a-z0-9]([a-z0-9._@-]{0,61}[a-z0-9])?")
# Longer than the User-Agent of common browsers.
_MAX_AGENT = 256


@dataclass(frozen=True)
class ClientInfo:
    """The client of a login: its address and its User-Agent."""

    address: str
    agent: str = ""

    @property
    def shown_agent(self) -> str:
        """The User-Agent, truncated and without unprintable characters."""
        return "".join(one for one in self.agent if one.isprintable())[:_MAX_AGENT]


def read_name(written: str) -> str:
    """Checks the name of an account or a token; raises `AccountError` if it is not valid."""
    if not _NAME.fullmatch(written):
        raise AccountError(
            f"{written[:64]!r} is not a valid name; write anna or anna.smith@example.org, of "
            "lower-case letters, digits, dots, -, _ and @, at most 63 of them"
        )
    return written
