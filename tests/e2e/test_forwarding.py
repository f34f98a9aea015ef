"""What goes upstream: the name and the type, and nothing else of the client's."""

from concurrent.futures import ThreadPoolExecutor

import dns.edns
import dns.flags
import dns.message
import pytest

from tests.world.ask import TRANSPORTS, Transport, option
from tests.world.resolver import PATIENT, Resolver, document
from tests.world.upstream import ADDRESS, Upstream
from tests.world.waiting import until

_BLOCK = 128


def _revealing(name: str) -> dns.message.Message:
    """A query that says all it can about its client."""
    query = dns.message.make_query(
        name,
        "A",
        use_edns=0,
        payload=4096,
        ednsflags=0x0040,
        options=[
            dns.edns.ECSOption("203.0.113.0", 24),
            dns.edns.CookieOption(b"12345678", b""),
            option(65001, b"device=kitchen"),
        ],
    )
    query.flags |= dns.flags.CD | dns.flags.AD
    return query


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_upstream_sees_name_and_type_and_nothing_else(
    shared_resolver: Resolver, shared_upstream: Upstream, transport: Transport
) -> None:
    name = f"ReVeaLing-{transport}.Example.ORG"
    reply = shared_resolver.server.ask("", "", transport, _revealing(name))
    assert reply.addresses == [ADDRESS]
    sent = [m for m in shared_upstream.messages if f"revealing-{transport}".encode() in m]
    assert len(sent) == 1
    assert len(sent[0]) % _BLOCK == 0
    query = dns.message.from_wire(sent[0])
    assert query.question[0].name.to_text() == name.lower() + "."
    assert query.flags == dns.flags.RD
    assert [int(option.otype) for option in query.options] == [int(dns.edns.OptionType.PADDING)]
    assert query.ednsflags & 0x7FFF == 0


def test_many_queries_share_one_upstream_connection(
    shared_resolver: Resolver, shared_upstream: Upstream
) -> None:
    before = shared_upstream.connections
    for number in range(200):
        assert shared_resolver.server.ask(f"shared-{number}.example.org").rcode == "NOERROR"
    # One for each worker thread of the engine; a machine that stands still adds second tries.
    assert shared_upstream.connections - before <= 200 / 10


def test_the_same_question_from_many_clients_goes_upstream_once(
    resolver: Resolver, upstream: Upstream
) -> None:
    resolver.write(document("Policy", "home", default="allow", upstreams=PATIENT))
    server = resolver.start().server
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(server.ask, "slow-same.example.org", "A", t) for t in TRANSPORTS * 5]
        until(lambda: upstream.times_asked("slow-same.example.org"), "the question goes upstream")
        upstream.release()
        assert all(future.result().addresses == [ADDRESS] for future in asked)
    assert upstream.times_asked("slow-same.example.org") == 1


def test_an_answer_is_remembered_and_its_ttl_counts_down(
    shared_resolver: Resolver, shared_upstream: Upstream
) -> None:
    for transport in TRANSPORTS:
        reply = shared_resolver.server.ask("remembered.example.org", transport=transport)
        assert reply.addresses == [ADDRESS]
        assert reply.message.answer[0].ttl <= shared_upstream.zone.ttl
    assert shared_upstream.times_asked("remembered.example.org") == 1


def test_a_negative_answer_and_a_failure_are_remembered(
    shared_resolver: Resolver, shared_upstream: Upstream
) -> None:
    server = shared_resolver.server
    assert [server.ask("empty.example.org", "MX").rcode for _ in range(3)] == ["NOERROR"] * 3
    assert shared_upstream.times_asked("empty.example.org") == 1
    assert [server.ask("servfail-2.example.org").rcode for _ in range(3)] == ["SERVFAIL"] * 3
    # Tried again at once, but not for each client (RFC 9520).
    assert shared_upstream.times_asked("servfail-2.example.org") <= 3


def test_a_wrong_message_does_not_end_the_wait_for_the_right_one(
    shared_resolver: Resolver,
) -> None:
    assert shared_resolver.server.ask("other-1.example.org").addresses == [ADDRESS]
