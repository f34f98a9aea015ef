"""Runs one engine: its certificates, its documents, and the watch for changes.

Start and change take the same path: read, compile, commit to the engine, save as the last good
snapshot. An invalid change is reported and has no effect.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from keyhole.control.clock import ClockWatch
from keyhole.control.data_folder import DataFolder, unwritable
from keyhole.control.document_pool import DocumentPool, StuckError
from keyhole.control.engine_state import EngineState
from keyhole.control.enrollment import enrollment_server
from keyhole.control.fingerprint import Fingerprint, fingerprint
from keyhole.control.identity import authority_advice, authority_problem
from keyhole.control.local_engine import ChildEngine, LocalEngine, Starter
from keyhole.control.missing_parts import identity_missing, remember
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.parts import (
    AUTHORITY,
    CHANGES,
    DISK,
    DOCUMENTS,
    ENROLLMENT,
    FOLDER,
    IMPORT,
    LINK,
    LIST_PREVIEW,
    WATCH,
    Health,
    Parts,
    PartState,
)
from keyhole.control.query_rate import QueryRate
from keyhole.control.reconciler import Reconciler
from keyhole.control.restore_record import read_restore_record
from keyhole.control.settings import Settings, read_settings
from keyhole.control.start_settings import keep_settings
from keyhole.control.upstream_times import UpstreamTimes
from keyhole.control.watched_files import changes
from keyhole.control.withdrawals import DELIVERY_SECONDS, Withdrawals
from keyhole.errors import KeyholeError
from keyhole.http.refused_handshakes import RefusedHandshakes
from keyhole.learned_names import NOTHING_LEARNED
from keyhole.model.engine_stats import EngineStats

if TYPE_CHECKING:
    from keyhole.control.fleet import Fleet
    from keyhole.enrollment.server import EnrollmentServer

RENEWAL_CHECK_SECONDS = 3600.0
RETRY_SECONDS = 5.0
MAX_RETRY_SECONDS = 60.0
CHECK_SECONDS = 15.0
LOOK_SECONDS = 10.0
"""How long a look at all files may take before it is called stuck."""


class ControlPlane:
    """One engine with its servers and watchers; an async context manager starts and stops it.

    ``starter`` runs the process of the engine; without one it is a child of this process.
    """

    def __init__(
        self,
        settings: Settings,
        data: DataFolder,
        notify: Notify,
        starter: Starter | None = None,
        parts: Parts | None = None,
    ) -> None:
        self._data = data
        self._notify = notify
        self._stop = asyncio.Event()
        self._must_remember = False
        self._tasks: list[asyncio.Task[None]] = []
        self._pending: dict[str, EnrollmentServer | Fleet] = {}
        self._notified: set[str] = set()
        self._fingerprint = fingerprint([settings.file])
        # Apart from the documents: they are watched while some are compiled.
        self._watching = DocumentPool(
            LOOK_SECONDS, what="looking for changes of the documents and their files"
        )
        self.imports = DocumentPool(
            what="converting a file of another product", hint="others are refused until it has"
        )
        self.previews = DocumentPool(
            what="looking at a list that was given for a preview",
            hint="others are refused until it has",
        )
        self.rate = QueryRate()
        """How many queries come now, as of the last look at the counters."""
        self.upstream_times = UpstreamTimes()
        """Since when each upstream works or does not, as of that look."""
        self.learned_names = NOTHING_LEARNED
        """Names of clients that other programs know, as of now. They are shown, and decide
        nothing."""
        self.settings = settings
        self.parts = parts or Parts(notify)
        """What does not work while DNS goes on."""
        self.clock = ClockWatch(data, self.parts)
        self._engine = LocalEngine(data.link_socket, starter or ChildEngine(data, notify), notify)
        self._reconciler = Reconciler(settings, data, self._engine, notify, self.parts)
        self.pools = {
            DOCUMENTS: self._reconciler.documents,
            WATCH: self._watching,
            IMPORT: self.imports,
            LIST_PREVIEW: self.previews,
        }
        """What may hang on a file, by the part that `attention` then names."""
        self.refused_handshakes = RefusedHandshakes(
            lambda why: notify(Notice(Severity.WARNING, why))
        )
        """TLS handshakes that the listeners of control have refused."""
        refused = self.refused_handshakes.of("enrollment")
        self._enrollment = enrollment_server(self.settings, data, notify, refused)
        self.fleet: Fleet | None = None
        """Engines on other machines; none if the link is off."""
        if self.settings.written.link.listen:
            self.fleet = self._make_fleet()
            self._reconciler.on_commit(self.fleet.put)
            for spiffe, peer in self.fleet.peers.items():
                self._reconciler.withdrawals.add(spiffe, peer)

    def _make_fleet(self) -> "Fleet":
        # Imported here: most installations have only the local engine.
        from keyhole.control.fleet import Fleet

        refused = self.refused_handshakes.of("link")
        return Fleet(self.settings, self._data, self._notify, refused)

    @property
    def pid(self) -> int | None:
        """The process ID of the running engine."""
        return self._engine.pid

    @property
    def reconciler(self) -> Reconciler:
        """Puts changes in force in the engine."""
        return self._reconciler

    @property
    def own_mark(self) -> str:
        """What marks queries of Keyhole's own."""
        return self._reconciler.own_mark

    @property
    def addresses(self) -> dict[str, list[str]]:
        """Where the engine listens, by transport."""
        return self._engine.addresses

    @property
    def enrollment(self) -> list[str]:
        """The addresses of the enrollment server; empty if it is off."""
        return self._enrollment.addresses if self._enrollment else []

    def engines(self) -> list[EngineState]:
        """The local engine, and the engines on other machines that may link."""
        in_force = self._reconciler.in_force
        local = self._engine.state(in_force.number if in_force else None)
        return [local, *(self.fleet.states() if self.fleet else [])]

    def attention(self) -> list[PartState]:
        """The parts that do not work, and the engines that are away or behind."""
        return [*self.parts.states(), *self._stuck(), *_engines_behind(self.engines())]

    def _stuck(self) -> list[PartState]:
        stuck = ((name, pool.stuck, pool.since) for name, pool in self.pools.items())
        return [PartState(name, Health.STUCK, why, since) for name, why, since in stuck if why]

    @property
    def withdrawals(self) -> Withdrawals:
        """What was taken away, and the engines that have it."""
        return self._reconciler.withdrawals

    async def behind(self, seconds: float = DELIVERY_SECONDS) -> str:
        """Waits at most so long until each engine decides by the snapshot in force; those that do
        not, and why, in a phrase."""
        missing = await self.fleet.missing(seconds) if self.fleet else {}
        return "; ".join(f"{engine} has not got it: {why}" for engine, why in missing.items())

    async def stats(self) -> EngineStats:
        """All counters of the running engine."""
        found = await self._engine.stats()
        self.rate.add(found)
        self.upstream_times.add(found)
        return found

    async def __aenter__(self) -> Self:
        try:
            self._data.make()
            await self._look_first()
            await self._reconciler.start()
            await self._start_servers()
        except BaseException:
            await self._close()
            raise
        self.clock.check()
        # Kept for the next start; DNS is served already.
        await self.remember()
        self._notify_restored()
        self._notify_advice()
        for work in (self._watch, self._renew, self._retry, self._check):
            task = asyncio.create_task(work())
            self._supervise(task)
        if self.fleet is not None:
            self._supervise(asyncio.create_task(self.fleet.watch()))
        return self

    async def _look_first(self) -> None:
        """What the files are like before they are read. Where that does not end, all of them count
        as changed once it does."""

        def look() -> Fingerprint:
            self._reconciler.find_files()
            return fingerprint(self._reconciler.watched_files)

        with suppress(StuckError):
            self._fingerprint = {**await self._watching.run(look), **self._fingerprint}

    async def _look(self, work: Callable[..., Any], *given: Any) -> Any:
        """Runs it in the thread of the watch, as soon as that is free."""
        while True:
            try:
                return await self._watching.run(work, *given)
            except StuckError:
                await asyncio.sleep(CHECK_SECONDS)

    async def _start_servers(self) -> None:
        """Starts enrollment and link; DNS needs neither. One that cannot start is tried again."""
        for name, server in self._servers():
            try:
                await server.start()
            except (KeyholeError, OSError) as error:
                self.parts.fail(name, f"{error}; it is tried again")
                self._pending[name] = server

    def _servers(self) -> Iterator[tuple[str, "EnrollmentServer | Fleet"]]:
        if self._enrollment is not None:
            yield ENROLLMENT, self._enrollment
        if self.fleet is not None:
            yield LINK, self.fleet

    async def _start_pending(self) -> None:
        for name, server in list(self._pending.items()):
            with self.parts.recorded(name, KeyholeError, OSError):
                await server.start()
                self._pending.pop(name)
                self.parts.works(name)

    async def remember(self) -> None:
        """Keeps what the next start needs to know of what is there now."""
        self._must_remember = True
        with suppress(StuckError):
            await self._watching.run(self._remember)
            self._must_remember = False

    def _remember(self) -> None:
        with self.parts.recorded(DISK, OSError):
            remember(self._data, self.settings)
            keep_settings(self._data, self.settings)

    async def _check(self) -> None:
        """Looks regularly for what no event tells; never ends by itself."""
        while True:
            self.clock.check()
            with self.parts.working(FOLDER, f"looking at {self._data.path}"):
                await asyncio.to_thread(self._check_folder)
            if self._must_remember:
                await self.remember()
            await asyncio.sleep(CHECK_SECONDS)

    def _check_folder(self) -> None:
        self.parts.set(DISK, unwritable(self._data))
        gone = list(identity_missing(self._data))
        why = "\n".join(one.why for one in gone)
        self.parts.set(
            AUTHORITY,
            why or authority_problem(self.settings, self._data),
            Health.MISSING if gone else Health.FAILED,
        )

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _close(self) -> None:
        self._stop.set()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._enrollment is not None:
            await self._enrollment.stop()
        if self.fleet is not None:
            await self.fleet.stop()
        await self._engine.stop()

    async def _watch(self) -> None:
        """Applies each change of a watched file; never ends by itself."""
        known, stop = self._fingerprint, self._stop
        found = changes(self._watched_paths, known, stop, self._look, self._notify_no_events)
        async for changed in found:
            if self.settings.file in changed:
                self._notify_settings_change()
            if changed - {self.settings.file}:
                await self._reconciler.apply()
                self._refresh_servers()

    def _notify_no_events(self, why: str) -> None:
        text = "the kernel reports no changes of files; they are found within a second all the same"
        if text not in self._notified:
            self._notified.add(text)
            limits = "where a limit is reached, raise fs.inotify.max_user_instances or "
            hint = f"{limits}fs.inotify.max_user_watches (sysctl)"
            self._notify(Notice(Severity.WARNING, text, (why, hint)))

    def _watched_paths(self) -> Iterable[Path]:
        return {self.settings.file, *self._reconciler.watched_files}

    async def _renew(self) -> None:
        # Checked often against the wall clock: a machine that slept for a week renews on waking.
        while True:
            await asyncio.sleep(RENEWAL_CHECK_SECONDS)
            await self._reconciler.apply_certificates()
            self._refresh_servers()
            self._notify_advice()

    def _notify_restored(self) -> None:
        record = read_restore_record(self._data)
        if record is not None:
            severity = Severity.INFO if record.has_later_revocations else Severity.WARNING
            self._notify(Notice(severity, f"this data folder was restored {record.text}"))

    def _notify_advice(self) -> None:
        """Reports once, and in time, what an administrator must do for the authority."""
        with suppress(KeyholeError):  # errors of the authority are reported elsewhere
            for advice in authority_advice(self.settings, self._data):
                if advice not in self._notified:
                    self._notified.add(advice)
                    self._notify(Notice(Severity.WARNING, advice))

    def _refresh_servers(self) -> None:
        """Renews the certificates of enrollment and link, from the root in use."""
        try:
            if self._enrollment is not None:
                self._enrollment.refresh()
            if self.fleet is not None:
                self.fleet.refresh()
        except KeyholeError as error:
            text = "enrollment or link got no new certificate and goes on with the one before"
            self._notify(Notice(Severity.ERROR, text, tuple(str(error).splitlines())))

    async def _retry(self) -> None:
        """Tries what failed, for example on a full disk, again until it succeeds."""
        pause = RETRY_SECONDS
        while True:
            await asyncio.sleep(pause)
            is_tried = await self._reconciler.retry()
            await self._start_pending()
            pause = min(2 * pause, MAX_RETRY_SECONDS) if is_tried else RETRY_SECONDS

    def _supervise(self, task: asyncio.Task[None]) -> None:
        task.add_done_callback(self._notify_crash)
        self._tasks.append(task)

    def _notify_crash(self, task: asyncio.Task[None]) -> None:
        """Reports a task that ended by itself: none of them should."""
        if not task.cancelled() and (error := task.exception()) is not None:
            text = "changes are not applied any more because of a bug in Keyhole; DNS goes on"
            self.parts.fail(CHANGES, f"{text}\n{error!r}\nrestart keyhole, and report this")

    def _notify_settings_change(self) -> None:
        """Reports changed settings: listeners and limits change only with a restart."""
        try:
            now = read_settings(self.settings.file)
        except KeyholeError as error:
            text = f"{self.settings.file.name} is not valid any more; Keyhole runs on as before"
            self._notify(Notice(Severity.ERROR, text, tuple(str(error).splitlines())))
            return
        different = now.differences(self.settings)
        if different:
            text = f"{self.settings.file.name}: {', '.join(different)} changed"
            hint = "this takes effect when keyhole up is restarted; until then all is as before"
            self._notify(Notice(Severity.WARNING, text, (hint,)))


def _engines_behind(engines: Iterable[EngineState]) -> Iterator[PartState]:
    now = time.time()
    for one in engines:
        if one.state != "in force":
            had = f"it has snapshot {one.number or 'none'}, {one.wanted or 'none'} is wanted"
            why = f"{one.state}: {had}{f'; {one.why}' if one.why else ''}"
            since = now - (one.silent or 0.0)
            yield PartState(f"engine {one.name}", Health.FAILED, why, since)
