"""The task that keeps the learned names up to date."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.document_pool import DocumentPool, StuckError
from keyhole.control.fingerprint import fingerprint
from keyhole.control.learning.files import NamesFiles
from keyhole.control.learning.kept import read_kept, remove_kept
from keyhole.control.learning.reverse import ReverseLookups, Zones
from keyhole.control.own_question import Addresses, asked_from
from keyhole.control.parts import CLIENT_NAMES, CLIENT_NAMES_FILES, REVERSE_NAMES
from keyhole.control.query_history import QueryHistory
from keyhole.control.upstream_monitor import without_certificate
from keyhole.control.watched_files import changes
from keyhole.learned_names import Book, LearnedNames
from keyhole.model.snapshot import Snapshot
from keyhole.system import durable

ROUND_SECONDS = 60.0
"""How often those are looked for who asked and have no name yet."""
WINDOW_SECONDS = 300.0
"""How far back: the history takes new queries in a little later."""
_MICROS = 1_000_000
Merge = Callable[[Book, float], bool]
"""Changes the names as of a time, in seconds of Unix time; returns whether any is different."""


class NameLearner:
    """Learns the names of clients; what is wrong with a source is a part that needs attention."""

    def __init__(
        self, control_plane: ControlPlane, data: DataFolder, queries: QueryHistory | None
    ) -> None:
        settings = control_plane.settings
        self._plane = control_plane
        self._file = data.client_names
        self._queries = queries
        self._files = NamesFiles.of(settings)
        self._reading = DocumentPool(
            what="reading the files of client_names", hint="the names that are known stay"
        )
        control_plane.pools[CLIENT_NAMES_FILES] = self._reading
        log = settings.written.log
        self._keep = min(log.retention, log.anonymize_after or log.retention)
        self._asks = settings.written.client_names.reverse and queries is not None
        self._lookups = ReverseLookups(self._listeners, lambda: control_plane.own_mark)
        self._zones: tuple[Snapshot, str | None, Zones] | None = None
        self._book = Book()
        self._must_write = False
        self._merging = asyncio.Lock()
        self._is_shown = False
        """Whether names were shown since the start: those that were kept are no change."""

    async def run(self) -> None:
        """Learns until it is cancelled."""
        if not self._files.files and not self._asks:
            # They were wanted once, and are not any more.
            with self._plane.parts.recorded(CLIENT_NAMES, OSError):
                await asyncio.to_thread(remove_kept, self._file)
            return
        self._book = Book(await asyncio.to_thread(read_kept, self._file))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_files())
            if self._asks:
                group.create_task(self._ask_regularly())

    async def _follow_files(self) -> None:
        files = self._files
        known = await self._look(fingerprint, files.paths)
        await self._take_files()
        if not files.files:
            return
        stop = asyncio.Event()
        async for changed in changes(lambda: files.paths, known, stop, self._look):
            await self._take_files(changed)

    async def _look(self, work: Callable[..., Any], *given: Any) -> Any:
        """Runs it in the thread that reads, as soon as that is free; the pool says what hangs."""
        while True:
            try:
                return await self._reading.run(work, *given)
            except StuckError:
                await asyncio.sleep(ROUND_SECONDS)

    async def _take_files(self, changed: set[Path] | None = None) -> None:
        await self._look(self._files.read, changed)
        await self._keep_names(self._merge_files)

    def _merge_files(self, book: Book, now: float) -> bool:
        before = book.current()
        said = [book.take("dhcp", self._files.said("dhcp", before), now)]
        said.append(book.take("hosts", self._files.said("hosts", before), now))
        if not self._asks:
            said.append(book.take("reverse", (), now))
        return any(said)

    async def _ask_regularly(self) -> None:
        while True:
            await self.look_up()
            await asyncio.sleep(ROUND_SECONDS)

    async def look_up(self) -> None:
        """Looks up who asked lately."""
        zones = await self._zones_now()
        now = time.time()
        if not zones or self._queries is None:
            self._plane.parts.works(REVERSE_NAMES)
            return
        import duckdb  # there is a history, so it is loaded

        queries, since = self._queries, now - WINDOW_SECONDS
        span = int(since * _MICROS), int(now * _MICROS)
        try:
            asked = await asyncio.to_thread(lambda: queries.history().addresses(*span))
        except (OSError, duckdb.Error):
            return  # the history says so itself
        found, problem = await self._lookups.look_up(asked, zones, since)
        self._plane.parts.set(REVERSE_NAMES, problem and f"{problem}; no name is learned so")

        def merge(book: Book, _: float) -> bool:
            said = [book.add(one, now) for one in found]
            return any(said)

        await self._keep_names(merge)

    async def _zones_now(self) -> Zones:
        compiled = self._plane.reconciler.in_force
        if compiled is None:
            return Zones()
        snapshot, host = compiled.snapshot, asked_from(self._listeners())
        known = self._zones
        if known is None or known[0] is not snapshot or known[1] != host:
            known = (snapshot, host, await asyncio.to_thread(Zones.of, snapshot, host))
            self._zones = known
        return known[2]

    def _listeners(self) -> Addresses:
        plane = self._plane
        return without_certificate(plane.addresses, plane.settings.written.client_certificates)

    async def _keep_names(self, merge: Merge) -> None:
        """Shows the names from now on, and keeps them for commands and for the next start. 20,000
        names take a moment, so a thread merges them, one at a time."""
        async with self._merging:
            names = await asyncio.to_thread(self._merged, merge)
            if names is not None:
                self._plane.learned_names = names
            self._is_shown = True
            await self._write_names()

    def _merged(self, merge: Merge) -> LearnedNames | None:
        """The names after a change; none where nothing changed."""
        now = time.time()
        is_new = merge(self._book, now)
        is_new = self._book.forget_before(now - self._keep) or is_new
        self._must_write = self._must_write or is_new
        return self._book.names() if is_new or not self._is_shown else None

    async def _write_names(self) -> None:
        unwritten = None
        if self._must_write:
            try:
                await asyncio.to_thread(durable.write_json, self._file, self._book.to_json())
                self._must_write = False
            except OSError as error:
                unwritten = f"{self._file}: {error.strerror or error}; keyhole log lacks new names"
        said = filter(None, (self._files.problems, unwritten))
        self._plane.parts.set(CLIENT_NAMES, "\n".join(said) or None)
