"""Who comes while another one is served waits, unless there are too many or it is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.requests import Request
from starlette.types import Message

from keyhole.api import turns
from keyhole.api.problem import ApiProblem
from keyhole.api.turns import MAX_WAITING, Turns


@asynccontextmanager
async def _taken(work: Turns) -> AsyncIterator[asyncio.Event]:
    """A turn that lasts until the event is set."""
    begun, end = asyncio.Event(), asyncio.Event()

    async def have() -> None:
        async with work.take():
            begun.set()
            await end.wait()

    task = asyncio.create_task(have())
    await begun.wait()
    yield end
    end.set()
    await task


async def _take(work: Turns, request: Request | None = None) -> str:
    async with work.take(request):
        return "done"


def test_the_next_one_waits_until_the_first_one_is_done() -> None:
    async def run() -> None:
        work = Turns("it is busy")
        async with _taken(work) as end:
            waiting = asyncio.create_task(_take(work))
            await asyncio.sleep(0)
            assert not waiting.done()
            end.set()
            assert await waiting == "done"

    asyncio.run(run())


def test_one_too_many_is_told_at_once_what_is_being_done() -> None:
    async def run() -> None:
        work = Turns("it is busy")
        async with _taken(work) as end:
            waiting = [asyncio.create_task(_take(work)) for _ in range(MAX_WAITING)]
            await asyncio.sleep(0)
            with pytest.raises(ApiProblem, match="it is busy; try again in a moment"):
                await _take(work)
            end.set()
            assert await asyncio.gather(*waiting) == ["done"] * MAX_WAITING

    asyncio.run(run())


def test_whoever_waits_too_long_is_told_and_leaves_the_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.0)

    async def run() -> None:
        work = Turns("it is busy")
        async with _taken(work):
            for _ in range(MAX_WAITING + 1):
                with pytest.raises(ApiProblem, match="it is busy"):
                    await _take(work)
        assert await _take(work) == "done"

    asyncio.run(run())


def test_a_client_that_is_gone_costs_nothing() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def run() -> None:
        work = Turns("it is busy")
        with pytest.raises(ApiProblem, match="gone"):
            await _take(work, Request({"type": "http"}, receive))
        assert await _take(work) == "done"

    asyncio.run(run())
