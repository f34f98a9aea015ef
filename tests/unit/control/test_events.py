"""Events wait for their receivers, and nothing waits for events."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

from keyhole.control.data_folder import DataFolder
from keyhole.control.events.attention import AttentionWatch, Wrong
from keyhole.control.events.progress import Progress
from keyhole.control.events.queries import kind_of
from keyhole.control.events.receiver import Receiver
from keyhole.control.events.service import EventService
from keyhole.control.events.sources import AuditSource
from keyhole.events import Event, SendError, Severity
from keyhole.querylog.entry import LogEntry, read_line
from keyhole.store import AuditEntry, Database, append


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
    sender.wanted = wanted
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


def test_a_flood_of_queries_displaces_nothing_else_and_is_counted() -> None:
    receiver, sender = _receiver(most=2), _Sender(lambda _: None)
    for event in _events(*range(10)):
        receiver.queue.put(event, is_bulk=True)
    receiver.queue.put(_events(99)[0])
    assert (receiver.lost, receiver.queue.waiting) == (8, 3)
    _told(sender, receiver, 3)
    assert sender.taken == ["99", "0", "1"]


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
