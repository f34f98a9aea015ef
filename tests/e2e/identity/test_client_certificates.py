"""Each certificate that a client may show is let in or not, as it should be, over DoT and DoH."""

import ssl
from collections.abc import Iterator

import pytest

from tests.e2e.identity.certificates import CASES, WEB, Case, Made
from tests.world import raw
from tests.world.ask import Server
from tests.world.callers import HONEST, NOBODY, Caller, Tls
from tests.world.certificates import DAY, Authority, Pair
from tests.world.outcome import alert, outcome_of
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream

each_way = pytest.mark.parametrize("way", ["dot", "doh1", "doh2"])
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def pairs(made: Made) -> dict[str, Pair]:
    """The certificate of each case."""
    return {case.name: case.make(made) for case in CASES}


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    authority: Authority,
    shared_upstream: Upstream,
    made: Made,
    pairs: dict[str, Pair],
) -> Iterator[Server]:
    """A resolver that wants to know who asks; one workload of each domain may ask anything."""
    assert pairs, "a list of what was revoked is written when everything was issued"
    resolver = Resolver(tmp_path_factory.mktemp("strict") / "data", authority)
    resolver.configure(authentication={"dot": "strict", "doh": "strict"})
    lists = {made.overdue: made.overdue.lists(ends=-DAY), made.silent: made.silent.root.crl()}
    resolver.write(
        resolver.upstream(shared_upstream.port),
        *(domain.write(resolver.documents, lists.get(domain)) for domain in made.trusted),
        document(
            "Policy",
            "home",
            subjects=[*(domain.id(WEB) for domain in made.trusted), "cidr:127.0.0.0/8"],
            default="allow",
            upstreams=["test"],
        ),
    )
    try:
        yield resolver.start().server
    finally:
        resolver.stop()


@each_way
@each_case
def test_a_certificate_has_its_outcome(
    server: Server, pairs: dict[str, Pair], case: Case, way: str
) -> None:
    assert outcome_of(server, way, Caller(certificate=pairs[case.name])) == case.outcome


@each_case
def test_its_outcome_is_the_same_under_tls_1_2(
    server: Server, pairs: dict[str, Pair], case: Case
) -> None:
    caller = Caller(certificate=pairs[case.name])
    assert outcome_of(server, "dot", caller, Tls(newest=ssl.TLSVersion.TLSv1_2)) == case.outcome


@each_way
def test_who_shows_nothing_is_refused_and_told_why(server: Server, way: str) -> None:
    assert outcome_of(server, way, NOBODY) == "no_identity"


@each_way
def test_a_token_that_nobody_knows_is_refused(server: Server, way: str) -> None:
    assert outcome_of(server, way, Caller(token="a" * 32)) == "unknown_token"


@pytest.mark.parametrize("way", ["udp", "tcp"])
def test_a_good_network_is_no_help_where_somebody_else_is_strict(server: Server, way: str) -> None:
    # The same address is served where its listener serves by network, and only there.
    assert outcome_of(server, way, NOBODY) == "answered"


@each_way
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize("certificate", ["good", None])
def test_a_version_of_tls_before_1_2_is_refused(
    server: Server, pairs: dict[str, Pair], way: str, certificate: str | None
) -> None:
    caller = Caller(certificate=pairs[certificate] if certificate else None)
    old = Tls(newest=ssl.TLSVersion.TLSv1_1)
    assert outcome_of(server, way, caller, old) in ("protocol version", "handshake failure")


@pytest.mark.parametrize("certificate", ["good", None])
@pytest.mark.parametrize(
    ("port", "alpn"),
    [("dot", "h2"), ("dot", "doq"), ("dot", "http/1.1"), ("doh", "dot"), ("doh", "h3")],
)
def test_another_protocol_than_that_of_the_port_is_refused(
    server: Server, pairs: dict[str, Pair], port: str, alpn: str, certificate: str | None
) -> None:
    caller = Caller(certificate=pairs[certificate] if certificate else None)
    context = HONEST.context(server, caller, alpn)
    with (
        pytest.raises(ssl.SSLError) as failed,
        raw.secured(getattr(server, port), context, server.name) as sock,
    ):
        sock.recv(1)
    assert alert(failed.value) == "no application protocol"
