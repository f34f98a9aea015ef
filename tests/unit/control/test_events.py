"""Events wait for their receivers, and nothing waits for events."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keyhole.control.data_folder import DataFolder
from keyhole.control.events.attention import AttentionWatch, Wrong
from keyhole.control.events.progress import Progress
from keyhole.control.events.queries import MissedNotice, QueryFeed, kind_of, lost_of
from keyhole.control.events.receiver import Receiver
from keyhole.control.events.service import AT_ONCE, EventService
from keyhole.control.events.sources import AuditSource
from keyhole.events import Event, Lane, SendError, Severity
from keyhole.querylog import Tail
from keyhole.querylog.entry import LogEntry, read_line
from keyhole.store import AuditEntry, Database, append
from keyhole.system import durable


def _events(*numbers: int) -> list[Event]:
    return [Event("test", Severity.INFO, str(one), id=str(one)) for one in numbers]


class _Sender:
    """Takes events, unless ``refuses`` says why not."""

    def __init__(self, refuses: Callable[[Sequence[Event]], SendError | None]) -> None:
        self.taken: list[str] = []
        self.wanted = 0
        self.has_all = asyncio.Event()
        self._refuses = refuses

    async def send(self, events: Sequence[Event]) -> None:
        if (error := self._refuses(events)) is not None:
            raise error
        self.taken += [one.text for one in events]
        if len(self.taken) >= self.wanted:
            self.has_all.set()

    async def close(self) -> None:
        """There is nothing to close."""


async def _until(done: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(work)
    async with asyncio.timeout(30):
        await done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _told(sender: _Sender, receiver: Receiver, wanted: int) -> None:
    sender.wanted, sender.has_all = wanted, asyncio.Event()
    asyncio.run(_until(sender.has_all, receiver.run(sender)))


def _receiver(most: int = 100) -> Receiver:
    return Receiver("syslog", "siem:6514", ("test", "queries"), most, lambda _: None)


def test_an_event_that_a_receiver_never_takes_does_not_hold_up_the_others() -> None:
    def refuses(events: Sequence[Event]) -> SendError | None:
        is_there = any(one.text == "2" for one in events)
        return SendError("it answers 422", is_content=True) if is_there else None

    receiver, sender = _receiver(), _Sender(refuses)
    for event in _events(1, 2, 3):
        receiver.queue.put(event)
    _told(sender, receiver, 2)
    assert sender.taken == ["1", "3"]
    assert (receiver.state.sent, receiver.state.lost, receiver.state.why) == (2, 1, None)


def _entries(*numbers: int) -> list[Event]:
    return [Event("test", Severity.INFO, str(n), source="audit", number=n) for n in numbers]


def _without_pauses(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, most: int, then: Callable[[], None]
) -> None:
    """Passes the pauses at once, and calls ``then`` after so many."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == most:
            then()
        await asyncio.sleep(0)

    monkeypatch.setattr(receiver, "_pause", pause)


def test_a_receiver_that_refuses_everything_loses_no_event_until_it_takes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refuses = [SendError("it answers 400", is_content=True)]
    receiver = Receiver("webhook", "hook", ("test",), 1000, lambda _: None)
    sender = _Sender(lambda _: refuses[0] if refuses else None)
    told: list[int] = []
    receiver.on_progress = lambda _, number: told.append(number)
    seen: list[tuple[list[int], int, int, str | None]] = []

    def mend() -> None:
        seen.append((list(told), receiver.lost, receiver.state.waiting, receiver.state.why))
        refuses.clear()

    _without_pauses(monkeypatch, receiver, 20, mend)
    for event in (*_entries(*range(1, 201)), *_events(201)):
        receiver.queue.put(event)
    _told(sender, receiver, 201)
    assert seen == [([], 0, 201, "it answers 400")]
    assert sender.taken == [str(number) for number in range(1, 202)]
    assert (told, receiver.lost) == (list(range(1, 201)), 0)


def test_an_entry_of_a_record_that_is_refused_is_kept_while_later_ones_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = {"2", "4"}

    def refuses(events: Sequence[Event]) -> SendError | None:
        is_there = any(one.text in refused for one in events)
        return SendError("it answers 422", is_content=True) if is_there else None

    receiver, sender = _receiver(), _Sender(refuses)
    told: list[int] = []
    receiver.on_progress = lambda _, number: told.append(number)
    for event in _entries(1, 2, 3, 4, 5):
        receiver.queue.put(event)
    _told(sender, receiver, 3)
    assert (sender.taken, told, receiver.lost) == (["1", "3", "5"], [1, 1, 1], 0)
    assert (receiver.waiting_of("audit"), receiver.state.waiting) == (2, 2)
    assert "2): it answers 422" in (receiver.state.why or "")
    # As time passes it is tried again; the second is refused still.
    refused.remove("2")
    monkeypatch.setattr(receiver, "_retry_at", 0.0)
    _told(sender, receiver, 4)
    assert (sender.taken[-1], told[-1], receiver.waiting_of("audit")) == ("2", 3, 1)
    refused.clear()
    monkeypatch.setattr(receiver, "_retry_at", 0.0)
    _told(sender, receiver, 5)
    assert (told[-1], receiver.state.waiting, receiver.state.why) == (5, 0, None)


def test_a_flood_of_queries_displaces_nothing_else_and_is_counted() -> None:
    receiver, sender = _receiver(most=2), _Sender(lambda _: None)
    for event in _events(*range(10)):
        receiver.queue.put(event, Lane.BULK)
    assert receiver.queue.put(_events(98)[0], Lane.FINDINGS)
    assert receiver.queue.put(_events(99)[0])
    assert (receiver.lost, receiver.queue.waiting) == (8, 4)
    _told(sender, receiver, 4)
    assert sender.taken == ["99", "98", "0", "1"]


class _Log(Tail):
    """A log in which these entries come, and as many were lost."""

    def __init__(self, entries: list[LogEntry], lost: int) -> None:
        super().__init__(Path())
        self._entries, self._lost = entries, lost

    def skip(self) -> None:
        """There is nothing before them."""

    def new(self) -> Iterator[LogEntry]:
        found, self._entries = self._entries, []
        self.missed = self._lost
        yield from found


def test_queries_beyond_those_of_a_look_are_counted_and_hide_no_finding() -> None:
    finding = _entry(outcome="blocked", reason="tunnel_budget")
    feed = QueryFeed(_Log([*[_entry()] * 5, finding], 7), ("queries", "findings"))
    assert [one.kind for one in feed.new(2)] == ["queries", "queries", "findings"]
    assert feed.missed == {"queries": 3, "": 7}
    wanted = {("queries",): 10, ("findings", "audit"): 7, ("audit",): 0}
    assert {kinds: lost_of(feed.missed, kinds) for kinds in wanted} == wanted


def test_lost_queries_are_counted_for_the_receiver_and_told_once_a_minute(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    data.make()
    feed = QueryFeed(_Log([_entry()] * (AT_ONCE + 2), 1), ("queries",))
    receiver = Receiver("syslog", "siem:6514", ("queries", "attention"), 10_000, lambda _: None)
    sender = _Sender(lambda _: None)
    sender.wanted = AT_ONCE + 1
    service = EventService([(receiver, sender)], Progress(data), feed, list)
    asyncio.run(_until(sender.has_all, service.run()))
    assert receiver.state.lost == 3
    assert [one for one in sender.taken if "lost" in one] == [
        "3 queries were lost before they could be told"
    ]
    notice = MissedNotice()
    assert [notice.due(*one) for one in ((3, 0), (9, 1), (9, 59), (10, 61), (10, 200))] == [
        3,
        0,
        0,
        7,
        0,
    ]


def test_an_entry_that_finds_no_place_is_read_again_and_not_counted_as_lost(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    data.make()
    receiver = Receiver("syslog", "siem:6514", ("audit",), 3, lambda _: None)
    sender = _Sender(lambda _: None)
    sender.wanted = 5

    class Crowded:
        """Other events take the room while entries are read."""

        name = "audit"
        is_first = True

        def last(self) -> int:
            return 0

        def after(self, number: int, most: int) -> list[Event]:
            if self.is_first:
                self.is_first = False
                for event in _events(8, 9):
                    receiver.queue.put(event)
            return _entries(*range(number + 1, min(3, number + most) + 1))

    service = EventService([(receiver, sender)], Progress(data), None, list)
    service.add_source(Crowded())
    asyncio.run(_until(sender.has_all, service.run()))
    assert (sorted(sender.taken), receiver.lost) == (["1", "2", "3", "8", "9"], 0)


def test_what_needs_attention_is_told_once_when_it_lasts_and_once_when_it_ends() -> None:
    watch = AttentionWatch()
    down = Wrong("upstream a", "upstream a does not work", "no answer", 5.0)
    blip = Wrong("list b", "list b has no entries", "HTTP 500")
    looks: tuple[list[Wrong], ...] = ([down, blip], [down], [down], [], [blip], [])
    told = [[one.text for one in watch.look(found)] for found in looks]
    began, ended = ["upstream a does not work"], ["works again: upstream a does not work"]
    assert told == [[], began, [], ended, [], []]


class _Progress(Progress):
    def __init__(self, data: DataFolder) -> None:
        super().__init__(data)
        self.is_written = asyncio.Event()

    def set(self, target: str, source: str, number: int) -> None:
        super().set(target, source, number)
        self.is_written.set()


def test_every_audit_entry_is_told_once_although_the_receiver_and_keyhole_were_away(
    tmp_path: Path,
) -> None:
    data = DataFolder(tmp_path)
    data.make()
    database = Database.in_file(data.database, may_be_new=True)

    def add(*actions: str) -> None:
        with database.begin() as connection:
            for one in actions:
                append(connection, AuditEntry("root", "socket", one))

    def run(wanted: int, sender: _Sender) -> None:
        receiver = Receiver("syslog", "siem:6514", ("audit",), 100, lambda _: None)
        progress = _Progress(data)
        service = EventService([(receiver, sender)], progress, None, list)
        service.add_source(AuditSource(database))
        sender.wanted, sender.has_all = wanted, asyncio.Event()
        done = sender.has_all if wanted else progress.is_written
        asyncio.run(_until(done, service.run()))

    add("before the receiver was named")
    sender = _Sender(lambda _: None)
    run(0, sender)
    add("one", "two")  # while nothing runs
    run(2, sender)
    add(*map(str, range(300)))  # more than wait in memory at once
    run(302, sender)
    assert sender.taken == [f"root: {one}" for one in ("one", "two", *range(300))]
    database.close()


def test_an_older_progress_that_is_still_being_written_never_replaces_a_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataFolder(tmp_path)
    data.make()
    progress = Progress(data)
    is_writing, may_write = threading.Event(), threading.Event()
    real = durable.write_bytes

    def slow(path: Path, content: bytes, mode: durable.Mode = durable.PRIVATE_FILE) -> None:
        if not is_writing.is_set():
            is_writing.set()
            assert may_write.wait(30)
        real(path, content, mode)

    monkeypatch.setattr(durable, "write_bytes", slow)
    progress.set("siem", "audit", 1)
    with ThreadPoolExecutor() as threads:
        threads.submit(progress.write)
        assert is_writing.wait(30)
        progress.set("siem", "audit", 2)
        newer = threads.submit(progress.write)
        may_write.set()
        newer.result(30)
    assert Progress(data).of("siem", "audit") == 2


def _entry(**changes: str | None) -> LogEntry:
    nothing = dict.fromkeys(("identity", "token", "rule", "list", "observed", "upstream"))
    fields = {
        "time": "2026-12-01T10:00:00Z",
        "transport": "dot",
        "client": "192.0.2.1",
        "policy": "home",
        "name": "a.example",
        "type": "A",
        "duration_us": 0,
        "snapshot": 1,
        "outcome": "answered",
        "reason": "forwarded",
        **nothing,
        **changes,
    }
    found = read_line(json.dumps(fields).encode())
    assert isinstance(found, LogEntry)
    return found


def test_a_query_is_a_finding_before_it_is_a_refusal() -> None:
    assert kind_of(_entry()) == "queries"
    assert kind_of(_entry(outcome="refused", reason="no_policy")) == "refusals"
    assert kind_of(_entry(outcome="blocked", reason="tunnel_budget")) == "findings"
    assert kind_of(_entry(outcome="blocked", reason="private_address")) == "findings"
    assert kind_of(_entry(observed="tunneling: alert")) == "findings"
