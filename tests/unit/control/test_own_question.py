"""Questions that Keyhole asks its own listener."""

import asyncio
import socket

import dns.message
import pytest

from keyhole.control.own_question import ask_own_listener


async def _leave_while_asking(listener: socket.socket) -> socket.socket:
    """The connection of a question whose asker ends before it is answered."""
    address = "{}:{}".format(*listener.getsockname())
    question = dns.message.make_query(".", "NS")
    asking = asyncio.create_task(ask_own_listener(question, {"tcp": [address]}, b"", 60))
    connection, _ = await asyncio.to_thread(listener.accept)
    length = int.from_bytes(await asyncio.to_thread(connection.recv, 2))
    await asyncio.to_thread(connection.recv, length)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    return connection


def test_whoever_stops_waiting_is_waited_for_by_nobody() -> None:
    """An engine that ends waits for what a client has asked, not for a client that is gone."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        asyncio.run(_leave_while_asking(listener)) as connection,
        pytest.raises(ConnectionResetError),
    ):
        connection.recv(512)
