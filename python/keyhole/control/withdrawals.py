"""What was taken away: revocations, tokens and trust, brought to every engine by a way of its own.

Nothing is compiled for it. It is read from the folder of our authority, laid over the last good
snapshot by each engine, and kept beside that snapshot for the next start. So a document that is not
valid, a compilation that takes long, and a full disk are no hindrance.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from keyhole.config import read_documents
from keyhole.config.files import COPY
from keyhole.control.data_folder import DataFolder, write_durably
from keyhole.control.error import UnwritableError
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.settings import Settings
from keyhole.control.trust_context import read_revocations
from keyhole.engine.runtime import Refusal
from keyhole.engine.withdrawal import VERSION, Withdrawal, root_digests
from keyhole.identity import IdentityError, read_tokens, read_trust
from keyhole.link.peer import Peer
from keyhole.model.snapshot import SnapshotUpstream
from keyhole.model.snapshot_identity import TrustDomain
from keyhole.policy import remaining_domains, remaining_upstreams

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


class Withdrawals:
    """The newest withdrawal, and the engines that have it. Call it on one event loop."""

    def __init__(self, data: DataFolder, notify: Notify) -> None:
        self._data = data
        self._notify = notify
        self._peers: dict[str, Peer] = {}
        self._domains: Remaining | None = None
        self._upstreams: Remaining | None = None
        self._last: Withdrawal | None = None
        self._is_written = False
        self._lock = asyncio.Lock()

    def add(self, engine: str, peer: Peer) -> None:
        """Brings it to this engine as well."""
        self._peers[engine] = peer
        if self._last is not None:
            peer.set_withdrawal(self._last)

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

    async def set_trust(
        self, domains: Iterable[TrustDomain], upstreams: Iterable[SnapshotUpstream]
    ) -> None:
        """Has no other trust domain be trusted than these, our own apart, and no upstream more
        than these say."""
        self._domains = {
            one.name: {"roots": root_digests(one.bundle), "crls": one.crls} for one in domains
        }
        self._upstreams = {
            one.name: {
                "roots": None if one.roots.pem is None else root_digests(one.roots.pem),
                "pins": one.pins,
                "crls": one.crls,
            }
            for one in upstreams
        }
        await self.refresh()

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
        return current(self._data, self._domains, self._upstreams, last)

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
    write_durably(data.withdrawn, current(data, domains, upstreams, before).to_json())


def _kept(data: DataFolder) -> Withdrawal | None:
    """The one that is kept for the next start; none if it is missing or damaged."""
    with suppress(Refusal):
        return Withdrawal.read(data.withdrawn)
    return None


def remaining(
    settings: Settings,
    data: DataFolder,
    domains: list[TrustDomain],
    upstreams: list[SnapshotUpstream],
) -> tuple[list[TrustDomain], list[SnapshotUpstream]]:
    """What is left of trust while the documents are not valid as a whole: nothing is added, and
    what a document or a file no longer says is taken away."""
    paths = [settings.documents, *data.stored_folders]
    documents, problems = read_documents(paths)
    wholes = {str(path) for path in (*paths, *(one / COPY for one in data.stored_folders))}
    if any(one.file in wholes for one in problems):
        return domains, upstreams  # a folder that is missing or damaged says nothing
    return (
        remaining_domains(domains, documents, problems),
        remaining_upstreams(upstreams, documents),
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
