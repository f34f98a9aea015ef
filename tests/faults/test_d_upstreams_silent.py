"""Sections D1 and D3: upstreams that are silent for some queries, or for all but say so slowly."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import h2.errors
import pytest

from tests.world.ask import Reply
from tests.world.certificates import Authority
from tests.world.misbehaving import Limits, Misbehaving
from tests.world.odd_zone import OddZone
from tests.world.resolver import Resolver, document

PROTOCOLS = ("doh", "dot", "tcp")
Serve = Callable[..., Misbehaving]


@pytest.fixture(scope="module")
def resolver(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Resolver]:
    """A resolver that each test gives its own upstreams."""
    one = Resolver(tmp_path_factory.mktemp("silent") / "data", authority)
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def serve(authority: Authority) -> Iterator[Serve]:
    """Starts upstreams, which end with the test."""
    running: list[Misbehaving] = []

    def start(protocol: str, **limits: Any) -> Misbehaving:
        pair = authority.issue("upstream.example.org", "127.0.0.1")
        one = Misbehaving(pair, Limits(**limits), protocol=protocol, zone=OddZone())
        running.append(one)
        one.__enter__()
        return one

    yield start
    for one in running:
        one.stop()


def _use(resolver: Resolver, *upstreams: Misbehaving, **times: str) -> None:
    """Has the resolver ask these, the first one first."""
    documents = []
    for number, upstream in enumerate(upstreams):
        name = f"test{number}"
        if upstream.protocol == "tcp":
            where = {"addresses": [f"127.0.0.1:{upstream.port}"], "insecure": "mesh"}
            documents.append(document("Upstream", name, protocol="tcp", **where))
        else:
            protocol = upstream.protocol
            documents.append(resolver.upstream(upstream.port, name, protocol=protocol))
    use = {"names": [one["metadata"]["name"] for one in documents], **times}
    resolver.reset(*documents, document("Policy", "home", default="allow", upstreams=use))


def _status(resolver: Resolver) -> dict[str, Any]:
    found: dict[str, Any] = resolver.api("GET", "/status").json()
    return found


def _under_way(resolver: Resolver) -> int:
    """Questions that upstreams are asked now; -1 while the engine does not say."""
    load = _status(resolver)["load"]
    return int(load["under_way"]) if load else -1


def _ask_all(resolver: Resolver, count: int, mark: str) -> list[Reply]:
    """Asks for so many names at once."""
    with ThreadPoolExecutor(count) as pool:
        names = [f"{mark}{number}.example.org" for number in range(count)]
        return list(pool.map(lambda name: resolver.server.ask(name, transport="udp"), names))


def _errors(replies: list[Reply]) -> list[object]:
    return [reply.errors for reply in replies if reply.rcode != "NOERROR"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_upstream_that_answers_nobody_is_asked_a_few_times_only(
    resolver: Resolver, serve: Serve, protocol: str
) -> None:
    upstream = serve(protocol, silent_every=1)
    _use(resolver, upstream, hedge="20ms", timeout="500ms")
    received = upstream.counts.received
    assert resolver.server.ask(f"dead-{protocol}.example.org").rcode == "SERVFAIL"
    # Two for the question, and Keyhole's own to see whether it is there.
    assert upstream.counts.received - received <= 4


@pytest.mark.parametrize(
    ("protocol", "limit"),
    [
        ("doh", "trickles"),
        ("dot", "trickles"),
        ("tcp", "trickles"),
        ("dot", "wrong_id"),
        ("tcp", "wrong_id"),
    ],
)
def test_octets_that_are_no_answer_keep_no_upstream_in_its_place(
    resolver: Resolver, serve: Serve, protocol: str, limit: str
) -> None:
    """D3, D4: otherwise each query waits for it first."""
    both = serve(protocol, **{limit: True}), serve("dot")
    _use(resolver, *both, hedge="20ms")

    def lost_its_place() -> bool:
        # What counts against an upstream does so when an attempt ends.
        resolver.wait_for(lambda: _under_way(resolver) == 0, "none is under way")
        found = {one["name"]: one for one in _status(resolver)["upstreams"]}
        return not found["test0"]["is_healthy"]

    for number in range(20):
        name = f"{limit}{number}-{protocol}.example.org"
        assert resolver.server.ask(name).rcode == "NOERROR"
        if lost_its_place():
            break
    else:
        pytest.fail("20 queries did not cost it its place")
    # The query would be over before the second one is asked.
    _use(resolver, *both, hedge="10s", timeout="20s")
    assert resolver.server.ask(f"{limit}-{protocol}-last.example.org").rcode == "NOERROR"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_query_is_lost_with_a_connection_that_stays_open_and_brings_nothing_any_more(
    resolver: Resolver, serve: Serve, protocol: str
) -> None:
    """D1: the state on the way was dropped, say, and no packet tells of it."""
    upstream = serve(protocol, mute=1, mute_after=10)
    _use(resolver, upstream)
    assert _errors(_ask_all(resolver, 300, f"mute-{protocol}-")) == []
    # Two are usual for so many, and one in place of that which is lost.
    assert upstream.connections <= 4
    # What waits on it is asked once more, and who waited for a place not.
    assert upstream.counts.received <= 600


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_query_is_lost_with_one_upstream_that_is_silent_beside_one_that_answers(
    resolver: Resolver, serve: Serve, protocol: str
) -> None:
    _use(resolver, serve(protocol, mute=10_000), serve(protocol))
    assert _errors(_ask_all(resolver, 120, f"wholly-{protocol}-")) == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_name_that_nobody_answers_is_asked_a_few_times_and_takes_no_upstream_out_of_use(
    resolver: Resolver, serve: Serve, protocol: str
) -> None:
    """D1: what is lost and what is slow look the same from here."""
    upstream = serve(protocol)
    _use(resolver, upstream)
    connections = upstream.connections
    with ThreadPoolExecutor(3) as pool:
        kinds = [pool.submit(resolver.server.ask, "silent-x.example.org", "A")]
        kinds += [pool.submit(resolver.server.ask, "silent-x.example.org", "AAAA")]
        number = 0
        # Between those, the upstream is quiet.
        while wait(kinds, timeout=0.1).not_done:
            number += 1
            assert resolver.server.ask(f"live{number}-{protocol}.example.org").rcode == "NOERROR"
        assert [one.result().rcode for one in kinds] == ["SERVFAIL"] * 2
    # The first message of each, and two repetitions of it.
    assert upstream.times_asked("silent-x.example.org") <= 6
    assert upstream.connections - connections <= 2
    (shown,) = _status(resolver)["upstreams"]
    assert shown["is_healthy"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_upstream_that_is_slow_throughout_is_not_asked_twice(
    resolver: Resolver, serve: Serve, protocol: str
) -> None:
    upstream = serve(protocol, delay=0.8)
    _use(resolver, upstream)
    for part in range(2):
        assert _errors(_ask_all(resolver, 40, f"late{part}-{protocol}-")) == []
    asked = sum("late" in name for name in upstream.questions)
    assert asked <= 80 * 1.05


@pytest.mark.parametrize("protocol", ["doh", "dot"])
def test_a_query_outlives_handshakes_that_end_with_an_alert(
    resolver: Resolver, serve: Serve, protocol: str
) -> None:
    """D1: internal_error says that the server is in trouble, not that it never answers."""
    _use(resolver, serve(protocol, alerts=4))
    assert resolver.server.ask(f"alert-{protocol}.example.org").rcode == "NOERROR"


@pytest.mark.parametrize("reason", list(h2.errors.ErrorCodes), ids=lambda code: code.name)
def test_no_query_is_lost_when_streams_are_reset_whatever_the_code_says(
    resolver: Resolver, serve: Serve, reason: h2.errors.ErrorCodes
) -> None:
    """D1: RFC 9113 section 7."""
    _use(resolver, serve("doh", refuse_every=3, reason=reason))
    assert _errors(_ask_all(resolver, 30, f"reset{reason.value}-")) == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_query_is_lost_when_each_connection_brings_one_answer(
    resolver: Resolver, serve: Serve, protocol: str
) -> None:
    """D1: as servers do that know TCP from zone transfers only."""
    _use(resolver, serve(protocol, per_connection=1))
    assert _errors(_ask_all(resolver, 300, f"single-{protocol}")) == []
