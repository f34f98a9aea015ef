"""Traces: what an OTLP receiver gets of a query, over both hops."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.edns
import dns.message
import httpx2
import pytest

from keyhole.engine import catalogue
from tests.world.ask import option
from tests.world.certificates import Authority
from tests.world.hops import FORWARDER, RESOLVER, Client, Hops
from tests.world.no_tls import NO_TLS
from tests.world.otlp import OtlpReceiver, Span
from tests.world.ports import free_port
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream
from tests.world.waiting import PATIENCE, until

STAGES = [one["word"] for one in catalogue()["stages"]]
OPTION = 65_054
_HALF = 1 << 63


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """A receiver of traces."""
    with OtlpReceiver() as one:
        yield one


@pytest.fixture
def hops(make_resolver: Callable[[], Resolver], upstream: Upstream, tmp_path: Path) -> Hops:
    """A resolver and a forwarder, not started."""
    return Hops(make_resolver, upstream, tmp_path)


def _one(receiver: OtlpReceiver, service: str, name: str) -> Span:
    """The span of the only query for a name there."""

    def look() -> list[Span]:
        return receiver.queries(service, dns_question_name=name)

    found = until(look, f"{service} has a trace of {name}")
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("protocol", "version"), [("dot", 1), ("doh", 2)])
def test_one_trace_has_the_client_both_hops_and_ten_stages_of_each(
    hops: Hops, receiver: OtlpReceiver, protocol: str, version: int
) -> None:
    if protocol == "doh":
        hops.over_doh()
    hops.start(receiver.url)
    client = Client(flags="01")
    assert hops.ask("both.example.org", client, version=version).rcode == "NOERROR"
    here = _one(receiver, RESOLVER, "both.example.org")
    there = _one(receiver, FORWARDER, "both.example.org")
    assert (here.trace, here.parent) == (client.trace, client.span)
    assert there.trace == client.trace
    for hop in (here, there):
        below = receiver.below(hop)
        assert list(below) == STAGES
        spans = [below[stage][0] for stage in STAGES]
        # A stage begins where the one before it ends, and all of them are the whole query.
        joints = [one.ended for one in spans[:-1]]
        assert joints == [one.began for one in spans[1:]]
        assert (spans[0].began, spans[-1].ended) == (hop.began, hop.ended)
    (exchange,) = receiver.below(receiver.below(here)["fetch"][0])["DNS A"]
    assert exchange.kind == "client"
    assert there.parent == exchange.id
    assert exchange.attributes["keyhole.upstream"] == "forwarder"
    (last,) = receiver.below(receiver.below(there)["fetch"][0])["DNS A"]
    assert last.attributes["server.address"] == "upstream.example.org"
    assert here.name == "DNS A"
    assert here.attributes == {
        "network.protocol.name": "dns",
        "network.transport": "tcp",
        "dns.question.name": "both.example.org",
        "client.address": "127.0.0.1",
        "keyhole.transport": "doh",
        "keyhole.question.type": "A",
        "keyhole.policy": "home",
        "keyhole.outcome": "answered",
        "keyhole.reason": "forwarded",
        "keyhole.stage": "fetch",
        "keyhole.snapshot": here.attributes["keyhole.snapshot"],
        "keyhole.trace.why": "sampled",
    }
    assert there.attributes["keyhole.client.identity"] == hops.id
    # A question from the cache asks nobody.
    again = Client(flags="01")
    hops.ask("both.example.org", again)
    found = until(
        lambda: receiver.queries(RESOLVER, keyhole_reason="cached"), "the cached one is traced"
    )
    assert (found[0].trace, set(receiver.below(found[0]))) == (again.trace, set(STAGES))


@pytest.mark.parametrize("protocol", ["dot", "doh"])
def test_nothing_of_a_trace_leaves_the_forwarder(
    make_resolver: Callable[[], Resolver],
    authority: Authority,
    receiver: OtlpReceiver,
    tmp_path: Path,
    protocol: str,
) -> None:
    certificate = authority.issue("upstream.example.org", "127.0.0.1")
    with Upstream(certificate, protocol=protocol) as upstream:
        hops = Hops(make_resolver, upstream, tmp_path)
        if protocol == "doh":
            there = hops.forwarder.upstream(upstream.port, protocol="doh", path="/dns-query")
            hops.forwarder.write(there)
        hops.start(receiver.url)
        client = Client(flags="01")
        hops.ask("kept.example.org", client)
        assert _one(receiver, FORWARDER, "kept.example.org").trace == client.trace
        sent = [dns.message.from_wire(one) for one in upstream.messages]
        assert {int(one.otype) for message in sent for one in message.options} == {
            int(dns.edns.OptionType.PADDING)
        }
        assert not any("traceparent" in names for names in upstream.headers)
        for message in upstream.messages:
            assert bytes.fromhex(client.trace) not in message


def test_only_a_named_resolver_is_believed(hops: Hops, receiver: OtlpReceiver) -> None:
    hops.start(receiver.url)
    forged = bytes.fromhex(Client().trace + "00f067aa0ba902b7" + "01")
    query = dns.message.make_query(
        "forged.example.org", "A", use_edns=0, options=[option(OPTION, forged)]
    )
    # Over TLS, but without a certificate.
    assert hops.forwarder.server.ask("", "", "dot", query).rcode == "NOERROR"
    # The resolver does not pass on what its client says there, nor does it take it for a trace.
    query = dns.message.make_query(
        "passed.example.org", "A", use_edns=0, options=[option(OPTION, forged)]
    )
    hops.resolver.server.ask("", "", "dot", query)
    there = _one(receiver, FORWARDER, "passed.example.org")
    assert there.trace == _one(receiver, RESOLVER, "passed.example.org").trace
    assert there.trace != forged[:16].hex()
    # Its trace would have come before that one.
    assert not receiver.queries(FORWARDER, dns_question_name="forged.example.org")


def test_the_share_decides_by_trace_id_and_not_by_the_word_of_a_client(
    hops: Hops, receiver: OtlpReceiver
) -> None:
    hops.start(receiver.url, share="50%")
    inside = [Client(lot=lot, flags="00") for lot in (0, 1, _HALF - 1)]
    outside = [Client(lot=lot, flags="01") for lot in (_HALF, _HALF + 1, 2 * _HALF - 1)]
    for number, client in enumerate([*outside, *inside]):
        hops.ask(f"lot-{number}.example.org", client)
    wanted = {one.trace for one in inside}

    def taken(service: str) -> set[str]:
        return {one.trace for one in receiver.queries(service)}

    until(lambda: wanted <= taken(RESOLVER), "those inside of the share are traced")
    until(lambda: wanted <= taken(FORWARDER), "and so they are behind it")
    for service in (RESOLVER, FORWARDER):
        assert not taken(service) & {one.trace for one in outside}
    # Those without a client's trace get ids that agree with the decision.
    for number in range(40):
        hops.resolver.server.ask(f"own-{number}.example.org")
    hops.ask("last.example.org", Client(lot=0))
    _one(receiver, RESOLVER, "last.example.org")
    chosen = receiver.queries(RESOLVER, keyhole_trace_why="sampled")
    assert all(int(one.trace[16:], 16) < _HALF for one in chosen)
    names = {str(one.attributes["dns.question.name"]) for one in chosen}
    assert 0 < sum(name.startswith("own-") for name in names) < 40


def test_slow_refused_and_failed_queries_are_traced_whatever_the_share(
    resolver: Resolver, upstream: Upstream, receiver: OtlpReceiver
) -> None:
    resolver.configure(traces={"endpoint": receiver.url, "share": "0%", "slow": "1m"})
    server = resolver.start().server
    assert server.ask("servfail-one.example.org").rcode == "SERVFAIL"
    assert server.ask("refused.example.org", "AXFR", "tcp").rcode == "REFUSED"
    assert server.ask("quick.example.org").rcode == "NOERROR"
    assert server.ask("silent-one.example.org").rcode == "SERVFAIL"
    found = until(
        lambda: receiver.queries(dns_question_name="silent-one.example.org"), "it is traced"
    )
    assert found[0].has_failed
    assert found[0].attributes["error.type"] == "upstream_timeout"
    assert found[0].attributes["keyhole.trace.why"] == "failed"
    (refused,) = receiver.queries(keyhole_trace_why="refused")
    assert refused.attributes["dns.question.name"] == "refused.example.org"
    assert refused.attributes["error.type"] == "type_not_served"
    assert not receiver.queries(dns_question_name="quick.example.org")
    exchanges = [one for one in receiver.spans() if one.kind == "client"]
    assert {one.trace for one in exchanges} >= {found[0].trace}


def test_a_slow_answer_is_traced_on_its_way_through_the_upstream(
    resolver: Resolver, upstream: Upstream, receiver: OtlpReceiver
) -> None:
    resolver.configure(traces={"endpoint": receiver.url, "share": "0%", "slow": "1ms"})
    server = resolver.start().server
    asked = subprocess.Popen(
        ["dig", "@127.0.0.1", "-p", str(server.udp), "slow-one.example.org"],
        stdout=subprocess.DEVNULL,
    )
    until(lambda: upstream.times_asked("slow-one.example.org"), "it waits")
    upstream.release()
    assert asked.wait(PATIENCE) == 0
    (slow,) = until(
        lambda: receiver.queries(dns_question_name="slow-one.example.org"), "it is traced"
    )
    assert slow.attributes["keyhole.trace.why"] == "slow"
    # What was not chosen when it arrived is timed from its wait on.
    assert list(receiver.below(slow)) == ["fetch", "vet", "reply", "record"]


def test_a_policy_decides_what_a_trace_says(hops: Hops, receiver: OtlpReceiver) -> None:
    policies = {
        level: document(
            "Policy", level, subjects=[f"cidr:{network}"], default="allow", log=level,
            upstreams=["forwarder"],
        )
        for level, network in (("anonymous", "127.0.0.2/32"), ("none", "127.0.0.3/32"))
    }  # fmt: skip
    hops.resolver.write(*policies.values())
    hops.start(receiver.url)
    port = hops.resolver.server.udp
    for address, name in (("127.0.0.3", "none"), ("127.0.0.2", "anonymous")):
        command = ["dig", "-b", address, "@127.0.0.1", "-p", str(port), f"{name}.example.org"]
        assert "NOERROR" in subprocess.run(command, capture_output=True, text=True).stdout
    hops.ask("full.example.org")
    _one(receiver, RESOLVER, "full.example.org")
    _one(receiver, FORWARDER, "full.example.org")
    (anonymous,) = receiver.queries(RESOLVER, keyhole_policy="anonymous")
    assert {"dns.question.name", "client.address"} & anonymous.attributes.keys() == set()
    assert not receiver.queries(RESOLVER, keyhole_policy="none")
    # Nothing behind them says more: the forwarder is not told of their traces.
    for span in receiver.spans():
        said = " ".join(map(str, span.attributes.values()))
        assert "anonymous.example.org" not in said
        assert "none.example.org" not in said
        assert "127.0.0.2" not in said


def _status(resolver: Resolver) -> dict[str, Any]:
    found: dict[str, Any] = resolver.api("GET", "/status").json()["traces"]
    return found


def test_a_receiver_that_is_down_costs_traces_and_nothing_else(
    resolver: Resolver, upstream: Upstream
) -> None:
    port = free_port()
    health = free_port()
    resolver.configure(
        traces={"endpoint": f"http://127.0.0.1:{port}", "share": "100%"},
        health={"engine": [f"127.0.0.1:{health}"], "control": []},
    )
    server = resolver.start().server
    for number in range(5):
        assert server.ask(f"down-{number}.example.org").rcode == "NOERROR"
    resolver.wait_for(lambda: _status(resolver)["lost"] >= 1, "lost traces are counted")
    down = _status(resolver)
    assert (down["is_working"], down["last_error"]) == (False, "connection refused")
    said = call_keyhole("status", "--data", str(resolver.folder)).stdout
    assert f"traces are not taken by http://127.0.0.1:{port}/v1/traces: connection refused" in (
        " ".join(said.split())
    )

    def metrics() -> str:
        return httpx2.get(f"http://127.0.0.1:{health}/metrics", trust_env=False, verify=NO_TLS).text

    assert "keyhole_trace_receiver_working 0.0" in metrics()
    with OtlpReceiver(port) as receiver:
        server.ask("back.example.org")
        until(lambda: receiver.queries(dns_question_name="back.example.org"), "it is sent again")
        resolver.wait_for(lambda: _status(resolver)["is_working"], "status says so")
        page = httpx2.get(
            f"http://127.0.0.1:{health}/metrics",
            headers={"accept": "application/openmetrics-text; version=1.0.0"},
            trust_env=False,
            verify=NO_TLS,
        ).text
    back = receiver.queries(dns_question_name="back.example.org")[0]
    assert "keyhole_trace_receiver_working 1.0" in metrics()
    # The histograms name the trace of a query that was counted in them.
    waits = [one for one in page.splitlines() if one.startswith("keyhole_query_wait_seconds_buc")]
    assert any(f'# {{trace_id="{back.trace}"}}' in line for line in waits)
    trips = [one for one in page.splitlines() if one.startswith("keyhole_upstream_round_trip_se")]
    assert any(f'# {{trace_id="{back.trace}"}}' in line for line in trips)


@pytest.mark.parametrize(
    ("status", "rejects", "why"),
    [
        (401, 0, "it answers 401 Unauthorized"),
        (302, 0, "it answers 302, a redirection"),
        (200, 3, "it rejected 3 of"),
    ],
)
def test_what_a_receiver_does_not_take_is_lost_and_says_why(
    resolver: Resolver,
    upstream: Upstream,
    receiver: OtlpReceiver,
    status: int,
    rejects: int,
    why: str,
) -> None:
    receiver.status, receiver.rejects = status, rejects
    resolver.configure(traces={"endpoint": receiver.url, "share": "100%"})
    resolver.start().server.ask("untaken.example.org")
    resolver.wait_for(lambda: _status(resolver)["lost"] >= 1, "it is counted")
    assert why in _status(resolver)["last_error"]


def test_headers_come_from_secrets_and_a_new_secret_needs_no_restart(
    resolver: Resolver, upstream: Upstream, receiver: OtlpReceiver
) -> None:
    headers = {"authorization": "collector"}
    resolver.configure(traces={"endpoint": receiver.url, "share": "100%", "headers": headers})
    server = resolver.start().server
    server.ask("early.example.org")
    resolver.wait_for(lambda: _status(resolver)["lost"] >= 1, "it is not sent without the secret")
    secret = resolver.folder / "secrets" / "collector" / "value"
    assert f"cannot read {secret}: No such file or directory" in _status(resolver)["last_error"]
    secret.parent.mkdir(parents=True)
    secret.write_text("Bearer 0123\n")
    server.ask("secret.example.org")
    until(lambda: receiver.queries(dns_question_name="secret.example.org"), "it is sent")
    assert receiver.headers[-1]["authorization"] == "Bearer 0123"


def test_no_more_traces_are_sent_than_the_rate_allows(
    resolver: Resolver, upstream: Upstream, receiver: OtlpReceiver
) -> None:
    resolver.configure(traces={"endpoint": receiver.url, "share": "100%", "rate": 4})
    server = resolver.start().server
    for _ in range(1_000):
        server.ask("often.example.org")
    assert _status(resolver)["limited"] > 0
    assert len(receiver.queries()) < 500
