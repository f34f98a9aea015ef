"""How a connection ends that has had its time."""

import asyncio

CLOSING_SECONDS = 1.0


def end(transport: asyncio.Transport) -> None:
    """Ends a connection in order: over TLS with close_notify (RFC 8446 section 6.1).

    A client that does not read keeps it open for a moment only.
    """
    transport.close()
    asyncio.get_running_loop().call_later(CLOSING_SECONDS, transport.abort)
