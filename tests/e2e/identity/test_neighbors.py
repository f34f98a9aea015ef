"""An address proves nothing: neighbors are told apart, and who takes an address gets nothing."""

from contextlib import suppress

import dns.message
import httpx2
import pytest

from tests.e2e.identity.street import PAYMENTS, WEB, Street
from tests.world import mesh, raw
from tests.world.ask import Reply, Server
from tests.world.callers import HONEST, NOBODY, Caller, line
from tests.world.outcome import outcome_of, word

NAME = "www.example.org"
# Another machine, as far as the listener can tell.
ELSEWHERE = "127.0.0.2"


@pytest.mark.parametrize("way", ["dot", "doh1", "doh2"])
def test_two_workloads_at_one_address_get_different_verdicts(street: Street, way: str) -> None:
    query = dns.message.make_query(NAME, "A", use_edns=0)
    with (
        line(street.server, way, street.web) as web,
        line(street.server, way, street.payments) as payments,
    ):
        for _ in range(2):
            assert word(web(query)) == "answered"
            assert word(payments(query)) == "denied_by_default"


@pytest.mark.parametrize("way", ["dot", "doh1", "doh2", "cleartext1", "cleartext2"])
def test_a_stolen_address_gives_nothing(street: Street, way: str) -> None:
    # The address is that of both workloads, and one of which a policy speaks elsewhere.
    assert outcome_of(street.server, "tcp", NOBODY) == "answered"
    assert outcome_of(street.server, way, NOBODY) == "no_identity"


def _mesh(server: Server, header: bytes, source: str = "127.0.0.1") -> Reply | None:
    with raw.mesh(server, header, source) as stream:
        # The other side may close at once, before it has read anything.
        with suppress(ConnectionError):
            stream.send(dns.message.make_query(NAME, "A", use_edns=0).to_wire())
        octets = stream.receive()
    return None if octets is None else Reply(dns.message.from_wire(octets))


def test_a_sidecar_is_believed_about_the_trust_domains_that_it_may_name(street: Street) -> None:
    def said(identity: str | None) -> str:
        reply = _mesh(street.server, mesh.header(identity))
        assert reply is not None
        return word(reply)

    home, partner = street.made.home, street.made.partner
    assert said(home.id(WEB)) == "answered"
    assert said(home.id(PAYMENTS)) == "denied_by_default"
    # The partner's own certificates are believed; the sidecar's word about it is not.
    assert said(partner.id(WEB)) == "unreadable_identity"
    assert said("spiffe://elsewhere.test/ns/shop/sa/web") == "unreadable_identity"
    assert said(f"{home.id(WEB)}/../payments") == "unreadable_identity"
    assert said("web") == "unreadable_identity"


@pytest.mark.parametrize("identity", [None, "-", ""])
def test_a_sidecar_that_names_nobody_speaks_for_nobody(
    street: Street, identity: str | None
) -> None:
    # The address in the header is one of which a policy speaks.
    reply = _mesh(street.server, mesh.header(identity, source="127.0.0.1"))
    assert reply is not None
    assert reply.rcode == "REFUSED"
    assert word(reply) in ("no_identity", "unreadable_identity")


def test_a_peer_that_is_no_sidecar_cannot_forward_an_identity(street: Street) -> None:
    header = mesh.header(street.made.home.id(WEB))
    assert _mesh(street.server, header, source=ELSEWHERE) is None
    said = {"x-forwarded-client-cert": f"URI={street.made.home.id(WEB)}"}
    assert _forwarded(street.server, said, ELSEWHERE) == "unreadable_identity"
    assert _forwarded(street.server, said, "127.0.0.1") == "answered"


def test_a_mesh_connection_without_a_header_is_closed(street: Street) -> None:
    query = dns.message.make_query(NAME, "A").to_wire()
    assert _mesh(street.server, len(query).to_bytes(2, "big") + query) is None


@pytest.mark.parametrize(
    "value",
    [
        "URI={web},URI={payments}",
        "URI={web};URI={payments}",
        "By=spiffe://keyhole.test/ns/keyhole/sa/resolver",
        "URI=",
        "URI=https://keyhole.test/web",
        'Subject="URI={web}"',
        "{web}",
        "",
    ],
)
def test_a_forwarded_certificate_that_is_not_exactly_one_is_nobodys(
    street: Street, value: str
) -> None:
    home = street.made.home
    text = value.format(web=home.id(WEB), payments=home.id(PAYMENTS))
    said = {"x-forwarded-client-cert": text}
    assert _forwarded(street.server, said, "127.0.0.1") == "unreadable_identity"


def test_two_headers_with_forwarded_certificates_are_nobodys(street: Street) -> None:
    header = ("x-forwarded-client-cert", f"URI={street.made.home.id(WEB)}")
    assert _forwarded(street.server, [header, header], "127.0.0.1") == "unreadable_identity"


@pytest.mark.parametrize("way", ["doh1", "doh2"])
def test_over_tls_a_client_cannot_forward_a_certificate(street: Street, way: str) -> None:
    # What counts there is the certificate of the connection itself.
    said = {"x-forwarded-client-cert": f"URI={street.made.home.id(WEB)}"}
    base = f"https://127.0.0.1:{street.server.doh}"
    assert _post(street.server, base, said, way.endswith("2")) == "no_identity"
    assert (
        _post(street.server, base, said, way.endswith("2"), street.payments) == "denied_by_default"
    )


def _forwarded(server: Server, headers: dict[str, str] | list[tuple[str, str]], source: str) -> str:
    base = f"http://127.0.0.1:{server.doh_cleartext}"
    return _post(server, base, headers, source=source)


def _post(
    server: Server,
    base: str,
    headers: dict[str, str] | list[tuple[str, str]],
    two: bool = False,
    caller: Caller = NOBODY,
    source: str = "127.0.0.1",
) -> str:
    transport = httpx2.HTTPTransport(
        verify=HONEST.context(server, caller), http1=not two, http2=two, local_address=source
    )
    query = dns.message.make_query(NAME, "A", use_edns=0)
    with httpx2.Client(base_url=base, transport=transport, headers=headers) as client:
        response = client.post(
            server.path,
            content=query.to_wire(),
            headers={"content-type": "application/dns-message"},
        )
    assert response.status_code == 200, response
    return word(Reply(dns.message.from_wire(response.content)))
