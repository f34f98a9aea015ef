"""What was taken away: revocations, tokens and trust, brought to every engine by a way of its own.

Nothing is compiled for it. It is read from the folder of our authority, laid over the last good
snapshot by each engine, and kept beside that snapshot for the next start. So a document that is not
valid, a compilation that takes long, and a full disk are no hindrance.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from keyhole.config import read_documents
from keyhole.config.files import COPY
from keyhole.control.data_folder import DataFolder, write_durably
from keyhole.control.declared import declared_paths, is_unread
from keyhole.control.error import UnwritableError
from keyhole.control.missing_parts import documents_missing, stored_missing
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.settings import Settings
from keyhole.control.trust_context import read_revocations
from keyhole.engine.runtime import Refusal
from keyhole.engine.withdrawal import VERSION, Withdrawal, root_digests
from keyhole.identity import IdentityError, read_tokens, read_trust
from keyhole.link.peer import Peer
from keyhole.model.snapshot import Snapshot, SnapshotUpstream
from keyhole.model.snapshot_identity import TrustDomain
from keyhole.policy import (
    RemovedSubject,
    remaining_domains,
    remaining_upstreams,
    removed_subjects,
)

DELIVERY_SECONDS = 10.0
"""How long a command that takes something away waits for the engines."""

Remaining = dict[str, dict[str, Any]]
"""What is left of trust in each trust domain, or in each upstream, by its name."""


@dataclass(frozen=True)
class Delivery:
    """Whether one engine decides by what was taken away last, and if not, why."""

    engine: str
    has_it: bool
    why: str = ""


@dataclass(frozen=True)
class Trust:
    """What documents say of trust."""

    domains: list[TrustDomain]
    """Without our own."""
    upstreams: list[SnapshotUpstream]
    removed: list[RemovedSubject] | None = None
    """The clients that lost their document; ``None``: as before."""

    @classmethod
    def of(cls, snapshot: Snapshot, data: DataFolder) -> "Trust":
        """All of the trust in a snapshot."""
        own = str(data.identity)
        domains = [one for one in snapshot.trust.domains if one.origin != own]
        return cls(domains, snapshot.upstreams)


class Withdrawals:
    """The newest withdrawal, and the engines that have it. Call it on one event loop."""

    def __init__(self, data: DataFolder, notify: Notify) -> None:
        self._data = data
        self._notify = notify
        self._peers: dict[str, Peer] = {}
        self._domains: Remaining | None = None
        self._upstreams: Remaining | None = None
        self._removed: list[RemovedSubject] | None = None
        self._told: set[str] = set()
        self._last: Withdrawal | None = None
        self._is_written = False
        self._lock = asyncio.Lock()

    def add(self, engine: str, peer: Peer) -> None:
        """Brings it to this engine as well."""
        self._peers[engine] = peer
        if self._last is not None:
            peer.set_withdrawal(self._last)

    async def begin(self) -> None:
        """Goes on from what was kept at the last run, before any document is read; raises
        ``IdentityError``."""
        kept = await asyncio.to_thread(_kept, self._data)
        if kept is not None and self._domains is None:
            self._domains = kept.content["domains"]
            self._upstreams = kept.content.get("upstreams")
            self._removed = [RemovedSubject(*one) for one in kept.content.get("removed") or ()]
        await self.refresh()

    async def refresh(self) -> None:
        """Reads it again and sends it where it changed; raises ``IdentityError``."""
        async with self._lock:
            found = await asyncio.to_thread(self._read)
            if self._last is None or found.mark != self._last.mark:
                self._last, self._is_written = found, False
                for peer in self._peers.values():
                    peer.set_withdrawal(found)
            if not self._is_written:
                await asyncio.to_thread(self._write, found)

    async def set_trust(self, trust: "Trust") -> None:
        """Has no other trust domain be trusted than these, our own apart, no upstream more than
        these say, and no removed client be served; those before stay refused."""
        self._domains = {
            one.name: {"roots": root_digests(one.bundle), "crls": one.crls} for one in trust.domains
        }
        self._upstreams = {
            one.name: {
                "roots": None if one.roots.pem is None else root_digests(one.roots.pem),
                "pins": one.pins,
                "crls": one.crls,
            }
            for one in trust.upstreams
        }
        if trust.removed is not None:
            self._tell_removed(trust.removed)
            self._removed = trust.removed
        await self.refresh()

    async def serve_removed(self) -> None:
        """Ends the refusal of removed clients: the snapshot in force knows nothing of them."""
        if self._removed:
            self._removed, self._told = [], set()
            with suppress(IdentityError):  # compiling needs the same files, and reports it
                await self.refresh()

    def _tell_removed(self, removed: list[RemovedSubject]) -> None:
        subjects = {line.subject for line in removed}
        new, self._told = sorted(subjects - self._told), subjects
        if new:
            text = "removed from the documents, and refused until all of them are valid"
            self._notify(Notice(Severity.WARNING, f"{text}: {', '.join(new)}"))

    async def deliver(self, seconds: float = DELIVERY_SECONDS) -> list[Delivery]:
        """Reads it again, and waits at most so long until each engine has it."""
        await self.refresh()
        last = asyncio.get_running_loop().time() + seconds
        for peer in self._trusted().values():
            left = max(last - asyncio.get_running_loop().time(), 0)
            await peer.wait_until(_settled(peer), left)
        return self.deliveries()

    def deliveries(self) -> list[Delivery]:
        """Each engine as it is now."""
        return [
            Delivery(engine, peer.has_withdrawal, "" if peer.has_withdrawal else _why(peer))
            for engine, peer in self._trusted().items()
        ]

    def _trusted(self) -> dict[str, Peer]:
        """Without an engine that is itself revoked: it gets nothing any more."""
        revoked = self._last.content["revoked"]["identities"] if self._last else ()
        return {engine: peer for engine, peer in self._peers.items() if engine not in revoked}

    def _read(self) -> Withdrawal:
        last = self._last or _kept(self._data)
        return current(self._data, self._domains, self._upstreams, self._removed, last)

    def _write(self, withdrawal: Withdrawal) -> None:
        try:
            write_durably(self._data.withdrawn, withdrawal.to_json())
            self._is_written = True
        except UnwritableError as error:
            text = "what was taken away is in force, but cannot be kept for the next start"
            self._notify(Notice(Severity.ERROR, text, (str(error),)))


def current(
    data: DataFolder,
    domains: Remaining | None,
    upstreams: Remaining | None,
    removed: list[RemovedSubject] | None,
    last: Withdrawal | None,
) -> Withdrawal:
    """What the folder of our authority says now; raises ``IdentityError``.

    Each of its files counts by itself: where the authority or the tokens cannot be read, what
    ``last`` says of them stays, so that a revocation takes effect all the same.
    """
    folder = data.identity

    def read(part: str, reader: Callable[[], Any]) -> Any:
        try:
            return reader()
        except IdentityError:
            if last is None:
                raise
            return last.content[part]

    def read_own() -> dict[str, str] | None:
        own = read_trust(folder)
        return {"name": own.domain, "bundle": own.bundle_pem} if own.bundle_pem else None

    return Withdrawal.of(
        {
            "version": VERSION,
            "revoked": read_revocations(folder).model_dump(mode="json"),
            "own": read("own", read_own),
            "domains": domains,
            "upstreams": upstreams,
            "removed": removed or [],
            "tokens": read("tokens", lambda: read_tokens(folder)),
        }
    )


def keep_for_start(data: DataFolder) -> None:
    """Has the next start begin with what was taken away while no Keyhole runs; raises
    ``IdentityError`` and ``UnwritableError``."""
    if not data.state.is_dir():
        return  # nothing has ever served from here
    before = _kept(data)
    domains = before.content["domains"] if before else None
    upstreams = before.content.get("upstreams") if before else None
    removed = before.content.get("removed") if before else None
    write_durably(data.withdrawn, current(data, domains, upstreams, removed, before).to_json())


def _kept(data: DataFolder) -> Withdrawal | None:
    """The one that is kept for the next start; none if it is missing or damaged."""
    with suppress(Refusal):
        return Withdrawal.read(data.withdrawn)
    return None


def remaining(settings: Settings, data: DataFolder, last_good: Snapshot) -> "Trust":
    """What is left of trust while the documents are not valid as a whole: nothing is added, and
    what a document or a file no longer says is taken away."""
    whole = Trust.of(last_good, data)
    if documents_missing(data, settings) or stored_missing(data) or is_unread(settings, data):
        return whole
    paths = [*declared_paths(settings, data), *data.stored_folders]
    documents, problems = read_documents(paths)
    wholes = {str(path) for path in (*paths, *(one / COPY for one in paths))}
    if any(one.file in wholes for one in problems):
        return whole  # a folder that is missing or damaged says nothing
    return Trust(
        remaining_domains(whole.domains, documents, problems),
        remaining_upstreams(whole.upstreams, documents),
        removed_subjects(last_good, documents, problems),
    )


def _settled(peer: Peer) -> Callable[[], bool]:
    return lambda: peer.has_withdrawal or bool(peer.withdrawal_refusal)


def _why(peer: Peer) -> str:
    if peer.withdrawal_refusal:
        return f"it refused that: {peer.withdrawal_refusal}"
    if peer.about is None:
        return "it has not been heard since control started"
    if not peer.is_present:
        return "it is away; it gets it when it comes back"
    return "it has not answered yet"
