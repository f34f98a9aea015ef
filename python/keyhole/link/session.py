"""Connects an engine to control, as its launch document says."""

import os
import secrets
from pathlib import Path
from typing import Protocol

from keyhole import __version__
from keyhole.engine.commands import Engine
from keyhole.engine.launch import Launch, Link
from keyhole.engine.warning import warn
from keyhole.link.command_poller import CommandPoller, unix_connector
from keyhole.link.message import About


class Worker(Protocol):
    """A thread of the session."""

    def start(self) -> None:
        """Starts the thread."""

    def end(self) -> None:
        """Starts no new work."""


class LinkSession:
    """All threads of one link."""

    def __init__(self, *threads: Worker) -> None:
        self._threads = threads

    def start(self) -> None:
        """Starts to receive commands."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stops receiving commands."""
        for thread in self._threads:
            thread.end()


def open_session(launch: Launch, engine: Engine) -> LinkSession | None:
    """Creates the link to control; ``None`` if the launch document names no link."""
    if launch.link is None:
        return None
    if launch.link.identity is not None:
        return _open_remote_session(launch, launch.link, launch.link.identity, engine)
    instance = secrets.token_hex(8)

    def about() -> About:
        return _about(instance, engine, "")

    return LinkSession(CommandPoller(unix_connector(Path(launch.link.to)), about, engine.execute))


def _open_remote_session(launch: Launch, link: Link, identity: Path, engine: Engine) -> LinkSession:
    # Imported here: an engine on the same machine as control does not need it.
    from keyhole.link.certificate_watcher import CertificateWatcher
    from keyhole.link.control_client import ControlClient
    from keyhole.link.log_shipper import LogShipper
    from keyhole.link.snapshot_fetcher import SnapshotFetcher

    control = ControlClient(link.to, identity)
    fetcher = SnapshotFetcher(engine, control, launch.snapshot, launch.copy)
    instance = secrets.token_hex(8)

    def about() -> About:
        # Without a snapshot, because that was damaged, the offer is taken once more.
        return _about(instance, engine, fetcher.mark if engine.number is not None else "")

    threads: list[Worker] = [
        CommandPoller(control.connect, about, fetcher.execute),
        CertificateWatcher(engine, launch.identities),
    ]
    if launch.log is not None:
        threads.append(LogShipper(control, launch.log.path.parent, warn))
    return LinkSession(*threads)


def _about(instance: str, engine: Engine, mark: str) -> About:
    return About(
        instance=instance,
        pid=os.getpid(),
        version=__version__,
        addresses=engine.addresses,
        number=engine.number,
        mark=mark,
        withdrawn=engine.withdrawn,
    )
