"""Stores pauses and decisions, and puts them in force.

The database is authoritative. Compiling, also at the next start, reads a copy in the state folder;
if the process is killed between the two writes, the next start makes the copy again. The snapshot
contains the end times: the engine applies them by itself, and this module only cleans up.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from keyhole.control.clock import ClockWatch
from keyhole.control.data_folder import DataFolder, rename_durably, write_durably
from keyhole.control.missing_parts import overrides_missing
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.reconciler import Reconciler
from keyhole.errors import KeyholeError
from keyhole.model.overrides import Overrides
from keyhole.model.snapshot import Snapshot
from keyhole.store import Database
from keyhole.store.overrides import read_overrides, remove_ended

_MAX_WAIT = 30.0
"""Seconds; the wall clock may be set forward during a wait."""
Written = TypeVar("Written")


@dataclass(frozen=True)
class OverrideResult:
    """Whether every engine decides by it already, and if not, which does not and why."""

    is_in_force: bool
    why: str = ""


class OverrideStore:
    """The overrides of one Keyhole; safe to call from several tasks."""

    def __init__(
        self,
        database: Database,
        data: DataFolder,
        reconciler: Reconciler,
        notify: Notify,
        behind: Callable[[], Awaitable[str]],
        clock: ClockWatch,
    ) -> None:
        """``behind`` waits for the engines and names those that do not decide by it yet."""
        self._clock = clock
        self._database = database
        self._data = data
        self._reconciler = reconciler
        self._notify = notify
        self._behind = behind
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._overrides = Overrides()

    @property
    def database(self) -> Database:
        """The database with the overrides."""
        return self._database

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot without overrides; none before the first one."""
        compiled = self._reconciler.in_force
        return compiled.plain if compiled else None

    async def begin(self) -> None:
        """Updates the copy from the database, after a kill or a change by another program."""
        async with self._lock:
            missing = overrides_missing(self._data)
            if missing is not None or await asyncio.to_thread(self._is_copy_old):
                await asyncio.to_thread(self._write, lambda _: None)
                await self._reconciler.apply_overrides()
        if missing is not None:
            # The documents were held until now.
            await self._reconciler.apply()

    async def change(
        self, write: Callable[[Connection], Written], *, waits: bool = True
    ) -> tuple[Written, OverrideResult]:
        """Calls ``write`` in one transaction, then puts the overrides in force; without ``waits``,
        it does not wait for engines elsewhere.

        Raises what ``write`` raises, ``StoreError`` and ``UnwritableError``; then nothing changed.
        """
        async with self._lock:
            before = self._overrides
            written = await asyncio.to_thread(self._write, write)
            self._tell_ended(before)
            problem = await self._reconciler.apply_overrides()
            self._changed.set()
        why = str(problem) if problem else await self._behind() if waits else ""
        return written, OverrideResult(not why, why)

    async def run(self) -> None:
        """Removes ended overrides, until it is cancelled. By a clock that is ahead many have ended;
        they are kept until it is right, or believed."""
        while True:
            end = self._overrides.next_end if self._clock.check() is None else None
            wait = _MAX_WAIT if end is None else min(max(end - time.time(), 0), _MAX_WAIT)
            self._changed.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                if end is not None and end <= time.time():
                    await self._end_and_notify()

    async def _end_and_notify(self) -> None:
        try:
            await self._end()
        except KeyholeError as error:
            # The engine has ended it by itself; only the database and the copy are behind.
            text = "an ended pause or decision could not be removed; it is tried again"
            self._notify(Notice(Severity.WARNING, text, tuple(str(error).splitlines())))
            await asyncio.sleep(_MAX_WAIT)

    async def _end(self) -> None:
        before = self._overrides
        async with self._lock:
            await asyncio.to_thread(self._write, lambda _: None)
            await self._reconciler.apply_overrides()
        self._tell_ended(before)
        for pause in before.pauses:
            if pause not in self._overrides.pauses:
                whose = f"by the policy {pause.policy}" if pause.policy else "everywhere"
                text = f"the pause is over: names are blocked again {whose}"
                self._notify(Notice(Severity.INFO, text))

    def _tell_ended(self, before: Overrides) -> None:
        """Says which quarantines ended by their time; that of one that was lifted has its audit
        entry."""
        kept, now = {one.number for one in self._overrides.decisions}, time.time()
        for one in before.decisions:
            has_ended = one.until is not None and one.until <= now
            if one.is_quarantine and has_ended and one.number not in kept:
                self._notify(Notice(Severity.INFO, f"{one.origin} is over"))

    def _is_copy_old(self) -> bool:
        with self._database.read() as connection:
            self._overrides = read_overrides(connection)
        return self._overrides != self._data.read_overrides()

    def _write(self, write: Callable[[Connection], Written]) -> Written:
        target = self._data.overrides
        draft = target.with_name(f"{target.stem}-draft.json")
        with self._database.begin() as connection:
            if self._clock.check() is None:
                remove_ended(connection, int(time.time()))
            written = write(connection)
            found = read_overrides(connection)
            # Write the file before the commit: a full disk must cancel the transaction.
            write_durably(draft, found.to_json())
        rename_durably(draft, target)
        self._overrides = found
        return written
