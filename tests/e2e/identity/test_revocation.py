"""What is taken back stops within seconds, on connections that are open, and on resumed ones."""

import http.client
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

import dns.message
import httpx2
import pytest

from tests.world import own_authority, raw
from tests.world.ask import Reply, Server
from tests.world.callers import HONEST, Ask, Caller, Tls, line, port_of
from tests.world.certificates import Authority, bundle
from tests.world.outcome import alert, outcome_of, word
from tests.world.resolver import Resolver, document
from tests.world.trust import TrustDomain, replace
from tests.world.upstream import Upstream
from tests.world.waiting import until

WEB, OTHER = "ns/shop/sa/web", "ns/shop/sa/other"
WAYS = ("dot", "doh1", "doh2")


def _query() -> dns.message.Message:
    return dns.message.make_query("www.example.org", "A", use_edns=0)


def _stops(ask: Ask) -> str | None:
    """The word with which an open connection ends: none as long as it is served.

    Over HTTP/2 the end of the connection may overtake the last answer; some clients give up then.
    """
    try:
        said = word(ask(_query()))
    except (EOFError, ConnectionError, httpx2.HTTPError):
        return "closed"
    return None if said == "answered" else said


def _ends(ask: Ask) -> bool:
    """Whether the connection is closed, once who asks is refused."""
    try:
        ask(_query())
    except (EOFError, ConnectionError):
        return True
    return False


@pytest.fixture
def home(tmp_path: Path) -> TrustDomain:
    """A trust domain of one's own: its lists and roots change."""
    return TrustDomain(tmp_path / "home", "home.test")


@pytest.fixture(scope="module")
def module_resolver(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[Resolver]:
    """A resolver with its own authority; each test has identities of its own."""
    one = Resolver(tmp_path_factory.mktemp("revocation") / "data", authority)
    one.configure(
        authentication={"dot": "strict", "doh": "strict"},
        listen=one.listen("mesh", "doh_cleartext"),
        identity={"trust_domain": "own.test"},
        mesh={"trust_domains": ["own.test"]},
    )
    yield one
    one.stop()


@pytest.fixture
def knowing(module_resolver: Resolver, shared_upstream: Upstream, home: TrustDomain) -> Resolver:
    """It with a trust domain beside its own; running."""
    one = module_resolver
    one.reset(
        one.upstream(shared_upstream.port),
        home.write(one.documents),
        document(
            "Policy",
            "home",
            subjects=[
                "spiffe://own.test/*",
                "spiffe://home.test/*",
                "token:tv",
                "cidr:127.0.0.0/8",
            ],
            default="allow",
            upstreams=["test"],
        ),
    )
    return one


def _refusals(
    server: Server, caller: Caller, ways: tuple[str, ...], act: Callable[[], None]
) -> dict[str, str]:
    """Opens a connection on each way and asks, acts, and asks on until each is refused: how."""
    with ExitStack() as stack:
        lines = {way: stack.enter_context(line(server, way, caller)) for way in ways}
        assert {way: word(ask(_query())) for way, ask in lines.items()} == dict.fromkeys(
            ways, "answered"
        )
        act()
        return until(partial(_all_stop, lines, {}), f"all of {ways} are refused")


def _all_stop(lines: dict[str, Ask], stopped: dict[str, str]) -> dict[str, str] | None:
    """How each connection has ended, once all have; until then each is asked in turn."""
    for way in lines.keys() - stopped.keys():
        if said := _stops(lines[way]):
            stopped[way] = said
    return stopped if stopped.keys() == lines.keys() else None


def _are(found: dict[str, str], reason: str) -> bool:
    """Whether all were told the reason; who speaks HTTP may have lost the last answer."""
    told = {way for way, said in found.items() if said == reason}
    closed = {way for way, said in found.items() if said == "closed"}
    return told | closed == found.keys() and not closed & {"dot", "tcp"}


def test_a_revoked_identity_stops_on_its_open_connections(
    knowing: Resolver, tmp_path: Path
) -> None:
    web = Caller(certificate=own_authority.issue(knowing, "shop/web", tmp_path / "web"))
    other = Caller(certificate=own_authority.issue(knowing, "shop/other", tmp_path / "other"))
    server = knowing.server
    knowing.wait_for(
        lambda: outcome_of(server, "dot", web) == "answered", "its authority is trusted"
    )
    with line(server, "dot", other) as neighbor:
        assert word(neighbor(_query())) == "answered"
        found = _refusals(server, web, WAYS, lambda: own_authority.revoke(knowing, "shop/web"))
        assert word(neighbor(_query())) == "answered"
    assert _are(found, "identity_revoked"), found
    assert {outcome_of(server, way, web) for way in WAYS} == {"certificate revoked"}
    # A certificate that is issued now names the same identity, and a sidecar's word no less.
    assert (
        outcome_of(server, "mesh", Caller(vouched=f"spiffe://own.test/{WEB}")) == "identity_revoked"
    )
    assert outcome_of(server, "mesh", Caller(vouched=f"spiffe://own.test/{OTHER}")) == "answered"


def test_a_stolen_certificate_stops_and_its_owner_gets_another(
    knowing: Resolver, tmp_path: Path
) -> None:
    stolen = Caller(certificate=own_authority.issue(knowing, "shop/robbed", tmp_path / "stolen"))
    server = knowing.server
    knowing.wait_for(
        lambda: outcome_of(server, "dot", stolen) == "answered", "its authority is trusted"
    )
    found = _refusals(
        server, stolen, WAYS, lambda: own_authority.revoke(knowing, "shop/robbed", "--certificates")
    )
    assert _are(found, "identity_revoked"), found
    fresh = Caller(certificate=own_authority.issue(knowing, "shop/robbed", tmp_path / "fresh"))
    assert outcome_of(server, "dot", fresh) == "answered"


def test_a_certificate_on_a_new_revocation_list_stops(knowing: Resolver, home: TrustDomain) -> None:
    pair = home.svid(WEB)

    def revoke() -> None:
        home.revoked.append(pair)
        home.write(knowing.documents)

    found = _refusals(knowing.server, Caller(certificate=pair), WAYS, revoke)
    assert _are(found, "identity_revoked"), found
    assert outcome_of(knowing.server, "dot", Caller(certificate=home.svid(WEB))) == "answered"


def test_a_certificate_of_a_root_that_is_no_longer_trusted_stops(
    knowing: Resolver, home: TrustDomain
) -> None:
    caller = Caller(certificate=home.svid(WEB))
    kept = Caller(certificate=home.rsa.svid(home.id(WEB)))

    def distrust() -> None:
        replace(knowing.documents / f"{home.name}-bundle.pem", bundle(home.rsa))

    found = _refusals(knowing.server, caller, WAYS, distrust)
    assert _are(found, "identity_untrusted"), found
    assert outcome_of(knowing.server, "dot", caller) == "unknown ca"
    assert outcome_of(knowing.server, "dot", kept) == "answered"


def test_the_connection_of_a_revoked_one_is_closed(knowing: Resolver, home: TrustDomain) -> None:
    pair = home.svid(WEB)
    with line(knowing.server, "dot", Caller(certificate=pair)) as ask:
        assert word(ask(_query())) == "answered"
        home.revoked.append(pair)
        home.write(knowing.documents)
        assert until(lambda: _stops(ask), "it is refused") == "identity_revoked"
        assert until(lambda: _ends(ask), "its connection is closed")


def test_a_revoked_token_stops_on_its_open_connections(knowing: Resolver) -> None:
    caller = Caller(token=own_authority.create_token(knowing, "tv"))
    server = knowing.server
    knowing.wait_for(lambda: outcome_of(server, "dot", caller) == "answered", "the token is known")
    found = _refusals(
        server, caller, caller.ways(), lambda: own_authority.revoke_token(knowing, "tv")
    )
    assert set(found.values()) == {"unknown_token"}


@pytest.mark.parametrize("way", ["dot", "doh1"])
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_is_worth_no_more_than_its_certificate(
    knowing: Resolver, home: TrustDomain, newest: ssl.TLSVersion, way: str
) -> None:
    pair, server = home.svid(WEB), knowing.server
    alpn = {"dot": "dot", "doh1": "http/1.1"}[way]
    context = Tls(newest).context(server, Caller(certificate=pair), alpn)
    session, said = _resume(server, way, context, None)
    assert said == "answered"
    # As long as it is good, a resumed one is still who it was: never one who showed nothing.
    session, said = _resume(server, way, context, session)
    assert said == "answered"
    home.revoked.append(pair)
    home.write(knowing.documents)
    until(
        lambda: _resume(server, way, context, session)[1] in _REVOKED,
        "the session is refused",
    )
    assert outcome_of(server, way, Caller(certificate=home.svid(OTHER))) == "answered"


_REVOKED = ("identity_revoked", "certificate revoked")


def _resume(
    server: Server, way: str, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[ssl.SSLSession | None, str]:
    """One question on a connection that takes a session up; the session that it gave, and how it
    went."""
    port = port_of(server, way)
    assert port is not None
    try:
        with raw.secured(port, context, server.name, session) as sock:
            octets = (_ask_dot if way == "dot" else _ask_doh)(sock, _query().to_wire())
            return sock.session, word(Reply(dns.message.from_wire(octets)))
    except OSError as error:
        return None, alert(error) or repr(error)


def _ask_dot(sock: ssl.SSLSocket, query: bytes) -> bytes:
    stream = raw.Stream(sock)
    stream.send(query)
    return stream.receive() or b""


def _ask_doh(sock: ssl.SSLSocket, query: bytes) -> bytes:
    head = f"POST /dns-query HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(query)}\r\n"
    head += "content-type: application/dns-message\r\n\r\n"
    sock.sendall(head.encode() + query)
    response = http.client.HTTPResponse(sock)
    response.begin()
    return response.read()


def test_a_connection_ends_with_its_certificate(knowing: Resolver, home: TrustDomain) -> None:
    pair = home.svid(WEB, ends=timedelta(seconds=4))
    server = knowing.server
    with raw.tls(server, HONEST.context(server, Caller(certificate=pair), "dot")) as stream:
        stream.send(_query().to_wire())
        assert stream.receive() is not None
        # Nothing is sent: the server ends it by itself.
        assert stream.receive() is None
    assert pair.leaf.not_valid_after_utc.timestamp() <= time.time() + 1
    until(lambda: _has_expired(server, Caller(certificate=pair)), "its last second is over")


def _has_expired(server: Server, caller: Caller) -> bool:
    try:
        return outcome_of(server, "dot", caller) == "identity_expired"
    except EOFError:  # let in during the last second, at whose end the connection ends
        return False
