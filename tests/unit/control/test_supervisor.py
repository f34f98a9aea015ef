"""The supervisor: one engine always runs, and each command gets its own answer."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from keyhole.control.error import ControlError, EngineGoneError, EngineRefusedError
from keyhole.control.notice import Notice
from keyhole.control.supervisor import Supervisor, pause_before_restart

FAKE = Path(__file__).parent / "fake_engine.py"
BAD = Path("/bad")


class Notices(list[Notice]):
    """What was told; ``first`` is set by the first notice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = asyncio.Event()

    def tell(self, notice: Notice) -> None:
        self.append(notice)
        self.first.set()


def _with_engine(
    use: Callable[[Supervisor, Notices], Awaitable[None]], behavior: str = "serves"
) -> None:
    async def run() -> None:
        notices = Notices()
        command = [sys.executable, str(FAKE), behavior]
        supervisor = Supervisor(Path("unused"), notices.tell, command=command)
        try:
            await supervisor.start()
            await use(supervisor, notices)
        finally:
            await supervisor.stop()

    asyncio.run(run())


def test_the_engine_says_where_it_listens() -> None:
    async def use(supervisor: Supervisor, _: Notices) -> None:
        assert supervisor.addresses == {"udp": ["127.0.0.1:5300"]}

    _with_engine(use)


def test_answers_belong_to_their_commands_in_order() -> None:
    async def use(supervisor: Supervisor, _: Notices) -> None:
        numbers = await asyncio.gather(*(supervisor.commit(Path(f"/{n}")) for n in range(20)))
        assert numbers == list(range(1, 21))

    _with_engine(use)


def test_a_refused_snapshot_names_the_place_and_the_next_one_is_taken() -> None:
    async def use(supervisor: Supervisor, _: Notices) -> None:
        with pytest.raises(EngineRefusedError, match="no such list") as refused:
            await supervisor.commit(BAD)
        assert refused.value.path == "snapshot.policies[0]"
        assert await supervisor.commit(Path("/good")) == 2

    _with_engine(use)


def test_a_killed_engine_is_replaced_and_commands_reach_the_new_one() -> None:
    async def use(supervisor: Supervisor, notices: Notices) -> None:
        old = supervisor.pid
        assert old is not None
        os.kill(old, signal.SIGKILL)
        await notices.first.wait()
        stats = await supervisor.stats()
        assert stats["pid"] == supervisor.pid != old
        assert "SIGKILL; starting it again at once" in notices[0].text

    _with_engine(use)


def test_a_command_under_way_when_the_engine_dies_fails_instead_of_hanging() -> None:
    async def use(supervisor: Supervisor, _: Notices) -> None:
        assert supervisor.pid is not None
        os.kill(supervisor.pid, signal.SIGSTOP)
        waiting = asyncio.create_task(supervisor.commit(Path("/lost")))
        await asyncio.sleep(0)
        os.kill(supervisor.pid, signal.SIGKILL)
        with pytest.raises(EngineGoneError):
            await waiting

    _with_engine(use)


def test_an_engine_that_cannot_start_gives_its_own_reason() -> None:
    async def use(_supervisor: Supervisor, _: Notices) -> None:
        raise AssertionError("it must not start")

    with pytest.raises(EngineRefusedError, match="permission denied"):
        _with_engine(use, "refuses")


def test_an_engine_that_ends_without_a_word_gives_its_exit_code() -> None:
    async def use(_supervisor: Supervisor, _: Notices) -> None:
        raise AssertionError("it must not start")

    with pytest.raises(ControlError, match="exit code 7"):
        _with_engine(use, "ends")


def test_no_process_is_left_after_stop() -> None:
    async def run() -> int:
        supervisor = Supervisor(
            Path("unused"), print, command=[sys.executable, str(FAKE), "serves"]
        )
        await supervisor.start()
        assert supervisor.pid is not None
        await supervisor.stop()
        return supervisor.pid

    pid = asyncio.run(run())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_first_restart_is_immediate_and_later_ones_wait_longer() -> None:
    pauses = [pause_before_restart(deaths) for deaths in range(1, 9)]
    assert pauses[0] == 0
    assert pauses == sorted(pauses)
    assert pauses[-1] == 5.0
