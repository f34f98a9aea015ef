"""Each certificate that an upstream may show is believed or not, as it should be, over DoT and DoH.

One resolver has an upstream for each case; the policy of a workload leads to it.
"""

import itertools
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.identity.certificates import Made
from tests.e2e.identity.upstreams import CASES, NAME, TRUSTED, Case
from tests.world.ask import Server
from tests.world.callers import Caller, ask_as
from tests.world.certificates import Authority, Pair, bundle
from tests.world.outcome import word
from tests.world.resolver import Resolver, document
from tests.world.trust import TrustDomain, replace
from tests.world.upstream import ADDRESS, Upstream

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
PROTOCOLS = ("dot", "doh")
each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


@dataclass(frozen=True)
class Stage:
    """The resolver, and each upstream by case and protocol."""

    server: Server
    home: TrustDomain
    upstreams: dict[tuple[str, str], Upstream]


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, made: Made
) -> Iterator[Stage]:
    home = TrustDomain(tmp_path_factory.mktemp("upstreams"))
    resolver = Resolver(tmp_path_factory.mktemp("believing") / "data", authority)
    resolver.configure(mesh={"trust_domains": [home.name]}, listen=resolver.listen("mesh"))
    upstreams: dict[tuple[str, str], Upstream] = {}
    with ExitStack() as stack:
        stack.callback(resolver.stop)
        for case in CASES:
            pair = case.make(home, made.stranger)
            for protocol in PROTOCOLS:
                server = Upstream(pair, protocol=protocol, context=case.context(protocol))
                upstreams[case.name, protocol] = stack.enter_context(server)
        replace(resolver.documents / "roots.pem", bundle(home.root, home.rsa))
        replace(resolver.documents / "lists.pem", home.lists())
        for number, case in enumerate(CASES):
            for protocol in PROTOCOLS:
                port = upstreams[case.name, protocol].port
                resolver.write(*_documents(home, number, case, protocol, port))
        yield Stage(resolver.start().server, home, upstreams)


def _documents(
    home: TrustDomain, number: int, case: Case, protocol: str, port: int
) -> list[dict[str, object]]:
    label = f"{protocol}-{number}"
    upstream = {
        "protocol": protocol,
        "addresses": [f"127.0.0.1:{port}"],
        "serverName": NAME,
        "ca": "roots.pem",
        "crls": ["lists.pem"],
        **case.spec,
    }
    if "serverId" in case.spec:
        del upstream["serverName"]
    policy = {"subjects": [home.id(label)], "default": "allow", "upstreams": [label]}
    return [document("Upstream", label, **upstream), document("Policy", label, **policy)]


@each_protocol
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_certificate_is_believed_or_no_question_is_asked(
    stage: Stage, case: Case, protocol: str
) -> None:
    upstream = stage.upstreams[case.name, protocol]
    label = f"{protocol}-{CASES.index(case)}"
    reply = ask_as(stage.server, "mesh", Caller(vouched=stage.home.id(label)), "secret.example.org")
    assert word(reply) == case.outcome
    assert bool(upstream.messages) == (case.outcome == "answered")


@each_protocol
def test_an_upstream_that_is_revoked_hears_nothing_more_on_its_open_connection(
    reset_resolver: Resolver, tmp_path: Path, protocol: str
) -> None:
    home, resolver = TrustDomain(tmp_path / "home"), reset_resolver
    pair = home.server(NAME)
    replace(resolver.documents / "roots.pem", bundle(home.root))
    replace(resolver.documents / "lists.pem", home.lists())
    with Upstream(pair, protocol=protocol) as upstream:
        files = {"ca": "roots.pem", "crls": ["lists.pem"]}
        resolver.write(resolver.upstream(upstream.port, protocol=protocol, **files))
        server = resolver.start().server
        assert server.ask("before.example.org").addresses == [ADDRESS]
        home.revoked.append(pair)
        replace(resolver.documents / "lists.pem", home.lists())
        resolver.settle()
        assert word(server.ask("after.example.org", is_proved=True)) == "upstream_untrusted"
        assert upstream.times_asked("after.example.org") == 0


@each_protocol
def test_an_upstream_sees_the_identity_that_it_is_shown_and_the_one_after_renewal(
    reset_resolver: Resolver, tmp_path: Path, protocol: str
) -> None:
    home, resolver = TrustDomain(tmp_path / "home"), reset_resolver
    own = Pair(resolver.documents / "svid.pem", resolver.documents / "svid.key")
    ids = [home.id(f"ns/keyhole/sa/{number}") for number in ("first", "second")]
    context = Case("", TRUSTED, lambda *_: home.server(NAME)).context(protocol)
    context.load_verify_locations(home.root.root)
    context.verify_mode = ssl.CERT_REQUIRED
    with Upstream(home.server(NAME), protocol=protocol, context=context) as upstream:
        _show(own, home.issuer.svid(ids[0]))
        shown = {"certificate": own.certificate.name, "key": own.key.name}
        replace(resolver.documents / "roots.pem", bundle(home.root))
        more = {"ca": "roots.pem", "clientCertificate": shown}
        resolver.write(resolver.upstream(upstream.port, protocol=protocol, **more))
        server = resolver.start().server
        assert server.ask("first.example.org").addresses == [ADDRESS]
        assert set(upstream.shown) == {ids[0]}
        _show(own, home.issuer.svid(ids[1]))
        names = (f"n{number}.example.org" for number in itertools.count())
        resolver.wait_for(
            lambda: server.ask(next(names)).addresses and ids[1] in upstream.shown,
            "the upstream sees the new identity",
        )


def _show(target: Pair, source: Pair) -> None:
    replace(target.key, source.key.read_bytes())
    replace(target.certificate, source.certificate.read_bytes())
