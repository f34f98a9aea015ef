"""The lists that a policy uses: entries, age, and what keeps one from its newest version."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from keyhole.config.declaration import Declaration
from keyhole.control.doctor.case import Case
from keyhole.control.doctor.finding import Finding, note, works, wrong
from keyhole.lists import lost_lines
from keyhole.lists.download_store import DownloadStore
from keyhole.lists.last_good import LastGood, LastGoodStore
from keyhole.model.list import ListSpec
from keyhole.policy import lists_in_use


@dataclass(frozen=True)
class _List:
    """One list, as the running Keyhole or the folder knows it; times are Unix time."""

    name: str
    taken: int | None
    """Entries; none if it was never compiled."""
    checked: float | None
    why: str
    """Why it does not act, or not in its newest version."""
    is_late: bool
    """Whether it stays as it is because of that."""


def look_at_lists(case: Case) -> Iterator[Finding]:
    """Each list in use; of a Keyhole that does not run, as it was last."""
    if case.status is not None:
        found = [_told(one) for one in case.status["lists_in_use"]]
    elif case.read.documents is None:
        return  # said with the documents
    else:
        good = LastGoodStore(case.data.state.absolute()).load()
        downloads = DownloadStore(case.data.state.absolute())
        used = lists_in_use(case.read.documents)
        found = [_stored(one, good, downloads) for one in used]
    if not found:
        do = "keyhole lists catalog shows some, and keyhole lists enable NAME uses one"
        yield note("lists", "no policy uses one, so none blocks", do)
    for one in found:
        yield _finding(one)


def _finding(one: _List) -> Finding:
    about = f"list {one.name}"
    age = f", checked {_ago(one.checked)} ago" if one.checked else ""
    if one.taken:
        entries = f"{one.taken:,} entries{age}"
        if not one.is_late:
            return works(about, entries)
        return wrong(about, f"{entries}; it stays so: {one.why}", _again(one))
    if one.is_late:
        return wrong(about, f"it has no entries: {one.why}", _again(one))
    return note(about, "no entries yet; they come when Keyhole runs")


def _again(one: _List) -> str:
    return (
        f"keyhole lists status {one.name} says more; keyhole lists refresh {one.name} tries again"
    )


def _told(one: Mapping[str, Any]) -> _List:
    is_late = one["failing_since"] is not None or one["state"] == "held back"
    is_empty = not one["taken"] and one["state"] == "in force"
    checked = datetime.fromisoformat(one["checked"]).timestamp() if one["checked"] else None
    return _List(one["name"], one["taken"], checked, one["why"], is_late or is_empty)


def _stored(one: Declaration[ListSpec], good: LastGood, downloads: DownloadStore) -> _List:
    report = None
    held = ""
    if good.compiled is not None:
        rows = good.compiled.report.lists
        report = next((row for row in rows if row.name == one.name), None)
        held = good.compiled.held.get(one.name, "")
    states = [downloads.load(url) for url in one.spec.urls]
    failed = next((f"{state.url}: {state.error}" for state in states if state.error), "")
    checked = [state.checked_at for state in states if state.checked_at is not None]
    taken = report.taken if report else None
    never = any(state.sha256 is None and state.error is None for state in states)
    empty = "what it is made of has no entries"
    why = failed or held or (lost_lines(report) or empty if report and not report.taken else "")
    return _List(one.name, taken, min(checked, default=None), why, bool(why) and not never)


def _ago(unix: float) -> str:
    seconds = max(0.0, datetime.now(UTC).timestamp() - unix)
    for unit, word in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {word}"
    return f"{seconds:.0f} seconds"
