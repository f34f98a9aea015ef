"""Remembers what stands, and has the engine take it.

The database decides. A copy in the state folder is what compiling reads, and so what the next start
begins with; killed between the two, the next start makes the copy again. Ends are part of the
snapshot: the engine keeps to them by itself, and what is done here afterwards only tidies up.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from keyhole.control.data_folder import DataFolder, rename_durably, write_durably
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.reconciler import Reconciler
from keyhole.errors import KeyholeError
from keyhole.model.overrides import Overrides
from keyhole.model.snapshot import Snapshot
from keyhole.store import Database
from keyhole.store.overrides import read_overrides, remove_ended

_MAX_WAIT = 30.0
"""Seconds; the clock of the wall may be put forward while nobody looks at it."""
Written = TypeVar("Written")


@dataclass(frozen=True)
class OverrideResult:
    """Whether the engine decides by it already, and if not, why."""

    is_in_force: bool
    why: str = ""


class OverrideStore:
    """What stands in one Keyhole; safe to call from several tasks."""

    def __init__(
        self, database: Database, data: DataFolder, reconciler: Reconciler, notify: Notify
    ) -> None:
        self._database = database
        self._data = data
        self._reconciler = reconciler
        self._notify = notify
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._overrides = Overrides()

    @property
    def database(self) -> Database:
        """Where it is remembered."""
        return self._database

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot that documents alone gave; none before there is one."""
        compiled = self._reconciler.in_force
        return compiled.plain if compiled else None

    async def begin(self) -> None:
        """Has the database decide what stands, after a kill or a change from elsewhere."""
        async with self._lock:
            if await asyncio.to_thread(self._is_copy_old):
                await asyncio.to_thread(self._write, lambda _: None)
                await self._reconciler.apply_overrides()

    async def change(
        self, write: Callable[[Connection], Written]
    ) -> tuple[Written, OverrideResult]:
        """Has ``write`` write in one transaction, then puts what stands in force.

        Raises what ``write`` raises, ``StoreError`` and ``UnwritableError``; then all is as before.
        """
        async with self._lock:
            written = await asyncio.to_thread(self._write, write)
            problem = await self._reconciler.apply_overrides()
            self._changed.set()
        return written, OverrideResult(problem is None, str(problem) if problem else "")

    async def run(self) -> None:
        """Takes out what has ended, again and again, until it is cancelled."""
        while True:
            end = self._overrides.next_end
            wait = _MAX_WAIT if end is None else min(max(end - time.time(), 0), _MAX_WAIT)
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                if end is not None and end <= time.time():
                    await self._end_and_notify()

    async def _end_and_notify(self) -> None:
        try:
            await self._end()
        except KeyholeError as error:
            # The engine has ended it by itself; only our own books are behind.
            text = "what has ended could not be taken out; it is tried again"
            self._notify(Notice(Severity.WARNING, text, tuple(str(error).splitlines())))
            await asyncio.sleep(_MAX_WAIT)

    async def _end(self) -> None:
        before = self._overrides
        async with self._lock:
            await asyncio.to_thread(self._write, lambda _: None)
            await self._reconciler.apply_overrides()
        for pause in before.pauses:
            if pause not in self._overrides.pauses:
                whose = f"by the policy {pause.policy}" if pause.policy else "everywhere"
                text = f"the pause is over: names are blocked again {whose}"
                self._notify(Notice(Severity.INFO, text))

    def _is_copy_old(self) -> bool:
        with self._database.read() as connection:
            self._overrides = read_overrides(connection)
        return self._overrides != self._data.read_overrides()

    def _write(self, write: Callable[[Connection], Written]) -> Written:
        target = self._data.overrides
        draft = target.with_name(f"{target.stem}-draft.json")
        with self._database.begin() as connection:
            remove_ended(connection, int(time.time()))
            written = write(connection)
            found = read_overrides(connection)
            # A disk that is full must say so before the database promises anything.
            write_durably(draft, found.to_json())
        rename_durably(draft, target)
        self._overrides = found
        return written
