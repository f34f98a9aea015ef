"""Each command gets its own answer, also if the engine dies or the connection breaks."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from keyhole.control.error import EngineGoneError, EngineRefusedError
from keyhole.control.local_engine import LocalEngine
from tests.world.follower import ADDRESSES, FakeStarter, fake_local_engine

BAD = Path("/bad")
Use = Callable[[LocalEngine, FakeStarter], Awaitable[None]]


def _with_engine(folder: Path, use: Use) -> None:
    async def run() -> None:
        engine, starter = fake_local_engine(folder)
        try:
            assert await engine.start() == ADDRESSES
            await use(engine, starter)
        finally:
            await engine.stop()

    asyncio.run(run())


async def _until_taken(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Repeats a command while the engine is gone, as control does."""
    while True:
        with suppress(EngineGoneError):
            return await ask()


def test_answers_belong_to_their_commands_in_order(tmp_path: Path) -> None:
    async def use(engine: LocalEngine, starter: FakeStarter) -> None:
        numbers = await asyncio.gather(*(engine.commit(Path(f"/{n}")) for n in range(20)))
        assert numbers == list(range(1, 21))
        assert [one["commit"] for one in starter.engine.obeyed] == [f"/{n}" for n in range(20)]

    _with_engine(tmp_path, use)


def test_a_refused_snapshot_names_the_place_and_the_next_one_is_taken(tmp_path: Path) -> None:
    async def use(engine: LocalEngine, _: FakeStarter) -> None:
        with pytest.raises(EngineRefusedError, match="no such list") as refused:
            await engine.commit(BAD)
        assert refused.value.path == "snapshot.policies[0]"
        assert await engine.commit(Path("/good")) == 1

    _with_engine(tmp_path, use)


def test_commands_reach_the_engine_that_replaced_another(tmp_path: Path) -> None:
    async def use(engine: LocalEngine, starter: FakeStarter) -> None:
        first = await engine.stats()
        starter.engine.die()
        starter.replace()
        assert await _until_taken(engine.stats) != first

    _with_engine(tmp_path, use)


def test_a_command_in_progress_fails_when_the_engine_dies(tmp_path: Path) -> None:
    async def use(engine: LocalEngine, starter: FakeStarter) -> None:
        starter.engine.may_obey.clear()
        waiting = asyncio.create_task(engine.commit(Path("/lost")))
        # Queue a second one, so that the first is surely sent.
        asked = asyncio.create_task(engine.stats())
        await asyncio.sleep(0)
        dead = starter.engine
        starter.replace()
        with pytest.raises(EngineGoneError):
            await waiting
        with pytest.raises(EngineGoneError):
            await asked
        dead.die()

    _with_engine(tmp_path, use)


def test_a_broken_connection_loses_no_later_command(tmp_path: Path) -> None:
    async def use(engine: LocalEngine, starter: FakeStarter) -> None:
        for number in range(10):
            starter.engine.hang_up()
            await _until_taken(partial(engine.commit, Path(f"/{number}")))
        said = [one["commit"] for one in starter.engine.obeyed]
        assert sorted(set(said)) == [f"/{number}" for number in range(10)]

    _with_engine(tmp_path, use)


def test_only_its_user_can_open_the_socket(tmp_path: Path) -> None:
    async def use(_engine: LocalEngine, _: FakeStarter) -> None:
        socket = tmp_path / "run" / "link.sock"
        assert socket.stat().st_mode & 0o777 == 0o600
        assert socket.parent.stat().st_mode & 0o777 == 0o700

    _with_engine(tmp_path, use)
