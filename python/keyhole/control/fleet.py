"""Engines on other machines: the snapshots offered to them, their state, and their query logs.

Only a snapshot that the local engine has committed is offered to the others. An engine that has not
taken it is shown as behind, with its reason.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyhole.control.compile import Compiled
from keyhole.control.data_folder import DataFolder
from keyhole.control.engine_state import EngineState, state_of
from keyhole.control.findings import FindingCollector
from keyhole.control.notice import Notice, Notify, Severity, report_to
from keyhole.control.query_history import QueryHistory
from keyhole.control.settings import Settings
from keyhole.http.connection_limiter import OnRefused
from keyhole.link.network import NetworkLink, Setup
from keyhole.link.remote_peer import Offer, RemotePeer
from keyhole.model.spiffe import spiffe_id_for
from keyhole.querylog.spool import Piece, Position

if TYPE_CHECKING:
    from keyhole.querylog.history import History

CHECK_SECONDS = 2.0
_SPOOL = re.compile("[0-9a-f]{16}")
MAX_OFFSET = 2**53
"""Octets of one log: part of the names of files."""


class Fleet:
    """The engines of one control."""

    def __init__(
        self,
        settings: Settings,
        data: DataFolder,
        notify: Notify,
        on_refused: OnRefused | None = None,
    ) -> None:
        self._settings = settings
        self._data = data
        self._notify = notify
        self._offer: Offer | None = None
        self._notified: dict[str, str] = {}
        self.queries: QueryHistory | None = None
        self.findings: FindingCollector | None = None
        """The history for their query logs; set once it is open."""
        domain = settings.resolved.trust_domain
        ids = [
            one if "://" in one else spiffe_id_for(one, domain)
            for one in settings.written.link.engines
        ]
        self._peers = {spiffe: RemotePeer(spiffe) for spiffe in ids}
        self._link = NetworkLink(
            _setup(settings, data),
            self._peers,
            self,
            self._reject,
            report_to(notify),
            on_refused,
        )

    @property
    def addresses(self) -> list[str]:
        """The link addresses of control; empty if the link is off."""
        return self._link.addresses

    @property
    def offer(self) -> Offer | None:
        """The snapshot that engines should take now."""
        return self._offer

    async def start(self) -> None:
        """Starts to listen, if the link is on."""
        if self._settings.written.link.listen:
            await self._link.start()

    async def stop(self) -> None:
        """Closes all connections."""
        await self._link.stop()

    @property
    def peers(self) -> Mapping[str, RemotePeer]:
        """The engines that may link, by SPIFFE ID."""
        return self._peers

    async def missing(self, seconds: float) -> dict[str, str]:
        """Waits at most so long until each engine decides by the offer; those that do not, and
        why."""
        last = asyncio.get_running_loop().time() + seconds
        for peer in self._peers.values():
            left = max(last - asyncio.get_running_loop().time(), 0)
            await peer.wait_until(_settled(peer), left)
        return {
            spiffe: peer.why or "it is away or has not answered yet"
            for spiffe, peer in self._peers.items()
            if peer.is_behind
        }

    def refresh(self) -> None:
        """Reloads the authority; raises ``IdentityError``."""
        if self.addresses:
            self._link.refresh()

    def put(self, compiled: Compiled) -> None:
        """Offers a snapshot that the local engine has committed."""
        octets, lists = compiled.octets, compiled.snapshot.list_file
        self._offer = Offer(
            mark=hashlib.sha256(octets).hexdigest(),
            number=compiled.number,
            snapshot=octets,
            lists=Path(lists.path) if lists else None,
            lists_sha256=lists.sha256 if lists else "",
            identities=tuple(compiled.identities),
        )
        for peer in self._peers.values():
            peer.set_offer(self._offer)

    def states(self) -> list[EngineState]:
        """All engines that may link, by name."""
        wanted = self._offer.number if self._offer else None
        return [
            state_of(spiffe, peer, wanted, is_behind=peer.is_behind, why=peer.why)
            for spiffe, peer in sorted(self._peers.items())
        ]

    async def watch(self) -> None:
        """Reports when an engine connects, disconnects or is behind; never ends by itself."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for state in self.states():
                self._notify_state(state)

    async def position(self, engine: str) -> dict[str, Any] | None:
        """The position up to which the query log of an engine is stored."""
        history = self._history()
        found = await asyncio.to_thread(history.position_of, _folder_name(engine))
        return {"spool": found.spool, "offset": found.offset} if found else None

    async def store_lines(self, engine: str, spool: str, offset: int, lines: bytes) -> None:
        """Stores a piece of the query log of an engine."""
        is_place = _SPOOL.fullmatch(spool) and 0 <= offset < MAX_OFFSET
        if not is_place or not lines.endswith(b"\n"):
            raise ValueError("give whole lines, and the position behind them")
        piece = Piece(lines, Position(spool, offset))
        if self.findings is not None:
            await asyncio.to_thread(self.findings.take_remote, engine, piece)
        await asyncio.to_thread(self._history().ingest_from, _folder_name(engine), piece, engine)

    async def store_counts(self, engine: str, lines: bytes) -> None:
        """Stores what an engine has counted."""
        await asyncio.to_thread(self._history().count_from, _folder_name(engine), lines)

    def _history(self) -> "History":
        if self.queries is None:
            raise ValueError("no history of queries is kept here")
        return self.queries.history()

    def _reject(self, why: str) -> None:
        # The link bounds them, each kind by itself: what strangers do silences nothing else.
        self._notify(Notice(Severity.WARNING, f"an engine was rejected: {why}"))

    def _notify_state(self, state: EngineState) -> None:
        now = f"{state.state} {state.why}" if state.state == "behind" else state.state
        before = self._notified.get(state.name, "never seen")
        # An engine that is taking a new snapshot is behind for a moment: not reported.
        if now == before or (state.state == "behind" and not state.why):
            return
        self._notified[state.name] = now
        self._notify(_state_notice(state))


def _settled(peer: RemotePeer) -> Callable[[], bool]:
    return lambda: not peer.is_behind or bool(peer.why)


def _state_notice(state: EngineState) -> Notice:
    if state.state == "in force":
        return Notice(
            Severity.SUCCESS, f"the engine {state.name} decides by snapshot {state.number}"
        )
    if state.state == "away":
        text = f"the engine {state.name} is away; if it runs, it serves its last snapshot"
        return Notice(Severity.WARNING, text)
    text = f"the engine {state.name} is behind: it decides by snapshot {state.number}"
    return Notice(Severity.ERROR, text, (state.why,))


def _folder_name(engine: str) -> str:
    """A safe folder name for any SPIFFE ID."""
    return hashlib.sha256(engine.encode()).hexdigest()[:16]


def _setup(settings: Settings, data: DataFolder) -> Setup:
    link, names = settings.written.link, settings.resolved.tls.names
    listened = [one.address for one in link.listen if not one.ip.is_unspecified]
    plain: Iterable[str] = (name for name in names if not name.startswith("*."))
    return Setup(
        folder=data.identity,
        domain=settings.resolved.trust_domain,
        listen=link.listen,
        names=(*listened, *plain, *link.names),
        clients=link.clients,
    )
