"""Section A: what listeners must not get wrong: who a client is, who else may see its answer."""

import json
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import dns.message
import httpx2
import pytest

from tests.world import mesh, raw
from tests.world import own_authority as own
from tests.world.ask import Reply
from tests.world.callers import NOBODY, Caller, http
from tests.world.certificates import CLIENT, DAY, SERVER, Authority, Form
from tests.world.no_tls import NO_TLS
from tests.world.outcome import outcome_of, word
from tests.world.ports import free_port
from tests.world.process import call_keyhole
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
        mesh_listener = ["mesh"] if "mesh" in settings else []
        one.configure(listen=one.listen("doh_cleartext", *mesh_listener), **settings)
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
    transport = httpx2.HTTPTransport(http1=not two, http2=two, local_address=source, verify=NO_TLS)
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
    told = call_keyhole("check", str(running.config))
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


def refusals(running: Resolver) -> list[dict[str, Any]]:
    """What the query log says of refused handshakes so far."""
    path = running.folder / "log" / "queries.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    return [
        event
        for event in events
        if event["name"] is None and event["reason"].startswith(("certificate", "server", "hand"))
    ]


def times(event: dict[str, Any]) -> int:
    """How many refusals a line stands for."""
    count = re.search(r", (\d+) times$", event["rule"])
    return int(count[1]) if count else 1


def counted(running: Resolver, listener: str = "dns") -> dict[str, int]:
    """What the status counts of one listener."""
    found = running.api("GET", "/status").json()["handshakes"]
    return {one["reason"]: one["count"] for one in found if one["listener"] == listener}


def test_a_client_of_a_wrong_authority_is_seen_counted_and_does_not_fill_the_log(
    make: Callable[..., Resolver], tmp_path: Path
) -> None:
    running = make()
    stranger = TrustDomain(tmp_path / "stranger", "home.test")
    shown = Caller(certificate=stranger.svid(WEB))
    for _ in range(30):
        assert outcome_of(running.server, "dot", shown) == "unknown ca"
    running.wait_for(lambda: refusals(running), "the refusal is in the log")
    event = refusals(running)[0]
    assert (event["transport"], event["client"]) == ("dot", "127.0.0.1")
    assert event["identity"] == f"spiffe://home.test/{WEB}"
    assert (event["outcome"], event["reason"]) == ("refused", "certificate_untrusted")
    assert event["rule"].startswith("unknown_issuer")
    # An alert is on its way before it is counted.
    running.wait_for(lambda: counted(running)["unknown_issuer"] >= 30, "all are counted")
    # The first one at once; the others in one line a minute.
    assert len(refusals(running)) <= 2
    assert "unknown_issuer" in running.command("status").stdout
    shown_by_log = running.command("log", "--json", "--outcome", "refused").stdout
    assert "certificate_untrusted" in shown_by_log
    assert "certificate_untrusted" in running.command("log").stdout


def test_each_kind_of_refusal_has_its_reason(
    make: Callable[..., Resolver], home: TrustDomain, authority: Authority
) -> None:
    running = make(
        identity={"trust_domain": "own.test"}, client_certificates={"dot": "require", "doh": "ask"}
    )
    old_issuer = home.below("old", begins=-20 * DAY, ends=-DAY)
    revoked = home.svid("ns/shop/sa/revoked")
    home.revoked.append(revoked)
    running.write(home.write(running.documents))
    running.settle()
    server = running.server
    cases = [
        (Caller(), "certificate_missing", "no_certificate", None),
        (
            Caller(certificate=old_issuer.svid(home.id("ns/a/sa/b"))),
            "certificate_expired",
            "issuer_expired",
            home.id("ns/a/sa/b"),
        ),
        (
            Caller(certificate=home.svid("ns/a/sa/c", begins=DAY, ends=2 * DAY)),
            "certificate_not_yet_valid",
            "not_yet_valid",
            home.id("ns/a/sa/c"),
        ),
        (
            Caller(certificate=revoked),
            "certificate_revoked",
            "revoked",
            home.id("ns/shop/sa/revoked"),
        ),
        (
            Caller(certificate=home.svid("ns/a/sa/d", purposes=(SERVER,))),
            "certificate_invalid",
            "wrong_purpose",
            home.id("ns/a/sa/d"),
        ),
        (
            Caller(certificate=authority.make(Form(purposes=(CLIENT,)))),
            "certificate_invalid",
            "no_identity_in_certificate",
            None,
        ),
    ]
    for caller, *_ in cases:
        assert outcome_of(server, "dot", caller) not in ("answered", "no_identity")
    # A client that trusts another root, and one that speaks no TLS.
    context = ssl.create_default_context(cafile=str(home.root.root))
    context.set_alpn_protocols(["dot"])

    def refuse_us() -> None:
        with suppress(OSError), raw.secured(server.dot, context, server.name):
            pass

    with socket.create_connection(("127.0.0.1", server.dot), 10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        with suppress(ConnectionError):
            plain.recv(1)
    expected = {(reason, detail, claimed) for _, reason, detail, claimed in cases}
    expected |= {
        ("server_certificate_refused", "server_certificate_refused", None),
        ("handshake_failed", "not_tls", None),
    }

    def found() -> set[tuple[str, str, str | None]]:
        return {
            (event["reason"], event["rule"].split(",")[0], event["identity"])
            for event in refusals(running)
        }

    def all_written() -> bool:
        # Its alert may be lost where the reset of its connection overtakes it.
        refuse_us()
        return found() >= expected

    running.wait_for(all_written, f"the log has {expected}")
    assert found() == expected
    details = {detail for _, detail, _ in expected}
    running.wait_for(lambda: details <= counted(running).keys(), "each is counted")


def test_a_connection_that_the_mesh_listener_refuses_is_in_the_log(
    make: Callable[..., Resolver],
) -> None:
    """E2: from elsewhere than a sidecar, and from one that does not say who its client is."""
    running = make(mesh=SIDECARS)
    for source, said in ((UNLISTED, mesh.header(None)), (LISTED, b"GET / HTTP/1.1\r\n\r\n")):
        address = ("127.0.0.1", running.server.mesh)
        with socket.create_connection(address, 10, (source, 0)) as sock:
            sock.sendall(said)
            with suppress(ConnectionError):
                assert sock.recv(1) == b""

    def found() -> set[tuple[str, str]]:
        path = running.folder / "log" / "queries.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        rows = [json.loads(line) for line in lines if line.endswith("\n")]
        return {(row["client"], row["rule"]) for row in rows if row["reason"] == "sidecar_refused"}

    expected = {(UNLISTED, "untrusted_peer"), (LISTED, "malformed_header")}
    running.wait_for(lambda: found() == expected, f"the log has {expected}")
    once = {"untrusted_peer": 1, "malformed_header": 1}
    running.wait_for(lambda: counted(running, "mesh") == once, "both are counted")


def test_expired_is_a_reason_of_its_own_in_the_answer_and_in_the_log(
    make: Callable[..., Resolver], home: TrustDomain
) -> None:
    running = make()
    shown = Caller(certificate=home.svid(WEB, begins=-3 * DAY, ends=-DAY))
    assert outcome_of(running.server, "dot", shown) == "identity_expired"

    def written() -> bool:
        path = running.folder / "log" / "queries.jsonl"
        return path.exists() and '"identity_expired"' in path.read_text()

    running.wait_for(written, "the refusal is in the log")


def test_refused_handshakes_at_the_listeners_of_control_are_reported_and_counted(
    make: Callable[..., Resolver], home: TrustDomain
) -> None:
    link, enrollment = free_port(), free_port()
    running = make(
        link={"listen": [f"127.0.0.1:{link}"], "engines": ["engines/berlin"]},
        enrollment={"listen": [f"127.0.0.1:{enrollment}"]},
        api={"listen": []},
    )
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    other = ssl.create_default_context()
    other.check_hostname, other.verify_mode = False, ssl.CERT_NONE
    pair = home.svid(WEB)
    other.load_cert_chain(pair.certificate, pair.key)
    trusting_others = ssl.create_default_context(cafile=str(home.root.root))

    def connect(port: int, context: ssl.SSLContext) -> None:
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            secured.recv(1)

    for _ in range(20):
        connect(link, anybody)
    connect(link, other)
    missing = "it showed no certificate"
    untrusted = "no trusted authority issued its certificate"
    foreign = "it does not accept the certificate of this server"

    def has_counted() -> bool:
        # A client that closes before it has read everything resets the connection, which may
        # take its alert along.
        connect(enrollment, trusting_others)
        return foreign in counted(running, "enrollment")

    running.wait_for(has_counted, "enrollment has counted")
    running.wait_for(lambda: untrusted in counted(running, "link"), "the link has counted")
    running.wait_for(lambda: counted(running, "link").get(missing) == 20, "all are counted")
    output = running.program.output
    assert output.count(f"link refused a TLS connection from 127.0.0.1: {missing}") == 1
    assert f"link refused a TLS connection from 127.0.0.1: {untrusted}" in output
    assert f"enrollment refused a TLS connection from 127.0.0.1: {foreign}" in output
    assert missing in running.command("status").stdout
