"""Appends a record to the evidence chain at the end of each hour."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from keyhole.control.data_folder import DataFolder
from keyhole.control.parts import EVIDENCE, Health, Parts
from keyhole.control.query_history import QueryHistory
from keyhole.errors import KeyholeError
from keyhole.events import Event, Severity
from keyhole.evidence.chain import Chain
from keyhole.evidence.error import EvidenceError
from keyhole.evidence.record import AuditHead, Gone, Hour, Record
from keyhole.querylog.intake import Intake
from keyhole.store import Database, records

LOOK_SECONDS = 10.0
HOUR = 3600
SEAL_SECONDS = 900.0
"""How long the digests of an hour may take."""


@dataclass(frozen=True)
class Head:
    """The end of the chain: its number, its digest and its time, and the key that signs."""

    number: int
    digest: str
    end: str | None
    key: str


class EvidenceService:
    """The chain of one data folder. Run :meth:`run` as a task; it never ends by itself."""

    name = "evidence"

    def __init__(
        self, data: DataFolder, parts: Parts, clock: Callable[[], float] = time.time
    ) -> None:
        """Opens the chain; one that cannot be used is a part that failed, and nothing is sealed."""
        self._data = data
        self._parts = parts
        self._clock = clock
        self._sealing = threading.Lock()
        self.exporting = threading.Lock()
        """One export at a time: each takes room on the disk and a whole reading of the history."""
        self._begin = clock()
        self._queries: QueryHistory | None = None
        self._database: Database | None = None
        self._chain: Chain | None = None
        self._problem: str | None = None
        try:
            self._chain = Chain(data.evidence, data.evidence_head)
        except (EvidenceError, OSError) as error:
            self._problem = str(error)
            parts.fail(EVIDENCE, self._problem, Health.MISSING)

    def make_intake(self) -> Intake:
        """Numbers rows above those of the chain."""
        last = self._chain.last if self._chain else None
        return Intake(last.intake if last else 0)

    def use(self, queries: QueryHistory, database: Database | None) -> None:
        """Seals what these hold; without a database the records say so."""
        self._queries, self._database = queries, database

    @property
    def chain(self) -> Chain:
        """The chain; raises `EvidenceError` with the reason where it cannot be used."""
        if self._chain is None:
            raise EvidenceError(self._problem or "there is no evidence chain")
        return self._chain

    @property
    def head(self) -> Head:
        """The end of the chain; raises `EvidenceError`."""
        chain = self.chain
        end = chain.last.end if chain.last else None
        number = chain.next_number - 1
        return Head(number, chain.head, end, chain.key.public.fingerprint)

    async def run(self) -> None:
        """Seals each hour when it has ended, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._chain is not None and self.is_due:
                with self._parts.working(EVIDENCE, "sealing an hour", SEAL_SECONDS):
                    await asyncio.to_thread(self._try_to_seal)

    @property
    def is_due(self) -> bool:
        """Whether an hour has ended since the last record, or the clock was set back behind it:
        else nothing would be recorded until it reaches that time again."""
        now, since = int(self._clock()), int(self._since)
        return now // HOUR > since // HOUR or now < since

    @property
    def _since(self) -> float:
        """When the last record ended, or this process began."""
        last = self.chain.last
        return datetime.fromisoformat(last.end).timestamp() if last else self._begin

    def _try_to_seal(self) -> None:
        import duckdb

        try:
            self.seal()
        except (KeyholeError, OSError, duckdb.Error) as error:
            text = "the last hour is not in the evidence chain yet; it is tried again"
            self._parts.fail(EVIDENCE, f"{text}\n{error}")
        else:
            self._parts.works(EVIDENCE)

    def seal(self) -> Record:
        """Appends a record of all that was taken in since the last one. Blocks; raises
        `EvidenceError`, ``OSError`` and ``duckdb.Error``."""
        with self._sealing:
            return self._seal()

    def _seal(self) -> Record:
        from keyhole.querylog.history.sealed import keys_of, sealed_hours

        chain, queries = self.chain, self._queries
        if queries is None:
            raise EvidenceError("the query history is not open yet")
        history = queries.history()
        closed, removed = history.close_intake()
        after = chain.last.intake if chain.last else 0
        # Nothing was sealed before the first record; rows of earlier versions have no number.
        hours = history.ask(lambda cursor, found, _: sealed_hours(cursor, found, after, closed))
        now = self._clock()
        record = Record(
            number=chain.next_number,
            begin=_moment(min(self._since, now)),
            end=_moment(now),
            intake=closed,
            hours=tuple(
                Hour(one.hour, one.rows, one.queries, one.whole, one.anonymous) for one in hours
            ),
            gone=tuple(Gone(one.begin, one.end, one.rows) for one in removed),
            audit=self._audit_head(),
            before=chain.head,
            key=chain.key.public.fingerprint,
        )
        history.save_hour_keys(record.number, keys_of(hours))
        chain.append(record)
        history.forget_removed(removed)
        return record

    def _audit_head(self) -> AuditHead | None:
        if self._database is None:
            return None
        with self._database.read() as connection:
            found = records(connection, most=1)
        return AuditHead(found[0].number, found[0].digest) if found else AuditHead(0, "0" * 64)

    def last(self) -> int:
        """The number of the newest record, for events."""
        return self.chain.next_number - 1

    def after(self, number: int, most: int) -> list[Event]:
        """Records as events, the oldest first."""
        return [_event(one) for one in self.chain.after(number, most)]


def _event(record: Record) -> Event:
    return Event(
        EvidenceService.name,
        Severity.NOTICE,
        f"evidence record {record.number}: {record.digest}",
        {
            "number": record.number,
            "digest": record.digest,
            "before": record.before,
            "begin": record.begin,
            "end": record.end,
            "queries": record.queries,
            "audit": record.audit.number if record.audit else None,
            "key": record.key,
        },
        datetime.fromisoformat(record.end),
        f"evidence-{record.number}-{record.digest[:12]}",
        EvidenceService.name,
        record.number,
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()
