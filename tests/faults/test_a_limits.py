"""Section A, limits: what one of them does takes nothing from the others (A8, A9, A11, E6)."""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.world import own_authority
from tests.world.ask import option
from tests.world.callers import NOBODY, Caller
from tests.world.certificates import Authority
from tests.world.crowd import Crowd
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream
from tests.world.waiting import PATIENCE, until

GREEDY, OTHER = "127.0.0.2", "127.0.0.3"
WEB = "spiffe://example.org/ns/shop/sa/web"
API = "spiffe://example.org/ns/shop/sa/api"
_TRUST: dict[str, dict[str, Any]] = {
    "mesh": {"peers": ["127.0.0.0/8"], "trust_domains": ["example.org"]},
    "authentication": {"doh_cleartext": "permissive"},
}


def _slow(count: int, word: str = "n") -> list[str]:
    return [f"slow-{word}{number}.example.org" for number in range(count)]


def _quick(count: int, word: str) -> list[str]:
    return [f"{word}{number}.example.org" for number in range(count)]


def _rows(resolver: Resolver, **fields: Any) -> list[dict[str, Any]]:
    """The rows of the query log with these fields."""
    path = resolver.folder / "log" / "queries.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    return [row for row in rows if fields.items() <= row.items()]


def _counter(resolver: Resolver, word: str) -> int:
    counters = resolver.api("GET", "/status").json()["counters"]
    return int(counters[word]) if counters else -1


def _load(resolver: Resolver, word: str) -> int:
    load = resolver.api("GET", "/status").json()["load"]
    return int(load[word]) if load else -1


@pytest.fixture
def crowd(resolver: Resolver) -> Iterator[Callable[..., Crowd]]:
    made: list[Crowd] = []

    def make(way: str, source: str, caller: Caller = NOBODY, said: str = "") -> Crowd:
        made.append(Crowd(resolver.server, way, source, caller, said))
        return made[-1]

    yield make
    for one in made:
        one.close()


_PATIENT = {"names": ["test"], "hedge": "10s", "timeout": "29s"}


def _policy(name: str, *subjects: str) -> dict[str, Any]:
    """A policy that allows everything and waits for slow names."""
    spec = {"subjects": list(subjects)} if subjects else {}
    return document("Policy", name, default="allow", upstreams=_PATIENT, **spec)


def _configure(
    resolver: Resolver, settings: Mapping[str, Any] = MappingProxyType({}), **limits: Any
) -> None:
    resolver.write(_policy("home"))
    resolver.configure(
        listen=resolver.listen("mesh", "doh_cleartext"),
        limits={"query_time": "30s", **limits},
        **{**_TRUST, **settings},
    )


def _port(resolver: Resolver, way: str) -> int:
    server = resolver.server
    return {"tcp": server.tcp, "dot": server.dot, "doh2": server.doh, "mesh": server.mesh}[way]


def _has(one: Crowd, count: int, word: str = "answered") -> bool:
    return one.count(word) == count


def _closed(resolver: Resolver, word: str) -> int:
    closed = resolver.api("GET", "/status").json()["closed_connections"] or {}
    return int(closed.get(word, 0))


@pytest.mark.parametrize("way", ["udp", "tcp", "dot", "doh2", "cleartext2"])
def test_a_client_with_slow_names_takes_nothing_from_another(
    resolver: Resolver, crowd: Callable[..., Crowd], way: str
) -> None:
    """A9: the others are answered, and who is over the share is told so."""
    _configure(resolver)
    resolver.start()
    greedy, other = crowd(way, GREEDY), crowd(way, OTHER)
    greedy.ask(_slow(2500))
    until(lambda: greedy.count("overloaded") >= 1500, "what is over the share is refused")
    assert set(greedy.words()) == {"overloaded"}
    other.ask(_quick(50, "other"))
    until(lambda: other.count("answered") == 50, "the others are answered")
    rows = until(lambda: _rows(resolver, client=GREEDY), "the log has its rows")
    assert {row["reason"] for row in rows} <= {"overloaded", "special_use"}
    assert _counter(resolver, "over_network_share") >= 1500


def test_what_is_sent_in_the_name_of_a_client_does_not_use_up_its_share(
    resolver: Resolver, crowd: Callable[..., Crowd]
) -> None:
    """A9: over UDP anybody may write the address of another. Who proves it by a cookie or over TCP
    is served, and everybody else is told to come over TCP."""
    _configure(resolver, waiting_per_network=100)
    resolver.start()
    before = _cookie(resolver)
    forged = crowd("udp", GREEDY)
    forged.ask(_slow(300))
    until(lambda: forged.count("overloaded") == 200, "the share of forged queries is used up")
    refused = dns.message.make_query("plain.example.org", "A")
    told = dns.query.udp(refused, "127.0.0.1", 10, resolver.server.udp, source=GREEDY)
    assert told.rcode() == dns.rcode.NOERROR
    assert told.flags & dns.flags.TC
    client = crowd("tcp", GREEDY)
    client.ask(_quick(20, "proved"))
    until(lambda: client.count("answered") == 20, "the client is served over TCP")
    shown = dns.message.make_query("shown.example.org", "A", use_edns=0, options=[before])
    answer = dns.query.udp(shown, "127.0.0.1", 10, resolver.server.udp, source=GREEDY)
    assert answer.answer


def test_many_forged_addresses_leave_room_for_who_proves_one(
    resolver: Resolver, crowd: Callable[..., Crowd]
) -> None:
    """A9: all addresses that are not proved have three quarters together."""
    _configure(resolver, waiting=100, waiting_per_network=10)
    resolver.start()
    for last in range(10, 30):
        crowd("udp", f"127.0.0.{last}").ask(_slow(10, f"from{last}-"))
    until(lambda: _load(resolver, "waiting") == 75, "no more of them wait")
    other = crowd("tcp", OTHER)
    other.ask(_quick(10, "other"))
    until(lambda: other.count("answered") == 10, "who proves an address is served")


def _cookie(resolver: Resolver) -> dns.edns.CookieOption:
    """The cookie with which the greedy client shows that it has its address."""
    asked = dns.edns.CookieOption(b"whoever!", b"")
    query = dns.message.make_query("localhost", "A", use_edns=0, options=[asked])
    answer = dns.query.udp(query, "127.0.0.1", 10, resolver.server.udp, source=GREEDY)
    (given,) = (one for one in answer.options if isinstance(one, dns.edns.CookieOption))
    return given


@pytest.mark.parametrize("protocol", ["dot", "doh"])
def test_the_places_at_an_upstream_are_shared_too(
    resolver: Resolver, crowd: Callable[..., Crowd], authority: Authority, protocol: str
) -> None:
    """A9: an upstream over HTTP/2 admits far fewer than one client may have waiting."""
    pair = authority.issue("upstream.example.org", "127.0.0.1")
    with Upstream(pair, protocol=protocol) as upstream:
        _configure(resolver, waiting_per_network=5000)
        resolver.write(resolver.upstream(upstream.port, protocol=protocol))
        resolver.start()
        greedy, other = crowd("tcp", GREEDY), crowd("tcp", OTHER)
        # The last name waits for its turn behind all the others of the same client.
        greedy.ask([*_slow(2500), "wanted.example.org"])
        until(lambda: _load(resolver, "waiting") >= 2000, "the queries wait")
        other.ask(["wanted.example.org", *_quick(20, "other")])
        until(lambda: other.count("answered") == 21, "the others are answered")
        # A burst of one client alone is not refused: it waits for its turn.
        assert greedy.count("overloaded") == 0
        upstream.release()
        until(lambda: greedy.count("answered") == 2501, "everything is answered in the end")


def test_queries_that_join_one_that_is_under_way_count_too(
    resolver: Resolver, crowd: Callable[..., Crowd], upstream: Upstream
) -> None:
    """A9: for the client that asks, and not for the one that asked first."""
    _configure(resolver, waiting_per_network=10)
    resolver.start()
    greedy, other = crowd("tcp", GREEDY), crowd("udp", OTHER)
    greedy.ask(["slow-same.example.org"] * 50)
    until(lambda: greedy.count("overloaded") == 40, "ten wait")
    other.ask(["slow-same.example.org"] * 10)
    until(lambda: _load(resolver, "waiting") == 20, "ten of the other wait beside them")
    assert upstream.times_asked("slow-same.example.org") == 1
    upstream.release()
    until(lambda: other.count("answered") == 10, "all of the other are answered")
    until(lambda: greedy.count("answered") == 10, "those that waited are answered")


def test_what_a_client_left_behind_still_counts(
    resolver: Resolver, crowd: Callable[..., Crowd], upstream: Upstream
) -> None:
    """A9: a client that asks, leaves and comes back has no more under way than one that stays."""
    _configure(resolver, waiting_per_network=10)
    resolver.start()
    for round_ in range(5):
        leaves = crowd("tcp", GREEDY)
        leaves.ask(_slow(10, f"round{round_}-"))
        if round_ == 0:
            until(lambda: _load(resolver, "waiting") == 10, "the queries wait")
        else:
            until(partial(_has, leaves, 10, "overloaded"), "the queries are refused")
        leaves.close()
        until(lambda: _load(resolver, "waiting") == 0, "nobody waits any more")
    assert _load(resolver, "under_way") == 10
    other = crowd("udp", OTHER)
    other.ask(_quick(10, "other"))
    until(lambda: other.count("answered") == 10, "the others are answered")


@pytest.mark.parametrize("way", ["dot", "doh2", "cleartext2"])
def test_a_token_has_a_share_wherever_it_is_used(
    resolver: Resolver, crowd: Callable[..., Crowd], way: str
) -> None:
    """A9: by identity, from many addresses; another token of the same address has its own."""
    _configure(resolver, waiting_per_identity=6)
    resolver.start()
    tokens = [Caller(token=own_authority.create_token(resolver, name)) for name in ("tv", "phone")]
    resolver.write(_policy("tokens", "token:tv", "token:phone"))
    resolver.settle()
    first = crowd(way, GREEDY, tokens[0])
    first.ask(_slow(4))
    until(lambda: _load(resolver, "waiting") == 4, "four wait")
    second = crowd(way, OTHER, tokens[0])
    second.ask(_slow(4, "more"))
    until(lambda: second.count("overloaded") == 2, "two are over the share of the token")
    other = crowd(way, GREEDY, tokens[1])
    other.ask(_quick(6, "phone"))
    until(lambda: other.count("answered") == 6, "another token is served")
    assert _counter(resolver, "over_identity_share") == 2


@pytest.mark.parametrize("way", ["mesh", "cleartext2"])
def test_an_identity_that_a_sidecar_names_has_a_share(
    resolver: Resolver, crowd: Callable[..., Crowd], way: str
) -> None:
    """A9: the sidecar's own address says nothing of its clients."""
    _configure(resolver, waiting_per_identity=6, waiting_per_network=8)
    resolver.write(_policy("mesh", WEB, API))
    resolver.start()
    web = crowd(way, "127.0.0.1", Caller(vouched=WEB))
    web.ask(_slow(20))
    until(lambda: web.count("overloaded") == 14, "six of web wait")
    api = crowd(way, "127.0.0.1", Caller(vouched=API))
    api.ask(_quick(6, "api"))
    until(lambda: api.count("answered") == 6, "api is served")


@pytest.mark.parametrize("way", ["tcp", "dot", "doh2", "mesh"])
def test_addresses_that_are_not_served_take_no_place_of_those_that_are(
    resolver: Resolver, crowd: Callable[..., Crowd], way: str
) -> None:
    """A8: they have few places of their own, whatever they open."""
    served: dict[str, Any] = {
        "clients": ["127.0.0.1/32", f"{OTHER}/32"],
        "mesh": {**_TRUST["mesh"], "peers": ["127.0.0.1/32"]},
    }
    limits = {"connections": 20, "connections_per_client": 20, "connections_unserved": 4}
    _configure(resolver, served, **limits)
    resolver.write(_policy("mesh", WEB))
    resolver.start()
    strangers = [
        socket.create_connection(("127.0.0.1", _port(resolver, way)), 10, (GREEDY, 0))
        for _ in range(40)
    ]
    try:
        if way == "mesh":
            # Who is no sidecar is closed at once, so that its place is free for the next one.
            assert [one.recv(1) for one in strangers] == [b""] * len(strangers)
        else:
            until(lambda: _closed(resolver, "unserved") >= 36, "strangers are turned away at once")
        other = crowd(way, OTHER, Caller(vouched=WEB) if way == "mesh" else NOBODY)
        other.ask(_quick(5, "served"))
        until(lambda: other.count("answered") == 5, "who is served is served")
    finally:
        for one in strangers:
            one.close()


@pytest.mark.parametrize(("way", "transport"), [("tcp", "tcp"), ("dot", "dot"), ("doh2", "doh")])
def test_a_connection_that_is_closed_over_a_limit_is_in_the_log_with_the_limit(
    resolver: Resolver, crowd: Callable[..., Crowd], way: str, transport: str
) -> None:
    """A8, E2: whoever is turned away before the first query is not invisible."""
    _configure(resolver, connections_per_client=3)
    resolver.start()
    for _ in range(3):
        crowd(way, GREEDY).ask(_slow(1))
    over = [socket.create_connection(("127.0.0.1", _port(resolver, way)), 10, (GREEDY, 0))]
    try:
        row, *_ = until(
            lambda: _rows(resolver, reason="connection_over_limit"), "the log has a line"
        )
    finally:
        over[0].close()
    assert (row["client"], row["transport"], row["outcome"]) == (GREEDY, transport, "refused")
    assert (row["name"], row["rule"]) == (None, "over_network_share")
    shown = resolver.command("status").stdout
    assert "over_network_share" in shown


@pytest.mark.parametrize("way", ["tcp", "dot", "doh2"])
def test_a_network_has_a_share_of_open_and_of_new_connections(
    resolver: Resolver, crowd: Callable[..., Crowd], way: str
) -> None:
    """A8: what is over it is closed and counted by its cause; another network has its own."""
    _configure(resolver, connections_per_client=3, new_connections_per_network=8)
    resolver.start()
    greedy = [crowd(way, GREEDY) for _ in range(3)]
    for number, one in enumerate(greedy):
        one.ask(_quick(1, f"greedy{number}-"))
        until(partial(_has, one, 1), "its share is served")

    def is_held() -> bool:
        # On a slow machine, so many take longer than the second for which the share is.
        for _ in range(60):
            with suppress(OSError):
                where = ("127.0.0.1", _port(resolver, way))
                socket.create_connection(where, PATIENCE, (GREEDY, 0)).close()
        return all(_closed(resolver, word) for word in ("over_network_share", "too_many_new"))

    until(is_held, "it has its share of open ones, and of new ones")
    other = crowd(way, OTHER)
    other.ask(_quick(1, "other"))
    until(lambda: other.count("answered") == 1, "another network is served")


@pytest.mark.parametrize("way", ["dot", "mesh"])
def test_an_identity_has_a_share_of_connections(
    resolver: Resolver, crowd: Callable[..., Crowd], way: str
) -> None:
    """A8: by certificate, token or the word of a sidecar, from many addresses."""
    _configure(resolver, connections_per_identity=2)
    resolver.start()
    token = Caller(token=own_authority.create_token(resolver, "tv"))
    caller = {"dot": token, "mesh": Caller(vouched=WEB)}[way]
    resolver.write(_policy("known", "token:tv", WEB))
    resolver.settle()
    for number, source in enumerate((GREEDY, OTHER)):
        one = crowd(way, source, caller)
        one.ask(_quick(1, f"known{number}-"))
        until(partial(_has, one, 1), "its share is served")
    third = crowd(way, "127.0.0.4", caller)
    third.ask(_quick(1, "third"))
    until(third.is_closed, "the third connection is closed")
    assert _closed(resolver, "over_identity_share") == 1


def _is_read(port: int) -> bool:
    """Whether no datagram waits at a port of 127.0.0.1 (proc(5), net/udp)."""
    rows = [row.split() for row in Path("/proc/net/udp").read_text().splitlines()[1:]]
    here = [row[4] for row in rows if int(row[1].partition(":")[2], 16) == port]
    return all(int(queues.partition(":")[2], 16) == 0 for queues in here)


@pytest.mark.parametrize("words", [["network_not_served"], ["unparseable", "malformed"]])
def test_a_flood_that_is_turned_away_does_not_wash_the_log_out(
    resolver: Resolver, words: list[str]
) -> None:
    """A11: it is summed up by network and reason, and every query of it is counted."""
    resolver.configure(clients=["127.0.0.1/32"], log={"keep": "1MiB"})
    resolver.start()
    assert resolver.server.ask("precious.example.org").addresses
    stranger = "127.0.0.1" if "malformed" in words else GREEDY
    packet = dns.message.make_query("stranger.example.org", "A").to_wire()
    packet += b"xx" if "malformed" in words else b""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((stranger, 0))
        sock.connect(("127.0.0.1", resolver.server.udp))
        sock.settimeout(10)
        for number in range(20_000):
            sock.send(packet)
            if stranger != GREEDY:
                with suppress(TimeoutError):
                    sock.recv(512)
            elif number % 100 == 99:
                # Strangers get nothing over UDP, so nothing else shows that they were heard.
                until(partial(_is_read, resolver.server.udp), "the datagrams are read")
    resolver.stop()
    (precious,) = _rows(resolver, name="precious.example.org")
    assert precious["outcome"] == "answered"
    rows = [row for row in _rows(resolver, client=stranger) if row["reason"] in words]
    assert len(rows) < 200, len(rows)
    summed = [row for row in rows if row.get("count", 1) > 1]
    assert summed, rows[-1]
    assert sum(row.get("count", 1) for row in rows) >= 19_900


def test_own_queries_are_marked_and_left_out_unless_asked_for(resolver: Resolver) -> None:
    """E6: of the log, the statistics and the API; `keyhole log --own` shows them."""
    resolver.start()
    resolver.server.ask("of-a-client.example.org")
    resolver.wait_for(lambda: _own(resolver), "Keyhole has asked something itself")
    until(lambda: _rows(resolver, name="of-a-client.example.org"), "the client's query is logged")
    assert all(row["own"] is True for row in _own(resolver))
    assert not _rows(resolver, name=".")
    assert '"name": "."' in resolver.command("log", "--own", "--json").stdout
    assert '"name": "."' not in resolver.command("log", "-n", "1000", "--json").stdout
    assert _counter(resolver, "own") >= 1


def test_nobody_hides_queries_by_a_mark_of_their_own(resolver: Resolver) -> None:
    """E6: only who knows the mark is believed, and it is new in each data folder."""
    resolver.start()
    for mark in (b"", bytes(16), b"x" * 16, b"x" * 17):
        query = dns.message.make_query("hidden.example.org", "A")
        query.use_edns(0, options=[option(65_053, mark)])
        resolver.server.ask("hidden.example.org", query=query)
    until(lambda: len(_rows(resolver, name="hidden.example.org")) == 4, "all four are logged")


def test_own_queries_have_room_when_a_client_has_taken_all(
    resolver: Resolver, crowd: Callable[..., Crowd], upstream: Upstream
) -> None:
    """A9: whether upstreams answer is known in the worst hour, too."""
    _configure(resolver, waiting=4, waiting_per_network=4, waiting_per_identity=4)
    resolver.start()
    crowds = [crowd("tcp", source) for source in (GREEDY, OTHER, "127.0.0.1", "127.0.0.4")]
    for number, one in enumerate(crowds):
        one.ask(_slow(4, f"all{number}-"))
    until(lambda: sum(one.count("overloaded") for one in crowds) >= 12, "no place is left")
    asked = len(_own(resolver))
    mark = json.loads((resolver.folder / "state" / "launch.json").read_text())["options"][
        "own_mark"
    ]
    query = dns.message.make_query("own.example.org", "A")
    query.use_edns(0, options=[option(65_053, bytes.fromhex(mark))])
    assert resolver.server.ask("own.example.org", transport="tcp", query=query).addresses
    until(lambda: len(_own(resolver)) > asked, "it is one of its own")


def _own(resolver: Resolver) -> list[dict[str, Any]]:
    path = resolver.folder / "log" / "own.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]
