"""What ``/status`` says for a person: what is blocked, by which lists, and what is wrong."""

import time
from collections.abc import Collection, Container, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from keyhole.control.compile import Compiled
from keyhole.control.list_refresh.status import ListState, ListStatus, wrong_with_list
from keyhole.control.page_link import page_url
from keyhole.control.parts import Health
from keyhole.control.services import Services
from keyhole.model.snapshot import Snapshot, SnapshotPolicy

if TYPE_CHECKING:
    from keyhole.api.status import Status


class PausedPolicy(BaseModel):
    """A policy that blocks nothing until its pause ends."""

    policy: str = Field(description="Its name.")
    until: datetime = Field(description="When it blocks again.")


class Blocking(BaseModel):
    """Whether names are blocked now."""

    state: Literal["on", "paused", "waiting", "off", "refusing"] = Field(
        description="on. paused: every policy that blocks is paused. waiting: nothing is blocked "
        "until a list has its first entries. off: no policy in force has a list, a block rule or a "
        "default of deny that it enforces. refusing: no documents are in force, so that every "
        "query is refused."
    )
    until: datetime | None = Field(description="When the last pause ends; null unless paused.")
    paused: list[PausedPolicy] = Field(description="The policies that are paused.")


class ListInUse(BaseModel):
    """A list that a policy uses, in short; `/lists` says more."""

    name: str = Field(description="The name of the List document.")
    state: ListState = Field(description="As in /lists.")
    taken: int | None = Field(description="Entries in force; null if not compiled.")
    checked: datetime | None = Field(
        description="When the server of each of its URLs last confirmed it; null without URLs, and "
        "before the first download."
    )
    failing_since: datetime | None = Field(
        description="Since when a download has been failing; null if none has."
    )
    why: str = Field(
        description="Why it does not act, or not in its newest version; empty if it does."
    )


def blocking(snapshot: Snapshot | None, entries: Collection[str]) -> Blocking:
    """Whether names are blocked by a snapshot with its pauses; ``entries`` are the names of the
    lists that have some."""
    if snapshot is None:
        return Blocking(state="refusing", until=None, paused=[])
    now = time.time()
    ends = {
        one.name: one.paused.until
        for one in snapshot.policies
        if one.paused is not None and one.paused.until > now
    }
    paused = [
        PausedPolicy(policy=name, until=datetime.fromtimestamp(until, UTC))
        for name, until in sorted(ends.items())
    ]
    every = {at for at, one in enumerate(snapshot.lists) if one.kind == "block"}
    full = {at for at in every if snapshot.lists[at].name in entries}
    blocks = [one for one in snapshot.policies if _can_block(one, full)]
    if not blocks:
        waits = any(_can_block(one, every) for one in snapshot.policies)
        return Blocking(state="waiting" if waits else "off", until=None, paused=paused)
    if all(one.name in ends for one in blocks):
        until = max(one.until for one in paused)
        return Blocking(state="paused", until=until, paused=paused)
    return Blocking(state="on", until=None, paused=paused)


def with_entries(statuses: Sequence[ListStatus], compiled: Compiled | None) -> set[str]:
    """The names of the lists that have entries. What no report counts comes from the last good
    snapshot, which nobody compiled since the start."""
    if compiled is None:
        return set()
    reports = compiled.lists.report.lists if compiled.lists else ()
    unknown = {one.name for one in compiled.snapshot.lists} - {one.name for one in reports}
    return {one.name for one in statuses if one.taken} | unknown


def lists_in_use(statuses: Sequence[ListStatus]) -> list[ListInUse]:
    """The lists that a policy in force uses."""
    return [
        ListInUse(
            name=one.name,
            state=one.state,
            taken=one.taken,
            checked=_checked(one),
            failing_since=_time(one.failing_since),
            why=one.problem,
        )
        for one in statuses
        if one.policies
    ]


def page(services: Services) -> str | None:
    """The address of the page for a browser on this machine."""
    authentication = services.authentication
    is_set_up = authentication is not None and authentication.is_set_up()
    return page_url(services.settings.written.api, is_set_up=is_set_up)


def whats_wrong(status: "Status") -> Iterator[str]:
    """What does not work, each in a few words; nothing where all works."""
    if status.uptime is None:
        yield "no engine answers on this machine"
    yield from (
        f"{one.name}: {one.state}" for one in status.parts if one.state != Health.MENDED.value
    )
    if status.blocking.state == "refusing":
        yield "no documents are in force"
    failing = [one.name for one in status.upstreams if one.condition == "fails"]
    if failing and len(failing) == len(status.upstreams):
        yield "no upstream works"
    else:
        yield from (f"upstream {name} does not work" for name in failing)
    yield from (why for one in status.lists_in_use if (why := _list_problem(one)))
    yield from (f"revocations are not yet at {one.engine}" for one in status.undelivered)
    yield from (f"dnstap to {one.target} fails" for one in status.dnstap if not one.is_working)
    if status.traces is not None and not status.traces.is_working:
        yield f"traces are not taken by {status.traces.endpoint}"
    yield from (
        f"events are not taken by {one.target}" for one in status.events if not one.is_working
    )


def _list_problem(one: ListInUse) -> str | None:
    is_failing = one.failing_since is not None
    return wrong_with_list(one.name, one.state, one.taken, is_failing=is_failing)


def _can_block(policy: SnapshotPolicy, lists: Container[int]) -> bool:
    """Whether it blocks any name, if only these lists have entries."""
    if policy.mode != "enforce":
        return False
    rules = any(one.action == "block" and one.mode == "enforce" for one in policy.rules)
    listed = policy.list_mode == "enforce" and any(one in lists for one in policy.lists)
    return rules or policy.default == "deny" or listed


def _checked(one: ListStatus) -> datetime | None:
    times = [url.checked_at for url in one.urls if url.checked_at is not None]
    if not times or len(times) < len(one.urls):
        return None
    return datetime.fromtimestamp(min(times), UTC)


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
