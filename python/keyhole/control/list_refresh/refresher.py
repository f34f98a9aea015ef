"""Downloads lists when they are due, and compiles new ones."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from keyhole.config import read_documents
from keyhole.config.declaration import Declaration
from keyhole.control.data_folder import DataFolder
from keyhole.control.declared import declared_paths
from keyhole.control.document_pool import DocumentPool, StuckError
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
from keyhole.lists.download import AddressGuard, DownloadError, FetchResult, Limits, fetch
from keyhole.lists.download_store import DownloadState, DownloadStore
from keyhole.lists.entry_files import EntryFiles
from keyhole.model.list import ListSpec

AT_ONCE = 4
"""Downloads at the same time; from one host one after the other."""
BATCH_SECONDS = 10.0
"""How long new lists wait for other downloads, so that they are compiled together."""
_MAX_WAIT = 60.0


@dataclass
class DownloadProgress:
    """A download in progress."""

    octets: int = 0
    total: int | None = None


@dataclass
class _State:
    """The lists and the state of their downloads."""

    lists: tuple[Declaration[ListSpec], ...] = ()
    urls: dict[str, ListUrl] = field(default_factory=dict)
    downloads: dict[str, DownloadState] = field(default_factory=dict)
    running: dict[str, DownloadProgress] = field(default_factory=dict)


class ListRefresher:
    """The lists of a running Keyhole. Run :meth:`run` as a task; it never ends by itself."""

    def __init__(
        self,
        settings: Settings,
        data: DataFolder,
        reconciler: Reconciler,
        own: Iterable[tuple[str, int]],
        notify: Notify,
    ) -> None:
        """``own`` are the addresses and ports of Keyhole's listeners; downloads avoid them."""
        self._settings = settings
        self._data = data
        self._reconciler = reconciler
        self._notify = notify
        section = settings.written.downloads
        self._guard = AddressGuard(allow=tuple(section.allow), own=frozenset(own))
        self._limits = Limits(section.size, float(section.time))
        self._downloads = DownloadStore(data.state.absolute())
        self._entries = EntryFiles(data.state.absolute())
        self._state = _State()
        self.reading = DocumentPool(what="reading the lists of the documents")
        """Where the documents are read for their lists."""
        self._wake = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._hosts: dict[str, asyncio.Lock] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._new_since: float | None = None
        self._is_applying = False
        reconciler.on_change(self._wake.set)

    @property
    def now(self) -> _State:
        """The current state."""
        return self._state

    @property
    def is_compiling(self) -> bool:
        """Whether lists are being compiled, or will be soon."""
        is_due = self._is_applying or self._new_since is not None
        return self._reconciler.is_compiling or is_due

    def is_downloading(self, url: str) -> bool:
        """Whether this URL is being downloaded, or waits for its turn."""
        return url in self._tasks

    async def begin(self) -> None:
        """Removes drafts of a killed process, and reads the lists; call it once, before anything
        else. Raises ``OSError``. Documents that cannot be read in time are read later."""
        await asyncio.to_thread(self._downloads.remove_drafts)
        with suppress(StuckError):
            await self.reading.run(self.reload)

    async def run(self) -> None:
        """Downloads lists that are due, until it is cancelled."""
        try:
            while True:
                self._wake.clear()
                ended = {task for task in self._tasks.values() if task.done()}
                with suppress(StuckError):
                    await self.reading.run(self.reload)
                # Only now the state says how they ended; until then they count as under way.
                self._tasks = {url: one for url, one in self._tasks.items() if one not in ended}
                self._start_due()
                if self._is_time_to_compile():
                    # Applying begins with more than compiling; nobody may take it for done then.
                    self._is_applying, self._new_since = True, None
                    try:
                        await self._reconciler.apply()
                    finally:
                        self._is_applying = False
                    continue
                await self._wait()
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def refresh(self, names: Iterable[str] = ()) -> list[str]:
        """Downloads the lists of these names, or all, even if not due; returns the URLs. Raises
        ``NotThereError`` for an unknown name, and ``StuckError``."""
        await self.reading.run(self.reload)
        by_name = {one.name: one for one in self._state.lists}
        wanted = list(names) or list(by_name)
        for name in wanted:
            if name not in by_name:
                raise NotThereError(f"there is no List {name}; keyhole lists status shows them")
        urls = [url for name in wanted for url in dict.fromkeys(by_name[name].spec.urls)]
        for url in urls:
            self._start(self._state.urls[url])
        return urls

    def _is_time_to_compile(self) -> bool:
        """Whether to compile: all downloads are done, or new lists have waited long enough."""
        if self._new_since is None:
            return False
        return not self._tasks or time.monotonic() - self._new_since >= BATCH_SECONDS

    async def _wait(self) -> None:
        soon = seconds_until_due(
            {url: one for url, one in self._state.downloads.items() if url not in self._tasks},
            time.time(),
        )
        if self._new_since is not None:
            soon = min(soon or 1.0, 1.0)
        # Checked often against the wall clock: a machine that slept notices on waking.
        seconds = min(_MAX_WAIT, max(0.05, soon)) if soon is not None else _MAX_WAIT
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def reload(self) -> None:
        """Reads the lists from the documents again."""
        places = declared_paths(self._settings, self._data)
        documents, problems = read_documents([*places, *self._data.stored_folders])
        urls = list_urls(documents.lists)
        downloads = {url: self._downloads.load(url) for url in urls}
        self._state = _State(documents.lists, urls, downloads, self._state.running)
        # An unreadable document may name lists, so no download is deleted while there is one.
        if not any(not one.is_advice for one in problems):
            self._downloads.remove_unused(urls)

    def download_path(self, url: str) -> Path:
        """The path of the downloaded list of a URL."""
        return self._downloads.path(url)

    def sources(self, lists: Iterable[Declaration[ListSpec]] | None = None) -> dict[str, str]:
        """Where the files of lists in the state folder come from, by path: the URL of a download,
        or the document that holds the entries. Of all lists, if none are given."""
        found: dict[str, str] = {}
        for one in self._state.lists if lists is None else lists:
            found.update((str(self._downloads.path(url)), url) for url in one.spec.urls)
            if one.spec.entries is not None:
                found[str(self._entries.path(one.name, one.spec.entries))] = one.label
        return found

    def fetch_once(self, url: str, target: Path, seconds: float) -> FetchResult:
        """Downloads a URL that no list needs to name, with the same checks and limits, and within
        ``seconds``. Blocks. Raises `DownloadError`."""
        limits = Limits(self._limits.octets, min(self._limits.seconds, seconds))
        ca = self._settings.resolved.downloads_ca
        return fetch(url, target, self._guard, limits=limits, ca=ca)

    def _start_due(self) -> None:
        now = time.time()
        for url, list_url in self._state.urls.items():
            if is_due(self._state.downloads[url], list_url, now):
                self._start(list_url)

    def _start(self, list_url: ListUrl) -> None:
        before = self._tasks.get(list_url.url)
        if before is None or before.done():
            task = asyncio.create_task(self._download(list_url))
            self._tasks[list_url.url] = task
            task.add_done_callback(lambda _: self._wake.set())

    async def _download(self, list_url: ListUrl) -> None:
        host = urlsplit(list_url.url).hostname or ""
        async with self._hosts.setdefault(host, asyncio.Lock()), self._places:
            running = self._state.running[list_url.url] = DownloadProgress()
            try:
                await asyncio.to_thread(self._fetch, list_url, running)
            finally:
                self._state.running.pop(list_url.url, None)

    def _fetch(self, list_url: ListUrl, running: DownloadProgress) -> None:
        """Downloads a list and stores the state; runs in a thread."""
        download = self._downloads.load(list_url.url)
        now = time.time()
        try:
            self._downloads.create_folder()
            new = self._fetch_new(list_url, download, running)
        except (DownloadError, OSError) as error:
            new = _failed(download, list_url, now, str(error))
            if download.error is None:
                self._notify_failure(list_url.url, new)
        else:
            if new.sha256 != download.sha256:
                self._new_since = self._new_since or time.monotonic()
        try:
            self._downloads.save(new)
        except OSError as error:
            why = f"{list_url.url}: the download state cannot be written: {error.strerror}"
            self._notify(Notice(Severity.WARNING, why))

    def _fetch_new(
        self, list_url: ListUrl, download: DownloadState, running: DownloadProgress
    ) -> DownloadState:
        def progress(octets: int, total: int | None) -> None:
            running.octets, running.total = octets, total

        fetched = fetch(
            list_url.url,
            self._downloads.path(list_url.url),
            self._guard,
            limits=self._limits,
            ca=self._settings.resolved.downloads_ca,
            etag=download.etag if download.sha256 else None,
            modified=download.modified if download.sha256 else None,
            progress=progress,
        )
        now = time.time()
        checked = {
            "checked_at": now,
            "next_at": next_after_success(now, list_url.refresh),
            "error": None,
            "failing_since": None,
            "failures": 0,
        }
        if fetched.sha256 is None:
            return download.model_copy(update=checked)
        return download.model_copy(
            update={
                **checked,
                "etag": fetched.etag,
                "modified": fetched.modified,
                "sha256": fetched.sha256,
                "octets": fetched.octets,
                "fetched_at": now,
            }
        )

    def _notify_failure(self, url: str, download: DownloadState) -> None:
        meanwhile = (
            "what was downloaded before stays in use"
            if download.sha256
            else "it has no entries yet"
        )
        text = f"the list {url} could not be downloaded; {meanwhile}, and it is tried again"
        self._notify(Notice(Severity.WARNING, text, (download.error or "",)))


def _failed(download: DownloadState, list_url: ListUrl, now: float, why: str) -> DownloadState:
    failures = download.failures + 1
    return download.model_copy(
        update={
            "error": why,
            "failures": failures,
            "failing_since": download.failing_since or now,
            "next_at": next_after_failure(now, failures, list_url.refresh),
        }
    )


def own_addresses(listeners: Iterable[str]) -> Iterable[tuple[str, int]]:
    """Splits texts such as ``127.0.0.1:5300`` into address and port."""
    for one in listeners:
        address, _, port = one.rpartition(":")
        yield address.strip("[]"), int(port)
