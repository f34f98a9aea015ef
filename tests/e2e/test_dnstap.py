"""Queries reach programs that read dnstap, and neither they nor their absence delay an answer."""

from collections.abc import Callable

import dns.message

from tests.world.dnstap import Collector, decode, read_stream
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream


def test_queries_are_written_to_a_file_and_sent_to_a_socket(
    make_resolver: Callable[[], Resolver], upstream: Upstream
) -> None:
    resolver = make_resolver()
    resolver.write(
        resolver.upstream(upstream.port),
        document("Policy", "home", default="allow", upstreams=["test"], log="anonymous"),
    )
    socket = resolver.folder / "tap.sock"
    tapped = {"file": "log/queries.dnstap", "socket": str(socket), "identity": "resolver-1"}
    resolver.configure(dnstap=tapped)
    resolver.start()
    resolver.wait_for(lambda: "does not take it" in resolver.program.output, "it says so")
    with Collector(socket) as collector:
        resolver.wait_for(lambda: collector.connections, "it comes when somebody listens")

        def came() -> bool:
            resolver.server.ask("www.example.org")
            asked = [one["message"].get("query_message") for one in collector.messages]
            names = [str(dns.message.from_wire(one).question[0].name) for one in asked if one]
            return "www.example.org." in names

        resolver.wait_for(came, "the query came")
        found = collector.messages
        assert {one["identity"] for one in found} == {b"resolver-1"}
        assert not any("query_address" in one["message"] for one in found), "anonymous"
        (file, sent) = resolver.api("GET", "/status").json()["dnstap"]
        assert (file["is_working"], sent["is_working"], sent["dropped"]) == (True, True, 0)
        resolver.stop()
        assert collector.ended == 1
    payloads, has_ended = read_stream((resolver.folder / "log" / "queries.dnstap").read_bytes())
    assert has_ended
    assert {decode(one)["message"]["type"] for one in payloads} == {5, 6}
