"""Clients that are not served are refused with the reason, on every transport."""

from collections.abc import Callable

from tests.world.ask import TRANSPORTS, Transport
from tests.world.resolver import Resolver


def test_a_network_that_is_not_served_is_refused(
    make_resolver: Callable[[], Resolver],
) -> None:
    resolver = make_resolver()
    resolver.configure(clients=["192.0.2.0/24"])
    server = resolver.start_refusing().server

    def word(transport: Transport) -> str:
        reply = server.ask("www.example.org", transport=transport)
        assert reply.rcode == "REFUSED"
        return ", ".join(text.partition(":")[0] for _, text in reply.errors)

    resolver.wait_for(lambda: word("tcp") != "not_ready", "the documents are in force")
    assert [word(transport) for transport in TRANSPORTS] == ["network_not_served"] * 4
