"""What listeners must not get wrong: who a client is, who else may see its answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.message
import httpx2
import pytest

from tests.world import mesh, raw
from tests.world import own_authority as own
from tests.world.ask import Reply
from tests.world.callers import NOBODY, Caller, http
from tests.world.outcome import outcome_of, word
from tests.world.resolver import Resolver, document
from tests.world.trust import TrustDomain
from tests.world.upstream import Upstream

WEB = "ns/shop/sa/web"
LISTED, UNLISTED = "127.0.0.1", "127.0.0.9"
NAME = "www.example.org"
_TYPE = "application/dns-message"

each_version = pytest.mark.parametrize("two", [False, True], ids=["http1", "http2"])


@pytest.fixture
def home(tmp_path: Path) -> TrustDomain:
    return TrustDomain(tmp_path / "home", "home.test")


@pytest.fixture
def make(
    make_resolver: Callable[[], Resolver], upstream: Upstream, home: TrustDomain
) -> Callable[..., Resolver]:
    """Makes and starts a resolver where identities, a token and the machine have a policy."""

    def started(*subjects: str, **settings: Any) -> Resolver:
        one = make_resolver()
        one.configure(listen=one.listen("mesh", "doh_cleartext"), **settings)
        spec: dict[str, Any] = {"default": "allow", "upstreams": ["test"]}
        documents = [document("Policy", "home", **spec)]
        if subjects:
            documents = [document("Policy", "home", subjects=list(subjects), **spec)]
        one.write(one.upstream(upstream.port), home.write(one.documents), *documents)
        return one.start()

    return started


SIDECARS = {"peers": [f"{LISTED}/32"], "trust_domains": ["home.test"]}


def forwarded(server: Any, two: bool, source: str, *values: str) -> httpx2.Response:
    """The response to a query without TLS that carries these x-forwarded-client-cert headers."""
    transport = httpx2.HTTPTransport(http1=not two, http2=two, local_address=source)
    base = f"http://127.0.0.1:{server.doh_cleartext}"
    with httpx2.Client(base_url=base, transport=transport) as client:
        return client.post(
            server.path,
            content=dns.message.make_query(NAME, "A", use_edns=0).to_wire(),
            headers=[
                ("content-type", _TYPE),
                *(("x-forwarded-client-cert", value) for value in values),
            ],
        )


def said(response: httpx2.Response) -> str:
    assert response.status_code == 200, response
    return word(Reply(dns.message.from_wire(response.content)))


@each_version
def test_behind_a_sidecar_a_client_without_a_readable_identity_is_refused_by_default(
    make: Callable[..., Resolver], home: TrustDomain, two: bool
) -> None:
    server = make("spiffe://home.test/*", "cidr:127.0.0.0/8", mesh=SIDECARS).server
    web = f"URI={home.id(WEB)}"
    assert said(forwarded(server, two, LISTED, web)) == "answered"
    assert said(forwarded(server, two, LISTED)) == "no_identity"
    assert said(forwarded(server, two, LISTED, "")) == "unreadable_identity"
    assert said(forwarded(server, two, LISTED, "By=spiffe://home.test/x")) == "unreadable_identity"
    assert said(forwarded(server, two, LISTED, "URI=spiffe://x.test/a")) == "unreadable_identity"
    # Who is not listed speaks for nobody, and is not served as its own network either.
    assert said(forwarded(server, two, UNLISTED, web)) == "unreadable_identity"
    assert said(forwarded(server, two, UNLISTED)) == "no_identity"
    # The other listeners of this machine serve it by its network as before.
    assert outcome_of(server, "doh2", NOBODY) == "answered"


def test_at_the_mesh_listener_too_a_client_of_whom_nothing_is_said_is_refused(
    make: Callable[..., Resolver], home: TrustDomain
) -> None:
    server = make("spiffe://home.test/*", "cidr:127.0.0.0/8", mesh=SIDECARS).server

    def ask(identity: str | None) -> str:
        with raw.mesh(server, mesh.header(identity, source="127.0.0.1")) as stream:
            stream.send(dns.message.make_query(NAME, "A", use_edns=0).to_wire())
            octets = stream.receive()
        assert octets is not None
        return word(Reply(dns.message.from_wire(octets)))

    assert ask(home.id(WEB)) == "answered"
    assert ask(None) == "no_identity"
    assert ask("spiffe://x.test/a") == "unreadable_identity"


@each_version
def test_where_sidecars_name_nobody_a_header_that_names_somebody_is_not_passed_over(
    make: Callable[..., Resolver], home: TrustDomain, two: bool
) -> None:
    server = make().server
    assert said(forwarded(server, two, LISTED)) == "answered"
    assert said(forwarded(server, two, LISTED, f"URI={home.id(WEB)}")) == "unreadable_identity"


@each_version
def test_who_says_so_serves_the_network_of_the_sidecar_and_is_warned(
    make: Callable[..., Resolver], two: bool
) -> None:
    running = make(
        "cidr:127.0.0.0/8", mesh=SIDECARS, authentication={"doh_cleartext": "permissive"}
    )
    assert said(forwarded(running.server, two, LISTED)) == "answered"
    assert said(forwarded(running.server, two, UNLISTED, "URI=x")) == "unreadable_identity"
    told = running.command("check", str(running.config))
    assert "authentication.doh_cleartext" in told.stdout + told.stderr


def freshness(running: Resolver, way: str, caller: Caller, name: str = NAME) -> str:
    """The Cache-Control of an answer over DoH."""
    path = running.server.path + (f"/{caller.token}" if caller.token else "")
    with http(running.server, way, caller) as client:
        wire = dns.message.make_query(name, "A", use_edns=0).to_wire()
        response = client.post(path, content=wire, headers={"content-type": _TYPE})
    assert response.status_code == 200, response
    return str(response.headers["cache-control"])


WAYS = ("doh1", "doh2", "cleartext1", "cleartext2")


def test_an_answer_is_for_all_only_where_nobody_could_get_another_one(
    make: Callable[..., Resolver], home: TrustDomain
) -> None:
    running = make()
    token = own.create_token(running, "tv")
    running.wait_for(
        lambda: outcome_of(running.server, "doh2", Caller(token=token)) == "answered", "the token"
    )
    for way in WAYS:
        assert freshness(running, way, NOBODY).startswith("max-age=")
        # The same answer, and still the token decided that there is one.
        assert freshness(running, way, Caller(token=token)).startswith("private, max-age=")
        refused = Caller(token="a" * 32)
        assert freshness(running, way, refused).startswith("private, max-age=")
    shown = Caller(certificate=home.svid(WEB))
    for way in ("doh1", "doh2"):
        assert freshness(running, way, shown).startswith("private, max-age=")


def test_where_a_policy_has_subjects_every_answer_is_private(
    make: Callable[..., Resolver], home: TrustDomain
) -> None:
    running = make(
        "spiffe://home.test/*", "cidr:127.0.0.0/8", mesh=SIDECARS, authentication={"doh": "strict"}
    )
    vouched = Caller(vouched=home.id(WEB))
    for way in ("cleartext1", "cleartext2"):
        assert freshness(running, way, vouched).startswith("private, max-age=")
    for way in WAYS:
        # Refused, because nothing was shown.
        assert freshness(running, way, NOBODY).startswith("private, max-age=")


def test_an_answer_that_the_network_decides_is_private(make: Callable[..., Resolver]) -> None:
    running = make("cidr:127.0.0.0/8")
    for way in WAYS:
        assert freshness(running, way, NOBODY).startswith("private, max-age=")
        # An answer that waits for the upstream as well as one from the cache.
        assert freshness(running, way, NOBODY, f"{way}.example.org").startswith("private, ")
