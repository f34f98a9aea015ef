"""Ties an engine to control, as its launch document says."""

import os
import secrets

from keyhole import __version__
from keyhole.engine.launch import Launch
from keyhole.engine.obey import Engine
from keyhole.link.follow import Follower, by_socket
from keyhole.link.message import About


def follow(launch: Launch, engine: Engine) -> Follower | None:
    """What carries commands of control to the engine; none where the engine is on its own."""
    if launch.link is None:
        return None
    instance = secrets.token_hex(8)

    def about() -> About:
        return About(
            instance=instance,
            pid=os.getpid(),
            version=__version__,
            addresses=engine.addresses,
            number=engine.number,
        )

    return Follower(by_socket(launch.link), about, engine.obey)
