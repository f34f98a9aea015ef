"""Downloads lists when they are due, and has what is new compiled."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from keyhole.config import read_documents
from keyhole.config.declaration import Declaration
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import NotThereError
from keyhole.control.list_refresh.plan import (
    ListUrl,
    is_due,
    list_urls,
    next_after_failure,
    next_after_success,
    seconds_until_due,
)
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.reconciler import Reconciler
from keyhole.control.settings import Settings
from keyhole.lists.download import DownloadError, Guard, Limits, fetch
from keyhole.lists.kept import Downloads, Kept
from keyhole.model.list import ListSpec

AT_ONCE = 4
"""Downloads at the same time; from one host one after the other."""
BATCH_SECONDS = 10.0
"""How long lists that came wait for others that are still on their way."""
_LONGEST_NAP = 60.0


@dataclass
class Running:
    """A download that is under way."""

    octets: int = 0
    total: int | None = None


@dataclass
class _Round:
    """What is known while Keyhole runs."""

    lists: tuple[Declaration[ListSpec], ...] = ()
    wanted: dict[str, ListUrl] = field(default_factory=dict)
    kept: dict[str, Kept] = field(default_factory=dict)
    running: dict[str, Running] = field(default_factory=dict)


class ListRefresher:
    """The lists of a running Keyhole. Run :meth:`keep` as a task; it never ends by itself."""

    def __init__(
        self,
        settings: Settings,
        data: DataFolder,
        application: Reconciler,
        own: Iterable[tuple[str, int]],
        tell: Notify,
    ) -> None:
        """``own`` are addresses and ports at which Keyhole itself listens."""
        self._settings = settings
        self._data = data
        self._application = application
        self._tell = tell
        section = settings.written.downloads
        self._guard = Guard(allow=tuple(section.allow), own=frozenset(own))
        self._limits = Limits(section.size, float(section.time))
        self._downloads = Downloads(data.state.absolute())
        self._now = _Round()
        self._wake = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._hosts: dict[str, asyncio.Lock] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._new_since: float | None = None
        application.on_change(self._wake.set)

    @property
    def now(self) -> _Round:
        """What is known by now."""
        return self._now

    @property
    def is_compiling(self) -> bool:
        """Whether lists are compiled at the moment, or are about to be."""
        return self._application.is_compiling or self._new_since is not None

    def begin(self) -> None:
        """Tidies up after a process that was killed, and learns which lists there are. Blocks; call
        it once, before anything else."""
        self._downloads.drop_drafts()
        self.look()

    async def keep(self) -> None:
        """Downloads what is due, again and again, until it is cancelled."""
        try:
            while True:
                self._wake.clear()
                await asyncio.to_thread(self.look)
                self._begin_due()
                if self._is_worth_it():
                    self._new_since = None
                    await self._application.apply()
                    continue
                await self._nap()
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def refresh(self, names: Iterable[str] = ()) -> list[str]:
        """Asks for the lists of these names, or for all, whether they are due or not; gives the
        URLs. Raises ``NotThereError`` for a name that no list has."""
        await asyncio.to_thread(self.look)
        by_name = {one.name: one for one in self._now.lists}
        wanted = list(names) or list(by_name)
        for name in wanted:
            if name not in by_name:
                raise NotThereError(f"there is no List {name}; keyhole lists status shows them")
        urls = [url for name in wanted for url in dict.fromkeys(by_name[name].spec.urls)]
        for url in urls:
            self._begin(self._now.wanted[url])
        return urls

    def _is_worth_it(self) -> bool:
        """Whether to compile what is new: when all is there, or after a while without the rest."""
        if self._new_since is None:
            return False
        return not self._tasks or time.monotonic() - self._new_since >= BATCH_SECONDS

    async def _nap(self) -> None:
        soon = seconds_until_due(
            {url: kept for url, kept in self._now.kept.items() if url not in self._tasks},
            time.time(),
        )
        if self._new_since is not None:
            soon = min(soon or 1.0, 1.0)
        # By the wall clock, looked at often: a machine that slept notices on waking.
        seconds = min(_LONGEST_NAP, max(0.05, soon)) if soon is not None else _LONGEST_NAP
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    def look(self) -> None:
        """Learns which lists there are now."""
        documents, problems = read_documents([self._settings.documents, *self._data.stored_folders])
        wanted = list_urls(documents.lists)
        kept = {url: self._downloads.recall(url) for url in wanted}
        self._now = _Round(documents.lists, wanted, kept, self._now.running)
        # A document that cannot be read may name lists; nothing is thrown away before it can.
        if not any(not one.is_advice for one in problems):
            self._downloads.tidy(wanted)

    def _begin_due(self) -> None:
        now = time.time()
        for url, wanted in self._now.wanted.items():
            if is_due(self._now.kept[url], wanted, now):
                self._begin(wanted)

    def _begin(self, wanted: ListUrl) -> None:
        if wanted.url not in self._tasks:
            task = asyncio.create_task(self._download(wanted))
            self._tasks[wanted.url] = task
            task.add_done_callback(lambda _: self._ended(wanted.url))

    def _ended(self, url: str) -> None:
        self._tasks.pop(url, None)
        self._wake.set()

    async def _download(self, wanted: ListUrl) -> None:
        host = urlsplit(wanted.url).hostname or ""
        async with self._hosts.setdefault(host, asyncio.Lock()), self._places:
            running = self._now.running[wanted.url] = Running()
            try:
                await asyncio.to_thread(self._fetch, wanted, running)
            finally:
                self._now.running.pop(wanted.url, None)

    def _fetch(self, wanted: ListUrl, running: Running) -> None:
        """Downloads and remembers, in a thread."""
        kept = self._downloads.recall(wanted.url)
        now = time.time()
        try:
            self._downloads.make()
            new = self._ask(wanted, kept, running)
        except (DownloadError, OSError) as error:
            new = _failed(kept, wanted, now, str(error))
            if kept.error is None:
                self._tell_failure(wanted.url, new)
        else:
            if new.sha256 != kept.sha256:
                self._new_since = self._new_since or time.monotonic()
        try:
            self._downloads.remember(new)
        except OSError as error:
            why = f"{wanted.url}: cannot be remembered: {error.strerror}"
            self._tell(Notice(Severity.WARNING, why))

    def _ask(self, wanted: ListUrl, kept: Kept, running: Running) -> Kept:
        def progress(octets: int, total: int | None) -> None:
            running.octets, running.total = octets, total

        fetched = fetch(
            wanted.url,
            self._downloads.path(wanted.url),
            self._guard,
            limits=self._limits,
            ca=self._settings.resolved.downloads_ca,
            etag=kept.etag if kept.sha256 else None,
            modified=kept.modified if kept.sha256 else None,
            progress=progress,
        )
        now = time.time()
        known = {
            "checked_at": now,
            "next_at": next_after_success(now, wanted.refresh),
            "error": None,
            "failing_since": None,
            "failures": 0,
        }
        if fetched.sha256 is None:
            return kept.model_copy(update=known)
        return kept.model_copy(
            update={
                **known,
                "etag": fetched.etag,
                "modified": fetched.modified,
                "sha256": fetched.sha256,
                "octets": fetched.octets,
                "fetched_at": now,
            }
        )

    def _tell_failure(self, url: str, kept: Kept) -> None:
        meanwhile = (
            "what was downloaded before stays in use" if kept.sha256 else "it has no entries yet"
        )
        text = f"the list {url} could not be downloaded; {meanwhile}, and it is tried again"
        self._tell(Notice(Severity.WARNING, text, (kept.error or "",)))


def _failed(kept: Kept, wanted: ListUrl, now: float, why: str) -> Kept:
    failures = kept.failures + 1
    return kept.model_copy(
        update={
            "error": why,
            "failures": failures,
            "failing_since": kept.failing_since or now,
            "next_at": next_after_failure(now, failures, wanted.refresh),
        }
    )


def own_addresses(listeners: Iterable[str]) -> Iterable[tuple[str, int]]:
    """Addresses and ports out of texts such as ``127.0.0.1:5300``."""
    for one in listeners:
        address, _, port = one.rpartition(":")
        yield address.strip("[]"), int(port)
