"""Section D, upstreams: whatever an upstream does within its protocol, no query is lost."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest

from tests.world.ask import Reply, Transport
from tests.world.certificates import Authority
from tests.world.misbehaving import Limits, Misbehaving
from tests.world.odd_zone import OddZone
from tests.world.resolver import Resolver, document
from tests.world.waiting import until
from tests.world.zone import ADDRESS, Zone

PROTOCOLS = ("doh", "dot", "tcp")
_PATIENT = {"hedge": "9s", "timeout": "20s"}
"""Where messages are counted, or each is to end its try: no second one because of the time that a
loaded machine takes."""


@pytest.fixture(scope="module", params=["resolver", "forwarder"])
def resolver(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[Resolver]:
    """A resolver or forwarder that each test gives its own upstreams."""
    one = Resolver(tmp_path_factory.mktemp("upstreams") / "data", authority)
    one.configure(role=request.param)
    try:
        yield one
    finally:
        one.stop()


Serve = Callable[..., Misbehaving]


@pytest.fixture
def serve(authority: Authority) -> Iterator[Serve]:
    """Starts upstreams, which end with the test."""
    running: list[Misbehaving] = []

    def start(protocol: str, zone: Zone | None = None, **limits: Any) -> Misbehaving:
        pair = authority.issue("upstream.example.org", "127.0.0.1")
        one = Misbehaving(pair, Limits(**limits), protocol=protocol, zone=zone or OddZone())
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
        name, port = f"test{number}", upstream.port
        match upstream.protocol:
            case "tcp":
                spec = {
                    "protocol": "tcp",
                    "addresses": [f"127.0.0.1:{port}"],
                    "insecure": "mesh",
                }
                documents.append(document("Upstream", name, **spec))
            case protocol:
                documents.append(resolver.upstream(port, name, protocol=protocol))
    use = {"names": [one["metadata"]["name"] for one in documents], **times}
    resolver.reset(*documents, document("Policy", "home", default="allow", upstreams=use))


def _query(name: str) -> dns.message.Message:
    return dns.message.make_query(name, "A", use_edns=0, payload=1232)


def _ask_all(resolver: Resolver, count: int, mark: str) -> list[Reply]:
    """Asks for so many names at once."""
    with ThreadPoolExecutor(count) as pool:
        names = [f"{mark}{number}.example.org" for number in range(count)]
        return list(pool.map(lambda name: resolver.server.ask(name, transport="udp"), names))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_query_is_lost_when_connections_end_after_ten_answers(
    resolver: Resolver, serve: Serve, protocol: str
) -> None:
    upstream = serve(protocol, per_connection=10)
    _use(resolver, upstream)
    replies = _ask_all(resolver, 300, protocol)
    assert [reply.errors for reply in replies if reply.rcode != "NOERROR"] == []
    assert upstream.connections >= 30


def test_no_query_is_lost_when_streams_are_refused(resolver: Resolver, serve: Serve) -> None:
    upstream = serve("doh", refuse_every=3)
    _use(resolver, upstream)
    connections = upstream.connections
    replies = _ask_all(resolver, 100, "refused")
    assert [reply.errors for reply in replies if reply.rcode != "NOERROR"] == []
    assert upstream.counts.refused >= 30
    assert upstream.connections <= connections + 2, "a refused stream does not end a connection"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_query_outlives_connections_that_end_before_an_answer(
    resolver: Resolver, serve: Serve, protocol: str
) -> None:
    """D1: an upstream that restarts ends more of them than a query has tries."""
    for limits in ({"closed": 2}, {"closed": 5}, {"unready": 5}):
        upstream = serve(protocol, **limits)
        _use(resolver, upstream, **_PATIENT)
        name = f"{'-'.join(limits)}{sum(limits.values())}-{protocol}.example.org"
        assert resolver.server.ask(name).rcode == "NOERROR", limits
        assert upstream.times_asked(name) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 503])
@pytest.mark.parametrize("wait", ["", "0", "soon", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_no_query_is_lost_when_an_upstream_has_no_time_for_some(
    resolver: Resolver, serve: Serve, status: int, wait: str
) -> None:
    """D1: RFC 9110 section 15, RFC 6585 section 4: what was not processed may be sent again."""
    upstream = serve("doh", refuse_every=3, status=status, retry_after=wait)
    _use(resolver, upstream)
    replies = _ask_all(resolver, 30, f"busy{status}")
    assert [reply.errors for reply in replies if reply.rcode != "NOERROR"] == []
    assert upstream.counts.refused >= 10


@pytest.mark.parametrize("status", [421, 429, 500, 502, 503, 504])
def test_an_upstream_that_has_no_time_is_left_alone_and_another_one_asked(
    resolver: Resolver, serve: Serve, status: int
) -> None:
    """D1: RFC 9110 section 10.2.3."""
    busy = serve("doh", refused=-1, status=status, retry_after="20")
    _use(resolver, busy, **_PATIENT)
    reply = resolver.server.ask(f"alone{status}.example.org", is_proved=True)
    assert (reply.rcode, reply.errors) == ("SERVFAIL", [(22, "upstream_unreachable")])
    received = busy.counts.received
    # Keyhole asks it too whether it is back, at times of its own.
    assert busy.refused_names.count(f"alone{status}.example.org.") <= 3
    _use(resolver, busy, serve("dot"))
    for number in range(20):
        assert resolver.server.ask(f"two{status}-{number}.example.org").rcode == "NOERROR"
    if status in (429, 503):
        assert busy.counts.received == received == 1, "it asked for 20 seconds"


@pytest.mark.parametrize("status", [0, 421, 500, 502])
def test_repetitions_at_one_upstream_take_nothing_from_another_one_that_still_connects(
    resolver: Resolver, serve: Serve, status: int
) -> None:
    """D1: 0 is a DoT server that ends each connection without an answer."""
    begins = threading.Event()
    limits = {"refused": -1, "status": status} if status else {"closed": 1_000}
    failing = serve("doh" if status else "dot", **limits)
    _use(resolver, failing, serve("dot", begins=begins))
    before = failing.counts.received
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(resolver.server.ask, f"slow{status}.example.org")
        until(lambda: failing.counts.received >= before + 3, "all messages are spent")
        begins.set()
        assert asked.result().rcode == "NOERROR"


def test_a_server_that_refuses_for_ever_is_not_asked_without_end(
    resolver: Resolver, serve: Serve
) -> None:
    refusing = serve("doh", refused=-1)
    _use(resolver, refusing)
    reply = resolver.server.ask("alone.example.org", is_proved=True)
    assert (reply.rcode, reply.errors) == ("SERVFAIL", [(22, "upstream_unreachable")])
    assert refusing.counts.received < 60
    _use(resolver, refusing, serve("dot"))
    assert resolver.server.ask("other.example.org").rcode == "NOERROR"


ODD = ("trailing", "emptyede", "chain17", "chain100")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_odd_answer_whose_message_is_whole_is_taken(
    resolver: Resolver, serve: Serve, protocol: str
) -> None:
    _use(resolver, serve(protocol))
    for word in ODD:
        reply = resolver.server.ask(f"{word}-{protocol}.example.org", transport="tcp")
        assert (word, reply.rcode, reply.addresses) == (word, "NOERROR", [ADDRESS])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("word", ["cut", "broken", "referral"])
def test_an_answer_that_cannot_be_accepted_ends_its_try_at_once(
    resolver: Resolver, serve: Serve, protocol: str, word: str
) -> None:
    bad = serve(protocol)
    _use(resolver, bad, **_PATIENT)
    reply = resolver.server.ask(f"{word}-alone-{protocol}.example.org")
    assert (reply.rcode, reply.errors) == ("SERVFAIL", [(23, "upstream_invalid")])
    good = serve("dot", zone=Zone())
    _use(resolver, bad, good, **_PATIENT)
    name = f"{word}-two-{protocol}.example.org"
    assert resolver.server.ask(name).addresses == [ADDRESS]
    assert good.times_asked(name) == 1


REFUSED, SERVFAIL = dns.rcode.REFUSED, dns.rcode.SERVFAIL


@pytest.mark.parametrize("codes", [[REFUSED, SERVFAIL], [SERVFAIL, REFUSED], [REFUSED] * 4])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_upstream_is_asked_until_one_can_answer(
    resolver: Resolver, serve: Serve, protocol: str, codes: list[dns.rcode.Rcode]
) -> None:
    failing = [serve(protocol, zone=OddZone(code=code)) for code in codes]
    _use(resolver, *failing, serve(protocol))
    reply = resolver.server.ask(f"last-{protocol}-{len(codes)}-{codes[0]}.example.org")
    assert (reply.rcode, reply.addresses) == ("NOERROR", [ADDRESS])


def test_the_best_answer_serves_when_no_upstream_can_resolve_the_name(
    resolver: Resolver, serve: Serve
) -> None:
    refusing, failing = (serve("dot", zone=OddZone(code=code)) for code in (REFUSED, SERVFAIL))
    _use(resolver, refusing, failing)
    assert resolver.server.ask("best.example.org").rcode == "SERVFAIL"
    closed = serve("dot")
    closed.stop()
    _use(resolver, refusing, closed)
    assert resolver.server.ask("only.example.org").rcode == "REFUSED"


def test_an_upstream_that_refuses_everything_is_set_aside_and_shown(
    resolver: Resolver, serve: Serve
) -> None:
    refusing, good = serve("doh", zone=OddZone(code=REFUSED)), serve("dot")
    _use(resolver, refusing, good)
    for number in range(60):
        assert resolver.server.ask(f"aside{number}.example.org").rcode == "NOERROR"
    assert refusing.counts.received < 40

    def upstreams() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = resolver.api("GET", "/status").json()["upstreams"]
        return found

    # Those of the documents before are there until their last query ends.
    resolver.wait_for(lambda: len(upstreams()) == 2, "only these are left")
    [one, other] = upstreams()
    assert (one["is_healthy"], other["is_healthy"]) == (False, True)
    assert one["refused"] == one["answered"] >= 5
    assert "upstream test0 is asked after the others" in resolver.command("status").stdout


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_client_that_checks_itself_gets_what_a_check_withholds_and_nobody_else(
    resolver: Resolver, serve: Serve, protocol: str
) -> None:
    _use(resolver, serve(protocol))
    for number, first in enumerate((True, False)):
        for checks in (first, not first, first):
            query = _query(f"bogus-{protocol}{number}.example.org")
            query.flags |= dns.flags.CD if checks else 0
            reply = resolver.server.ask("", query=query)
            assert reply.addresses == ([ADDRESS] if checks else [])
            assert reply.rcode == ("NOERROR" if checks else "SERVFAIL")


def test_without_recursion_cache_and_records_answer_and_nobody_is_asked(
    resolver: Resolver, serve: Serve
) -> None:
    upstream = serve("dot")
    _use(resolver, upstream, **_PATIENT)

    def ask(name: str) -> Reply:
        query = _query(name)
        query.flags &= ~dns.flags.RD
        return resolver.server.ask("", transport="tcp", query=query)

    reply = ask("unknown.example.org")
    assert (reply.rcode, reply.errors) == ("REFUSED", [(20, "recursion_not_desired")])
    assert upstream.times_asked("unknown.example.org") == 0
    assert resolver.server.ask("unknown.example.org").rcode == "NOERROR"
    assert ask("unknown.example.org").addresses == [ADDRESS]
    assert ask("probe.example.org").rcode == "NOERROR"
    assert upstream.times_asked("unknown.example.org") == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_upstream_that_cannot_read_edns_is_asked_once_without_it(
    resolver: Resolver, serve: Serve, protocol: str
) -> None:
    upstream = serve(protocol)
    _use(resolver, upstream, **_PATIENT)
    name = f"formerr-{protocol}.example.org"
    assert resolver.server.ask(name).addresses == [ADDRESS]
    assert upstream.times_asked(name) == 2
    never = f"never-{protocol}.example.org"
    reply = resolver.server.ask(never)
    assert (reply.rcode, reply.errors) == ("SERVFAIL", [(23, "upstream_invalid")])
    assert upstream.times_asked(never) == 2


@pytest.mark.parametrize("code", [7, 8, 9, 10, 11, 12, 15])
def test_a_code_that_is_none_for_a_query_does_not_reach_the_client(
    resolver: Resolver, serve: Serve, code: int
) -> None:
    """D9: such as those of updates; another upstream is asked."""
    odd = serve("dot", zone=OddZone(code=dns.rcode.Rcode(code)))
    _use(resolver, odd)
    reply = resolver.server.ask(f"code{code}.example.org")
    assert (reply.rcode, reply.errors) == ("SERVFAIL", [(23, "upstream_invalid")])
    _use(resolver, odd, serve("dot"))
    assert resolver.server.ask(f"two{code}.example.org").addresses == [ADDRESS]


@pytest.mark.parametrize("inside", PROTOCOLS)
@pytest.mark.parametrize("outside", ["tcp", "dot", "doh"])
def test_the_largest_answers_are_whole_on_every_stream(
    resolver: Resolver, serve: Serve, inside: str, outside: Transport
) -> None:
    _use(resolver, serve(inside))
    for octets in (64_000, 65_200, 65_524, 65_525, 65_535):
        for edns in (-1, 0):
            name = f"size{octets}-{inside}-{outside}{edns + 1}.example.org"
            query = dns.message.make_query(name, "TXT", use_edns=edns)
            reply = resolver.server.ask("", "", outside, query)
            assert (name, reply.rcode, reply.errors) == (name, "NOERROR", [])
            assert not reply.message.flags & dns.flags.TC
            [found] = reply.message.answer
            [sent] = OddZone().replies(f"size{octets}", query)
            assert len(found) == len(dns.message.from_wire(sent).answer[0])
