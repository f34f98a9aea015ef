"""Builds the status of each list from documents, downloads and the compilation."""

from dataclasses import replace

from keyhole.config.declaration import Declaration
from keyhole.control.compile import Compiled
from keyhole.control.list_refresh.refresher import ListRefresher
from keyhole.control.list_refresh.status import (
    ListState,
    ListStatus,
    SkippedLine,
    UrlState,
    UrlStatus,
)
from keyhole.lists import lost_lines
from keyhole.lists.core_protocol import Example
from keyhole.model.list import ListSpec


def statuses(refresher: ListRefresher, compiled: Compiled | None) -> list[ListStatus]:
    """The current status of all lists, by name."""
    return sorted(
        (_status(one, refresher, compiled) for one in refresher.now.lists),
        key=lambda one: one.name,
    )


def _status(
    one: Declaration[ListSpec], refresher: ListRefresher, compiled: Compiled | None
) -> ListStatus:
    urls = tuple(_url(url, refresher) for url in dict.fromkeys(one.spec.urls))
    lists = compiled.lists if compiled else None
    rows = lists.report.lists if lists else []
    report = next((row for row in rows if row.name == one.name), None)
    held = lists.held.get(one.name, "") if lists else ""
    state = _state(urls, report.taken if report else None, held=held, refresher=refresher)
    known = ListStatus(
        one.name,
        one.spec.kind,
        state,
        held,
        urls=urls,
        files=tuple(one.spec.files),
        has_entries=one.spec.entries is not None,
        policies=policies_using(one.name, compiled),
    )
    if report is None:
        return known
    skipped = report.skipped
    sources = refresher.sources([one])
    return replace(
        known,
        lost=lost_lines(report),
        taken=report.taken,
        duplicates=report.duplicates,
        skipped=skipped.count,
        skipped_by_reason=tuple(skipped.by_reason.items()),
        examples=[_example(row, sources) for row in skipped.examples],
    )


def _example(row: Example, sources: dict[str, str]) -> SkippedLine:
    """A skipped line. Its text is quoted from downloads and documents only: a file of this machine
    may hold anything."""
    text = row.text if row.file in sources else ""
    return SkippedLine(sources.get(row.file, row.file), row.line, text, row.reason)


def policies_using(name: str, compiled: Compiled | None) -> tuple[str, ...]:
    """The policies in force that use a list, also by what they include."""
    if compiled is None:
        return ()
    snapshot = compiled.snapshot
    index = next((at for at, one in enumerate(snapshot.lists) if one.name == name), None)
    # A decision about one client adds a copy of its policy, with the same name.
    return tuple(sorted({one.name for one in snapshot.policies if index in one.lists}))


def _state(
    urls: tuple[UrlStatus, ...], taken: int | None, *, held: str, refresher: ListRefresher
) -> ListState:
    if any(one.state == "downloading" for one in urls):
        return "downloading"
    if refresher.is_compiling:
        return "compiling"
    if taken is None:
        return "unused" if all(one.sha256 or one.error for one in urls) else "waiting"
    if held and any(one.sha256 is None and one.error is None for one in urls):
        # Not downloaded yet, so that there is nothing that could be held back.
        return "waiting"
    return "held back" if held else "in force"


def _url(url: str, refresher: ListRefresher) -> UrlStatus:
    download = refresher.now.downloads[url]
    running = refresher.now.running.get(url)
    state: UrlState = "fresh" if download.sha256 and not download.error else "waiting"
    if running is not None or refresher.is_downloading(url):
        state = "downloading"
    elif download.error is not None:
        state = "failed"
    return UrlStatus(
        url=url,
        state=state,
        octets=running.octets if running else download.octets,
        total=running.total if running else None,
        fetched_at=download.fetched_at,
        checked_at=download.checked_at,
        next_at=download.next_at or None,
        error=download.error,
        failing_since=download.failing_since,
        sha256=download.sha256,
    )
