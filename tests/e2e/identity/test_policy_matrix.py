"""The verdict depends on who asks and on what is asked, never on how: transport, spelling, cache.

Each shape of a question is asked by the whole cast over every transport on which they can show who
they are, twice in opposite orders, so that each answer lies in the cache for each other.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import dns.edns
import dns.message
import pytest

from tests.e2e.identity import cast
from tests.e2e.identity.cast import ALIASES, ONE, ROLES, SHAPES, TWO, Shape, Verdict, seen
from tests.e2e.identity.certificates import Made
from tests.world import own_authority
from tests.world.ask import Server
from tests.world.callers import Ask, Caller, ask_as, line
from tests.world.certificates import Authority
from tests.world.resolver import Resolver
from tests.world.upstream import Upstream, Zone


@dataclass(frozen=True)
class Stage:
    """The resolver with its two upstreams, and how each of the cast asks."""

    resolver: Resolver
    one: Upstream
    two: Upstream
    callers: dict[str, tuple[Caller, ...]]

    @property
    def server(self) -> Server:
        return self.resolver.server


def configure_cast(resolver: Resolver, made: Made, one: Upstream, two: Upstream) -> Stage:
    """Gives a resolver the policies of the cast; it is not started."""
    resolver.configure(
        listen=resolver.listen("mesh", "doh_cleartext"),
        mesh={"trust_domains": [made.home.name]},
        # A guest is served by network on every transport that can serve one so.
        authentication={"doh_cleartext": "permissive"},
        cache={"stale": "1d", "prefetch": False},
    )
    (resolver.documents / "secrets.txt").write_text(
        "||secret.example.org^\nxn--bcher-kva.example.org\n"
    )
    (resolver.documents / "policy-home.yaml").unlink()
    resolver.write(
        made.home.write(resolver.documents),
        resolver.upstream(one.port, "one"),
        resolver.upstream(two.port, "two"),
        *cast.documents(made.home),
    )
    token = own_authority.create_token(resolver, "tv")
    return Stage(resolver, one, two, cast.callers(made.home, token))


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, made: Made
) -> Iterator[Stage]:
    pair = authority.issue("upstream.example.org")
    with (
        Upstream(pair, zone=Zone(address=ONE, aliases=ALIASES)) as one,
        Upstream(pair, zone=Zone(address=TWO, aliases=ALIASES)) as two,
    ):
        resolver = Resolver(tmp_path_factory.mktemp("cast") / "data", authority)
        try:
            stage = configure_cast(resolver, made, one, two)
            resolver.start()
            yield stage
        finally:
            resolver.stop()


@dataclass(frozen=True)
class CastConnection:
    """One of the cast on one connection."""

    role: str
    way: str
    ask: Ask

    def __str__(self) -> str:
        return f"{self.role} over {self.way}"


def cast_connections(stage: Stage, stack: ExitStack) -> list[CastConnection]:
    """Everybody, on every transport over which they can show who they are."""
    return [
        CastConnection(role, way, stack.enter_context(line(stage.server, way, caller)))
        for role, several in stage.callers.items()
        for caller in several
        for way in caller.ways()
    ]


def wrong(
    cast_connections: list[CastConnection],
    query: dns.message.Message,
    wanted: Callable[[str], Verdict],
) -> dict[str, Verdict]:
    """Who saw something else than it should."""
    found = {}
    for connection in cast_connections:
        query.id = 0 if connection.way.startswith(("doh", "cleartext")) else query.id + 1
        verdict = seen(connection.ask(query))
        if verdict != wanted(connection.role):
            found[str(connection)] = verdict
    return found


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_verdict_is_that_of_the_role_on_every_transport_and_from_every_cache(
    stage: Stage, shape: Shape
) -> None:
    def wanted(role: str) -> Verdict:
        return shape.verdict(ROLES[role])

    with ExitStack() as stack:
        all_of_them = cast_connections(stage, stack)
        assert {connection.role for connection in all_of_them} == ROLES.keys()
        assert wrong(all_of_them, shape.query(), wanted) == {}
        assert wrong(all_of_them[::-1], shape.query(), wanted) == {}


@pytest.mark.parametrize("first", ROLES)
def test_whoever_asks_first_decides_nothing_for_the_others(stage: Stage, first: str) -> None:
    # A name of its own for each run: the cache holds what the first one left there.
    query = dns.message.make_query(f"{first}.secret.example.org", "A", use_edns=0)
    with ExitStack() as stack:
        others = cast_connections(stage, stack)
        beginning = [connection for connection in others if connection.role == first]
        assert wrong(beginning + others, query, lambda role: ROLES[role].direct) == {}


def test_what_is_withheld_was_never_asked_for(stage: Stage) -> None:
    quiet = ("payments", "build", "tv", "guest", "nobody", "late")
    query = dns.message.make_query("unasked.secret.example.org", "A", use_edns=0)
    with ExitStack() as stack:
        several = [
            connection for connection in cast_connections(stage, stack) if connection.role in quiet
        ]
        assert wrong(several, query, lambda role: ROLES[role].direct) == {}
    for upstream in (stage.one, stage.two):
        assert upstream.times_asked("unasked.secret.example.org") == 0


def test_each_upstream_hears_only_what_is_asked_by_those_who_use_it(stage: Stage) -> None:
    web, other = stage.callers["web"][0], stage.callers["open"][0]
    for name, caller in (("mine.secret.example.org", web), ("yours.secret.example.org", other)):
        ask_as(stage.server, "dot", caller, name)
    assert [stage.one.times_asked(f"{n}.secret.example.org") for n in ("mine", "yours")] == [1, 0]
    assert [stage.two.times_asked(f"{n}.secret.example.org") for n in ("mine", "yours")] == [0, 1]


def test_a_subnet_that_a_client_names_goes_no_further_and_divides_nothing(stage: Stage) -> None:
    web = stage.callers["web"][0]
    name = "subnets.secret.example.org"
    with line(stage.server, "dot", web) as ask:
        for subnet in ("203.0.113.0", "198.51.100.0"):
            option = dns.edns.ECSOption(subnet, 24)
            reply = ask(dns.message.make_query(name, "A", use_edns=0, options=[option]))
            assert seen(reply) == ROLES["web"].direct
    assert stage.one.times_asked(name) == 1
    sent = [option for packet in stage.one.messages for option in _options(packet)]
    assert dns.edns.OptionType.ECS not in sent


def _options(packet: bytes) -> list[dns.edns.OptionType]:
    return [option.otype for option in dns.message.from_wire(packet).options]


def test_a_stale_answer_is_served_to_those_alone_who_may_have_it(
    make_resolver: Callable[[], Resolver], authority: Authority, made: Made
) -> None:
    pair = authority.issue("upstream.example.org")
    name = "stale.secret.example.org"
    with (
        Upstream(pair, zone=Zone(1, ONE, ALIASES)) as one,
        Upstream(pair, zone=Zone(1, TWO, ALIASES)) as two,
    ):
        stage = configure_cast(make_resolver(), made, one, two)
        stage.resolver.start()
        web = stage.callers["web"][0]
        assert ask_as(stage.server, "dot", web, name).addresses == [ONE]
    # Both upstreams are gone; within a second the answer is old.
    stage.resolver.wait_for(
        lambda: ask_as(stage.server, "dot", web, name).errors, "the answer is stale"
    )
    stale = Verdict("NOERROR", (ONE,), (3, "stale"))

    def wanted(role: str) -> Verdict:
        return stale if role == "web" else ROLES[role].direct

    with ExitStack() as stack:
        several = [
            connection for connection in cast_connections(stage, stack) if connection.role != "open"
        ]
        query = dns.message.make_query(name, "A", use_edns=0)
        assert wrong(several, query, wanted) == {}
        # What one upstream said is no answer of the other.
        other = ask_as(stage.server, "dot", stage.callers["open"][0], name)
    assert (other.rcode, other.addresses) == ("SERVFAIL", [])
