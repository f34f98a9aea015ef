"""Makes the receivers that the settings name."""

import os
import socket
import ssl
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from keyhole import __version__
from keyhole.config.sections.events import OF_QUERIES, host_and_port
from keyhole.control.data_folder import DataFolder
from keyhole.control.events.attention import Wrong, wrong_now
from keyhole.control.events.files import beside
from keyhole.control.events.progress import Progress
from keyhole.control.events.queries import QueryFeed
from keyhole.control.events.receiver import Receiver, Sender
from keyhole.control.events.service import EventService
from keyhole.control.events.webhook_sender import Webhook, WebhookSender
from keyhole.control.notice import Notify
from keyhole.control.settings import VALUE, Settings
from keyhole.events.syslog import Origin
from keyhole.events.syslog_sender import SyslogSender
from keyhole.events.tls import client_context
from keyhole.lists.download import AddressGuard
from keyhole.querylog import Tail

if TYPE_CHECKING:
    from keyhole.control.control_plane import ControlPlane
    from keyhole.control.list_refresh import ListRefresher


def make_events(
    control_plane: "ControlPlane",
    data: DataFolder,
    lists: "ListRefresher",
    own: Iterable[tuple[str, int]],
    notify: Notify,
) -> EventService | None:
    """The events of the settings; none where no receiver is named. ``own`` are the addresses on
    which Keyhole itself listens."""
    settings = control_plane.settings
    section = settings.written.events
    host = section.host or socket.gethostname()
    origin = Origin(host, os.getpid(), __version__)
    receivers = [
        *_syslog(settings, origin, notify),
        *_webhook(settings, data, origin, frozenset(own), notify),
    ]
    if not receivers:
        return None
    chosen = {kind for receiver, _ in receivers for kind in receiver.chosen if kind in OF_QUERIES}
    has_queries = bool(chosen) and settings.written.log.keep > 0
    feed = QueryFeed(Tail(data.query_log.parent), chosen) if has_queries else None
    wrong = partial(_wrong, control_plane, lists, [one for one, _ in receivers])
    return EventService(receivers, Progress(data), feed, wrong)


def _syslog(
    settings: Settings, origin: Origin, notify: Notify
) -> Iterator[tuple[Receiver, Sender]]:
    section = settings.written.events.syslog
    if section.server is None:
        return
    folder = settings.file.absolute().parent
    written = (section.ca, section.certificate, section.key)
    files = [beside(folder, one) if one else None for one in written]

    def context() -> ssl.SSLContext | None:
        # Read for each connection, so that a renewed certificate needs no restart.
        return client_context(*files) if section.tls else None

    receiver = Receiver(
        "syslog", section.server, section.kinds, settings.written.events.queue, notify
    )
    yield receiver, SyslogSender(*host_and_port(section.server), context, origin)


def _webhook(
    settings: Settings,
    data: DataFolder,
    origin: Origin,
    own: frozenset[tuple[str, int]],
    notify: Notify,
) -> Iterator[tuple[Receiver, Sender]]:
    section = settings.written.events.webhook
    if section.url is None or section.secret is None:
        return
    # The path of the URL of a webhook is often a password: it is not shown.
    target = "/".join(section.url.split("/", 3)[:3])
    receiver = Receiver("webhook", target, section.kinds, settings.written.events.queue, notify)
    guard = AddressGuard(
        allow=tuple(section.allow),
        own=own,
        remedy="where it is your own, add its network to events.webhook.allow in keyhole.yaml",
    )
    ca = beside(settings.file.absolute().parent, section.ca) if section.ca else None
    webhook = Webhook(section.url, data.secrets / section.secret / VALUE, ca, guard)
    yield receiver, WebhookSender(webhook, origin, lambda: receiver.lost)


def _wrong(
    control_plane: "ControlPlane", lists: "ListRefresher", receivers: list[Receiver]
) -> Iterator[Wrong]:
    yield from wrong_now(control_plane, lists)
    for one in (receiver.state for receiver in receivers):
        if one.since is not None:
            text = f"events are not taken by {one.target}"
            yield Wrong(f"events to {one.target}", text, one.why or "", one.since)
