"""A share of what is worked on at once for each caller of the API (A9 of the faults)."""

import asyncio

from starlette.types import Message, Receive, Scope, Send

from keyhole.api.middleware.fair_share import MAX_OF_CALLER, MAX_OF_STRANGERS, FairShare
from keyhole.api.principal import Principal
from keyhole.model.role import Role

GREEDY, OTHER = "token:greedy", "anna"


class _Slow:
    """An application whose responses begin, and end, when the test says so."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self.running: list[str] = []
        self.arrived = asyncio.Condition()

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        async with self.arrived:
            self.running.append(scope["path"])
            self.arrived.notify_all()
        await self.begun.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.ended.wait()
        await send({"type": "http.response.body"})


def _scope(name: str | None, address: str = "192.0.2.1") -> Scope:
    state = {} if name is None else {"principal": Principal(name, Role.VIEWER, "token")}
    return {"type": "http", "path": name or address, "client": (address, 1), "state": state}


async def _receive() -> Message:
    return {"type": "http.disconnect"}


async def _send(_: Message) -> None:
    pass


async def _flood(greedy: Scope, other: Scope) -> tuple[int, list[str], int]:
    """How many requests of one run at once beside one of another, and after the first responses
    have begun."""
    slow = _Slow()
    share = FairShare(slow)
    tasks = [asyncio.create_task(share(greedy, _receive, _send)) for _ in range(40)]
    tasks.append(asyncio.create_task(share(other, _receive, _send)))
    async with slow.arrived:
        await slow.arrived.wait_for(lambda: other["path"] in slow.running)
    first, last = slow.running.count(greedy["path"]), slow.running[-1:]
    slow.begun.set()
    async with slow.arrived:
        await slow.arrived.wait_for(lambda: len(slow.running) == len(tasks))
    slow.ended.set()
    await asyncio.gather(*tasks)
    return first, last, len(share._callers)


def test_a_caller_with_slow_requests_keeps_nobody_from_being_answered() -> None:
    found = asyncio.run(_flood(_scope(GREEDY), _scope(OTHER)))
    assert found == (MAX_OF_CALLER, [OTHER], 0)


def test_neither_does_an_address_that_logs_in_without_end() -> None:
    found = asyncio.run(_flood(_scope(None), _scope(None, "198.51.100.7")))
    assert found == (MAX_OF_STRANGERS, ["198.51.100.7"], 0)
