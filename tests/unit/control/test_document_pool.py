"""Work on documents that does not end holds up nothing else."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from keyhole.control.document_pool import DocumentPool, StuckError
from tests.world.waiting import until


def test_work_that_does_not_end_is_given_up_and_said_until_it_ends() -> None:
    """A4: a file on a system that hangs."""
    gate, given_up = threading.Event(), []

    def hang(pool: DocumentPool) -> Callable[[], None]:
        def work() -> None:
            gate.wait()
            try:
                pool.check()
            except StuckError as error:
                given_up.append(error)

        return work

    async def act() -> None:
        pool = DocumentPool(0.01)
        assert pool.stuck is None
        with pytest.raises(StuckError, match="has not ended since"):
            await pool.run(hang(pool))
        with pytest.raises(StuckError, match="has not ended since"):
            await pool.run(int)
        assert "network or device that hangs" in str(pool.stuck)
        assert await asyncio.to_thread(int, "1") == 1, "other threads are free"
        gate.set()
        await asyncio.to_thread(until, lambda: pool.stuck is None, "the work has ended")
        assert given_up, "what ends late changes nothing"

    asyncio.run(act())


def test_what_work_gives_and_raises_goes_through() -> None:
    async def act() -> None:
        pool = DocumentPool()
        assert await pool.run(int, "7") == 7
        with pytest.raises(ValueError, match="seven"):
            await pool.run(int, "seven")

    asyncio.run(act())
