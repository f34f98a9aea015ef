"""Asks the engine of this machine a question of Keyhole's own, at its own listener."""

import asyncio
import socket
import struct

import dns.asyncquery
import dns.edns
import dns.exception
import dns.message
import dns.query

from keyhole.engine.own_queries import OPTION

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""For ``SO_LINGER`` (socket(7)): on, for no time."""

Addresses = dict[str, list[str]]
"""Listeners that serve this machine without a certificate, by transport."""


async def ask_own_listener(
    question: dns.message.Message, addresses: Addresses, mark: bytes, seconds: float
) -> dns.message.Message | None:
    """The answer; none where no listener can be asked. ``mark`` keeps the question apart from those
    of clients. Raises ``OSError``, ``EOFError`` and ``dns.exception.DNSException``.

    The question goes through our own listener and so through policy.
    """
    if mark:
        option = dns.edns.GenericOption(dns.edns.OptionType.make(OPTION), mark)
        question.use_edns(0, options=[option])
    if tcp := addresses.get("tcp"):
        return await _ask_over_tcp(question, tcp[0], seconds)
    if udp := addresses.get("udp"):
        host, port = split_listener(udp[0])
        return await dns.asyncquery.udp(question, host, seconds, port)
    if dot := addresses.get("dot"):
        host, port = split_listener(dot[0])
        # Our own listener on this machine needs no certificate check.
        return await dns.asyncquery.tls(question, host, seconds, port, verify=False)
    return None


async def _ask_over_tcp(
    question: dns.message.Message, address: str, seconds: float
) -> dns.message.Message:
    """Whoever stops waiting resets the connection. One that is closed looks like that of a client
    which has asked its last question and still reads: an engine that ends would wait for the
    upstream, for as long as it may."""
    try:
        async with asyncio.timeout(seconds):
            answer = await _exchange(question, address)
    except TimeoutError:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if not question.is_response(answer):
        raise dns.query.BadResponse
    return answer


async def _exchange(question: dns.message.Message, address: str) -> dns.message.Message:
    reader, writer = await asyncio.open_connection(*split_listener(address))
    try:
        writer.write(question.to_wire(prepend_length=True))
        length = int.from_bytes(await reader.readexactly(2))
        return dns.message.from_wire(await reader.readexactly(length))
    except BaseException:
        stream = writer.get_extra_info("socket")
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        raise
    finally:
        writer.close()


def split_listener(address: str) -> tuple[str, int]:
    """Host and port at which this machine reaches a listener; it is asked from the same host."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    # For a listener on all addresses, use the loopback address.
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), int(port)  # noqa: S104


def asked_from(addresses: Addresses) -> str | None:
    """The address from which `ask_own_listener` asks; none where it cannot."""
    first = next((ones[0] for by in ("tcp", "udp", "dot") if (ones := addresses.get(by))), None)
    return None if first is None else split_listener(first)[0]
