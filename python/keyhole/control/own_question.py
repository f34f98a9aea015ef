"""Asks the engine of this machine a question of Keyhole's own, at its own listener."""

import dns.asyncquery
import dns.edns
import dns.exception
import dns.message

from keyhole.engine.own_queries import OPTION

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
        host, port = split_listener(tcp[0])
        return await dns.asyncquery.tcp(question, host, seconds, port)
    if udp := addresses.get("udp"):
        host, port = split_listener(udp[0])
        return await dns.asyncquery.udp(question, host, seconds, port)
    if dot := addresses.get("dot"):
        host, port = split_listener(dot[0])
        # Our own listener on this machine needs no certificate check.
        return await dns.asyncquery.tls(question, host, seconds, port, verify=False)
    return None


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
