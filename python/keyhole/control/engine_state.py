"""How an engine fares, in one shape for the one beside control and those on other machines."""

import time
from dataclasses import dataclass

from keyhole.link.peer import Peer

LOCAL = "local"
"""The name of the engine beside control."""


@dataclass(frozen=True)
class EngineState:
    """One engine, as it is now."""

    name: str
    """Its SPIFFE ID, or ``local``."""
    state: str
    """``in force``, ``behind``, ``away`` or ``never seen``."""
    number: int | None
    """The snapshot by which it decides, as far as it is known."""
    wanted: int | None
    """The snapshot by which it is to decide."""
    why: str
    """Why it did not take it; empty where it may still do so."""
    version: str
    pid: int | None
    addresses: dict[str, list[str]]
    silent: float | None
    """Seconds since it was heard; none where it never was."""


def state_of(
    name: str, peer: Peer, wanted: int | None, *, is_behind: bool, why: str = ""
) -> EngineState:
    """How one engine fares."""
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
