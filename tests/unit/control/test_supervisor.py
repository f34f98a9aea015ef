"""The supervisor restarts its process; if the first one cannot start, it gives the reason."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from keyhole.control.error import EndedError, EngineRefusedError
from keyhole.control.notice import Notice
from keyhole.control.supervisor import Supervisor, restart_delay

FAKE = Path(__file__).parent / "fake_engine.py"


class Notices(list[Notice]):
    """The notices received; the second one sets ``second``."""

    def __init__(self) -> None:
        super().__init__()
        self.second = asyncio.Event()

    def notify(self, notice: Notice) -> None:
        self.append(notice)
        if len(self) == 2:
            self.second.set()


def _supervisor(notices: Notices, behavior: str) -> Supervisor:
    command = [sys.executable, str(FAKE), behavior]
    return Supervisor("the engine", lambda ran: command, notices.notify)


def _with_engine(
    use: Callable[[Supervisor, Notices], Awaitable[None]], behavior: str = "serves"
) -> None:
    async def run() -> None:
        notices = Notices()
        supervisor = _supervisor(notices, behavior)
        try:
            await supervisor.start()
            await use(supervisor, notices)
        finally:
            await supervisor.stop()

    asyncio.run(run())


def test_start_returns_the_content_of_the_ready_message() -> None:
    async def run() -> None:
        supervisor = _supervisor(Notices(), "serves")
        try:
            assert await supervisor.start() == {"udp": ["127.0.0.1:5300"]}
        finally:
            await supervisor.stop()

    asyncio.run(run())


def test_a_killed_process_is_restarted_and_both_are_reported() -> None:
    async def use(supervisor: Supervisor, notices: Notices) -> None:
        old = supervisor.pid
        assert old is not None
        os.kill(old, signal.SIGKILL)
        await notices.second.wait()
        assert supervisor.pid != old
        assert "SIGKILL; starting it again at once" in notices[0].text
        assert notices[1].text == f"the engine serves again (process {supervisor.pid})"

    _with_engine(use)


def test_the_command_knows_whether_the_process_ran_before() -> None:
    async def run() -> list[bool]:
        notices, ran_before = Notices(), []

        def command(ran: bool) -> list[str]:
            ran_before.append(ran)
            return [sys.executable, str(FAKE), "serves"]

        supervisor = Supervisor("control", command, notices.notify)
        try:
            await supervisor.start()
            assert supervisor.pid is not None
            os.kill(supervisor.pid, signal.SIGKILL)
            await notices.second.wait()
        finally:
            await supervisor.stop()
        return ran_before

    assert asyncio.run(run()) == [False, True]


def test_an_engine_that_cannot_start_gives_the_reason() -> None:
    async def use(_supervisor: Supervisor, _: Notices) -> None:
        raise AssertionError("it must not start")

    with pytest.raises(EngineRefusedError, match="permission denied"):
        _with_engine(use, "refuses")


def test_an_engine_that_ends_without_a_message_gives_its_exit_code() -> None:
    async def use(_supervisor: Supervisor, _: Notices) -> None:
        raise AssertionError("it must not start")

    with pytest.raises(EndedError, match="exit code 7"):
        _with_engine(use, "ends")


def test_no_process_is_left_after_stop() -> None:
    async def run() -> int:
        supervisor = _supervisor(Notices(), "serves")
        await supervisor.start()
        assert supervisor.pid is not None
        await supervisor.stop()
        return supervisor.pid

    pid = asyncio.run(run())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_first_restart_is_immediate_and_later_ones_wait_longer() -> None:
    pauses = [restart_delay(deaths) for deaths in range(1, 9)]
    assert pauses[0] == 0
    assert pauses == sorted(pauses)
    assert pauses[-1] == 5.0
