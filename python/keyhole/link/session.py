"""Ties an engine to control, as its launch document says."""

import os
import secrets
from pathlib import Path
from typing import Protocol

from keyhole import __version__
from keyhole.engine.commands import Engine
from keyhole.engine.launch import Launch, Link
from keyhole.link.command_poller import CommandPoller, unix_connector
from keyhole.link.message import About


class Worker(Protocol):
    """One of them."""

    def start(self) -> None:
        """Begins its work."""

    def end(self) -> None:
        """Begins nothing new."""


class LinkSession:
    """The threads of one link."""

    def __init__(self, *threads: Worker) -> None:
        self._threads = threads

    def start(self) -> None:
        """Begins to take commands."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Takes none from now on."""
        for thread in self._threads:
            thread.end()


def open_session(launch: Launch, engine: Engine) -> LinkSession | None:
    """What carries commands of control to the engine; none where the engine is on its own."""
    if launch.link is None:
        return None
    if launch.link.identity is not None:
        return _open_remote_session(launch, launch.link, launch.link.identity, engine)
    instance = secrets.token_hex(8)

    def about() -> About:
        return _about(instance, engine, "")

    return LinkSession(CommandPoller(unix_connector(Path(launch.link.to)), about, engine.obey))


def _open_remote_session(launch: Launch, link: Link, identity: Path, engine: Engine) -> LinkSession:
    # Imported here: an engine beside its control needs none of it.
    from keyhole.link.certificate_watcher import CertificateWatcher
    from keyhole.link.control_client import ControlClient
    from keyhole.link.log_shipper import LogShipper
    from keyhole.link.snapshot_fetcher import SnapshotFetcher

    leader = ControlClient(link.to, identity)
    taking = SnapshotFetcher(engine, leader, launch.snapshot)
    instance = secrets.token_hex(8)

    def about() -> About:
        return _about(instance, engine, taking.mark)

    threads: list[Worker] = [
        CommandPoller(leader.connect, about, taking.obey),
        CertificateWatcher(engine, launch.identities),
    ]
    if launch.log is not None:
        threads.append(LogShipper(leader, launch.log.path.parent))
    return LinkSession(*threads)


def _about(instance: str, engine: Engine, mark: str) -> About:
    return About(
        instance=instance,
        pid=os.getpid(),
        version=__version__,
        addresses=engine.addresses,
        number=engine.number,
        mark=mark,
    )
