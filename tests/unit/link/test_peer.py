"""Whoever waits for an engine can be ended at any moment."""

import asyncio

from keyhole.link.message import About, Poll
from keyhole.link.peer import Peer


def test_an_end_counts_although_the_engine_goes_at_the_same_moment() -> None:
    """A caller that tries again would else never end: a stop waited for it without end."""

    async def life() -> bool:
        peer = Peer()
        peer.receive(Poll(About("one", 7, "1", {}, None, ""), ()))
        waiting = asyncio.ensure_future(peer.ask({"do": "stats"}))
        for _ in range(3):
            await asyncio.sleep(0)
        peer.disconnect()
        # The answer has failed, and who waits for it does not know it yet.
        waiting.cancel()
        await asyncio.wait({waiting}, timeout=20)
        return waiting.cancelled()

    assert asyncio.run(life())
