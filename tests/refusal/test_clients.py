"""Clients that are not served are refused with the reason, on every transport."""

from collections.abc import Callable

from tests.world.ask import TRANSPORTS
from tests.world.resolver import Resolver


def test_a_network_that_is_not_served_is_refused(
    make_resolver: Callable[[], Resolver],
) -> None:
    resolver = make_resolver()
    resolver.configure(clients=["192.0.2.0/24"])
    server = resolver.start_refusing().server
    for transport in TRANSPORTS:
        reply = server.ask("www.example.org", transport=transport)
        assert reply.rcode == "REFUSED"
        assert [text.split(":")[0].split(" ")[0] for _, text in reply.errors] == [
            "network_not_served"
        ]
