"""An engine on another machine, which fetches the offered snapshot itself."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyhole.link.message import Command, Poll
from keyhole.link.peer import Peer, refusal_text

RETRY_SECONDS = 30.0
"""A refused offer is sent again after this time."""


@dataclass(frozen=True)
class Offer:
    """A snapshot that the local engine has accepted, with its lists and identities."""

    mark: str
    """The SHA-256 of the snapshot."""
    number: int
    snapshot: bytes
    lists: Path | None
    lists_sha256: str
    identities: tuple[str, ...]
    """Names of client identities for which the engine uses its own certificate."""

    @property
    def command(self) -> dict[str, Any]:
        """The command for an engine."""
        lists = None
        if self.lists is not None:
            lists = {"file": self.lists.name, "sha256": self.lists_sha256}
        return {"take": {"mark": self.mark, "lists": lists, "identities": list(self.identities)}}


class RemotePeer(Peer):
    """A remote engine, identified by the SPIFFE ID of its certificate."""

    def __init__(self, spiffe: str) -> None:
        super().__init__()
        self.spiffe = spiffe
        self.why = ""
        """Why it refused the last offer; empty if it did not."""
        self._offer: Offer | None = None
        self._sent: tuple[int, str] | None = None
        self._refused = ""
        self._refused_at = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether its active snapshot differs from the offer."""
        taken = self.about.mark if self.about else ""
        return self._offer is not None and taken != self._offer.mark

    def set_offer(self, offer: Offer) -> None:
        """Replaces the offer."""
        self._offer = offer
        self._work.set()

    def receive(self, poll: Poll) -> None:
        """Processes a poll, including the result of an offer."""
        if self._sent is not None:
            number, mark = self._sent
            for result in poll.results:
                if result["id"] == number:
                    self._settle(mark, result)
        super().receive(poll)

    async def commands(self) -> list[Command]:
        """The next commands, or the offer if its snapshot is outdated."""
        if first := self._due_withdrawal():
            return first
        if not self._is_due:
            commands = await super().commands()
            if commands or not self._is_due:
                return commands
        assert self._offer is not None
        number = next(self._ids)
        self._sent = (number, self._offer.mark)
        self._work.clear()
        return [{"id": number, **self._offer.command}]

    @property
    def _is_due(self) -> bool:
        if not self.is_behind or self._offer is None:
            return False
        is_again = self._offer.mark == self._refused
        return not is_again or time.monotonic() - self._refused_at >= RETRY_SECONDS

    def _settle(self, mark: str, result: dict[str, Any]) -> None:
        refused = result.get("refused")
        if refused is None:
            self.why, self._refused = "", ""
            return
        self.why = refusal_text(refused)
        self._refused, self._refused_at = mark, time.monotonic()
