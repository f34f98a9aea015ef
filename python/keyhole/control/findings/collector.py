"""Makes findings of the query log while control runs, and keeps them in the database.

How far the log was looked through is written with the findings, in one transaction. So a query
counts once, also if the process is killed at any moment.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from keyhole.control.clock import ClockWatch
from keyhole.control.findings.finding import (
    EVERYBODY,
    MAX_ANONYMOUS,
    MAX_FINDINGS,
    MAX_OF_CLIENT,
    NOBODY,
    Finding,
    Growth,
    aged,
    grow,
)
from keyhole.control.findings.quarantine import QuarantineByPolicy
from keyhole.control.findings.signal import Signal, signals
from keyhole.control.findings.waiting import WaitingPieces
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.parts import FINDINGS, Parts
from keyhole.querylog.spool import Piece, Position, pieces
from keyhole.store import Database
from keyhole.store.findings import (
    ReadPosition,
    read_findings,
    read_highest,
    read_positions,
    write_findings,
    write_highest,
    write_position,
)

LOCAL = "local"
"""The engine of this machine."""
LOOK_SECONDS = 5.0
CLEANUP_SECONDS = 300.0
MAX_AHEAD_SECONDS = 86_400
"""A log that is further ahead than this comes from a clock that is wrong."""


class FindingCollector:
    """All findings; thread-safe."""

    def __init__(
        self,
        database: Database,
        spool: Path,
        ages: tuple[float, float | None],
        notify: Notify,
        parts: Parts,
        clock: ClockWatch,
    ) -> None:
        """``spool`` is the folder of the query log. ``ages`` are those of the log, in seconds:
        `aged` says what goes after which."""
        self.database = database
        self._spool = spool
        self._age, self._anonymous_after = ages
        self._notify = notify
        self._parts = parts
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[int, Finding] = {}
        self._positions: dict[str, ReadPosition] = {}
        self._highest = 0
        self._full: set[tuple[str, str]] = set()
        """Clients of which it was said that they have too many."""
        self._is_read = False
        self.quarantine: QuarantineByPolicy | None = None
        """What follows a finding whose client was blocked; none where nothing can."""
        self._waiting = WaitingPieces(self.take, notify, parts)

    @property
    def known(self) -> list[Finding]:
        """All of them, the newest first; a mute that has ended is open again."""
        now = time.time()
        return [_as_of(one, now) for one in sorted(self._known.values(), key=_newest)]

    async def run(self) -> None:
        """Looks regularly for what is new, until it is cancelled."""
        cleaned_at: float | None = None
        while True:
            await asyncio.to_thread(self._waiting.retry)
            try:
                await asyncio.to_thread(self.look)
                await self.see_to_blocked()
                if cleaned_at is None or time.monotonic() - cleaned_at >= CLEANUP_SECONDS:
                    await asyncio.to_thread(self.clean)
                    cleaned_at = time.monotonic()
            except Exception as error:  # noqa: BLE001 (nothing may end the looking for good)
                why = f"{error}\nit is tried again; until then no finding is made"
                self._parts.fail(FINDINGS, why)
            else:
                self._parts.works(FINDINGS)
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Takes what is new in the log of this machine; raises ``StoreError`` and ``OSError``."""
        self.read()
        at = self._positions.get(LOCAL)
        for piece in pieces(self._spool, Position(at.spool, at.offset) if at else None):
            self.take(LOCAL, piece)

    async def see_to_blocked(self) -> None:
        """Has the policies of clients that were blocked say what follows; once for each finding,
        so that nobody who was let go is put back for the same names. That it was done is kept with
        the finding: after a kill, or a failure of the database, the rest is done. Raises
        ``StoreError`` and ``UnwritableError``."""
        if self.quarantine is None:
            return
        for one in [one for one in self._known.values() if _is_waiting(one)]:
            if await self.quarantine.impose(one):
                await asyncio.to_thread(self._mark_seen_to, one.number)

    def _mark_seen_to(self, number: int) -> None:
        with self._lock:
            one = self._known.get(number)
            if one is None:
                return  # it went meanwhile
            changed = replace(one, evidence=replace(one.evidence, seen_to=True))
            with self.database.begin() as connection:
                write_findings(connection, [changed])
            self._known = {**self._known, number: changed}

    def take_remote(self, engine: str, piece: Piece) -> None:
        """Takes a piece of the log of an engine elsewhere. What fails is said and tried again, and
        never keeps the log from being stored."""
        self._waiting.add(engine, piece)

    def read(self) -> None:
        """Reads what is stored, once; raises ``StoreError``."""
        with self._lock:
            if self._is_read:
                return
            with self.database.read() as connection:
                self._known = {one.number: one for one in read_findings(connection)}
                self._highest = read_highest(connection)
                self._positions = read_positions(connection)
            self._is_read = True

    def take(self, engine: str, piece: Piece) -> None:
        """Takes a piece of the log of an engine, unless it was taken before; raises
        ``StoreError``."""
        self.read()
        position = ReadPosition(engine, piece.position.spool, piece.position.offset)
        with self._lock:
            known = self._positions.get(engine)
            is_same = known is not None and known.spool == position.spool
            if known is not None and is_same and position.offset <= known.offset:
                return
            found = [*_plausible(signals(piece.lines))]
            # Where nothing was found, reading it again finds nothing: that spares a write.
            if found:
                known_now = {one.number: one for one in self.known}
                growth = grow(known_now, found, self._highest)
                self._write(growth, lambda connection: write_position(connection, position))
                self._tell(growth)
            self._positions[engine] = position

    def change(self, change: Callable[[Connection, dict[int, Finding]], Finding]) -> Finding:
        """Writes the finding that ``change`` gives, in its transaction. Raises what it raises, and
        ``StoreError``; then nothing changed."""
        self.read()
        with self._lock, self.database.begin() as connection:
            changed = change(connection, {one.number: one for one in self.known})
            write_findings(connection, [changed])
            self._known = {**self._known, changed.number: changed}
        return changed

    def clean(self) -> None:
        """Removes what is older than the log may be, of each finding too. By a clock that is ahead
        everything is old. Raises ``StoreError``."""
        if self._clock.check() is not None:
            return
        with self._lock:
            growth, now = Growth(highest=self._highest), time.time()
            for one in self._known.values():
                kept = aged(one, now, self._age, self._anonymous_after)
                if kept is None:
                    growth.gone.add(one.number)
                elif kept != one:
                    growth.changed[one.number] = kept
            if growth.gone or growth.changed:
                self._write(growth)

    def _write(self, growth: Growth, also: Callable[[Connection], None] = lambda _: None) -> None:
        with self.database.begin() as connection:
            write_findings(connection, growth.changed.values(), growth.gone)
            if growth.highest != self._highest:
                write_highest(connection, growth.highest)
            also(connection)
        self._highest = growth.highest
        kept = {**self._known, **growth.changed}
        self._known = {number: one for number, one in kept.items() if number not in growth.gone}

    def _tell(self, growth: Growth) -> None:
        # Of a client that has too many, that was said: it cannot fill the log of operation.
        new = [one for one in map(growth.changed.__getitem__, growth.new) if not self._is_told(one)]
        self._tell_limits(growth)
        if new:
            some = "1 new finding" if len(new) == 1 else f"{len(new)} new findings"
            # Without client and domain: the log of operation keeps them as long as it likes.
            said = tuple(f"finding {one.number}: {one.level}" for one in new[:3])
            self._notify(Notice(Severity.WARNING, f"{some}; keyhole findings shows them", said))

    def _tell_limits(self, growth: Growth) -> None:
        """Once for each client, until it is below its limit again."""
        for client in sorted(growth.full - self._full):
            self._notify(Notice(Severity.WARNING, _limit(client, self._known.values()), (_KEPT,)))
        self._full = (self._full | growth.full) & growth.crowded

    def _is_told(self, one: Finding) -> bool:
        return (one.client_kind, one.client) in self._full


_KEPT = "the least important ones are not kept; what the log says of them is there still"


def _limit(client: tuple[str, str], every: Iterable[Finding]) -> str:
    if client == EVERYBODY:
        return f"there are more than {MAX_FINDINGS:,} findings"
    if client[0] in NOBODY:
        return f"more than {MAX_ANONYMOUS} findings have no client"
    numbers = [one.number for one in every if (one.client_kind, one.client) == client]
    which = f"the client of finding {max(numbers)}" if numbers else "a client"
    return f"{which} has more than {MAX_OF_CLIENT} findings"


def _plausible(found: Iterable[Signal]) -> Iterable[Signal]:
    latest = time.time() + MAX_AHEAD_SECONDS
    return (one for one in found if one.second <= latest)


def _as_of(one: Finding, now: float) -> Finding:
    if one.state == "muted" and one.until is not None and one.until <= now:
        return replace(one, state="open", until=None)
    return one


def _is_waiting(one: Finding) -> bool:
    """Whether its client was blocked, and nobody has seen to that: neither a policy nor a person
    who closed it."""
    evidence = one.evidence
    is_known = one.client_kind in ("identity", "token")
    return is_known and evidence.blocked > 0 and not evidence.seen_to and one.state != "closed"


def _newest(one: Finding) -> int:
    return -one.last
