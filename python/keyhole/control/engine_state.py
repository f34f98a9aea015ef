"""The state of an engine, in one form for the local engine and for those on other machines."""

import time
from dataclasses import dataclass

from keyhole.link.peer import Peer

LOCAL = "local"
"""The name of the local engine."""


@dataclass(frozen=True)
class EngineState:
    """The current state of one engine."""

    name: str
    """Its SPIFFE ID, or ``local``."""
    state: str
    """``in force``, ``behind``, ``away`` or ``never seen``."""
    number: int | None
    """The snapshot in force there, if known."""
    wanted: int | None
    """The snapshot that should be in force."""
    why: str
    """Why the engine refused it; empty while it may still take it."""
    version: str
    pid: int | None
    addresses: dict[str, list[str]]
    silent: float | None
    """Seconds since its last message; none if there was no message yet."""


def state_of(
    name: str, peer: Peer, wanted: int | None, *, is_behind: bool, why: str = ""
) -> EngineState:
    """Builds the state of one engine."""
    about = peer.about
    return EngineState(
        name=name,
        state=_word_for(peer, is_behind=is_behind),
        number=about.number if about else None,
        wanted=wanted,
        why=why,
        version=about.version if about else "",
        pid=about.pid if about else None,
        addresses=about.addresses if about else {},
        silent=time.monotonic() - peer.last_poll if about else None,
    )


def _word_for(peer: Peer, *, is_behind: bool) -> str:
    if peer.about is None:
        return "never seen"
    if not peer.is_present:
        return "away"
    return "behind" if is_behind else "in force"
