"""Clients that are not served are refused with the reason, and get nothing over UDP."""

import socket
from collections.abc import Callable

import dns.message
import pytest

from tests.world.ask import TRANSPORTS, Transport
from tests.world.resolver import Resolver


def test_a_network_that_is_not_served_is_refused_and_gets_no_octet_over_udp(
    make_resolver: Callable[[], Resolver],
) -> None:
    resolver = make_resolver()
    resolver.configure(clients=["192.0.2.0/24"])
    server = resolver.start_refusing().server

    def word(transport: Transport) -> str:
        reply = server.ask("www.example.org", transport=transport)
        assert reply.rcode == "REFUSED"
        return ", ".join(text.partition(":")[0] for _, text in reply.errors)

    datagrams = [
        dns.message.make_query(name, kind).to_wire()
        for name, kind in (("www.example.org", "A"), (".", "ANY"))
    ]
    streams = [one for one in TRANSPORTS if one != "udp"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for one in [*datagrams, datagrams[0][:20]]:
            sock.sendto(one, ("127.0.0.1", server.udp))
        # An answer to a datagram would come before those to later questions over streams.
        assert [word(transport) for transport in streams] == ["network_not_served"] * 3
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(65535)
