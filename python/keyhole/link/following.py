"""Ties an engine to control, as its launch document says."""

import os
import secrets
from pathlib import Path
from typing import Protocol

from keyhole import __version__
from keyhole.engine.launch import Launch, Link
from keyhole.engine.obey import Engine
from keyhole.link.follow import Follower, by_socket
from keyhole.link.message import About


class Thread(Protocol):
    """One of them."""

    def start(self) -> None:
        """Begins its work."""

    def end(self) -> None:
        """Begins nothing new."""


class Tie:
    """The threads of one link."""

    def __init__(self, *threads: Thread) -> None:
        self._threads = threads

    def start(self) -> None:
        """Begins to take commands."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Takes none from now on."""
        for thread in self._threads:
            thread.end()


def follow(launch: Launch, engine: Engine) -> Tie | None:
    """What carries commands of control to the engine; none where the engine is on its own."""
    if launch.link is None:
        return None
    if launch.link.identity is not None:
        return _follow_elsewhere(launch, launch.link, launch.link.identity, engine)
    instance = secrets.token_hex(8)

    def about() -> About:
        return _about(instance, engine, "")

    return Tie(Follower(by_socket(Path(launch.link.to)), about, engine.obey))


def _follow_elsewhere(launch: Launch, link: Link, identity: Path, engine: Engine) -> Tie:
    # Imported here: an engine beside its control needs none of it.
    from keyhole.link.leader import Leader
    from keyhole.link.shipping import Shipping
    from keyhole.link.taking import Taking
    from keyhole.link.watching import Watching

    leader = Leader(link.to, identity)
    taking = Taking(engine, leader, launch.snapshot)
    instance = secrets.token_hex(8)

    def about() -> About:
        return _about(instance, engine, taking.mark)

    threads: list[Thread] = [
        Follower(leader.connect, about, taking.obey),
        Watching(engine, launch.identities),
    ]
    if launch.log is not None:
        threads.append(Shipping(leader, launch.log.path.parent))
    return Tie(*threads)


def _about(instance: str, engine: Engine, mark: str) -> About:
    return About(
        instance=instance,
        pid=os.getpid(),
        version=__version__,
        addresses=engine.addresses,
        number=engine.number,
        mark=mark,
    )
