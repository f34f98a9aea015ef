"""A stop goes through all services, whatever becomes of one."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from keyhole.control.startup.services import _stop


def test_each_service_is_stopped_though_others_fail_and_the_database_last() -> None:
    stopped: list[str] = []

    def stops(name: str) -> None:
        stopped.append(name)
        raise OSError(name)

    async def proof_stops() -> None:
        stops("proof")

    async def crashes() -> None:
        raise ValueError

    async def goes_on() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("task")

    async def run() -> None:
        tasks = [asyncio.create_task(crashes()), asyncio.create_task(goes_on())]
        await asyncio.wait(tasks[:1])
        proof: Any = SimpleNamespace(close=proof_stops)
        queries: Any = SimpleNamespace(close=lambda: stops("history"))
        database = SimpleNamespace(close=lambda: stopped.append("database"))
        changes: Any = SimpleNamespace(database=database)
        await _stop(proof, tasks, queries, changes)

    with pytest.raises(OSError, match="history"):
        asyncio.run(run())
    assert stopped == ["proof", "task", "history", "database"]
