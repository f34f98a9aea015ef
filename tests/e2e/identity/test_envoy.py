"""Envoy as a sidecar: it ends mutual TLS, and Keyhole decides by whom it vouches for."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import dns.message
import pytest

from tests.e2e.identity.street import PAYMENTS, WEB, Street
from tests.world import raw
from tests.world.ask import Server
from tests.world.callers import HONEST, NOBODY, Caller
from tests.world.envoy import Sidecar, needs_envoy, sidecar
from tests.world.outcome import outcome_of
from tests.world.waiting import until

pytestmark = needs_envoy
OTHER = "ns/shop/sa/other"


@pytest.fixture(scope="module")
def envoy(street: Street, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    """One Envoy in front of the resolver."""
    home, server = street.made.home, street.server
    pair = home.server("resolver.example.org", "*.resolver.example.org", "127.0.0.1")
    allowed = [home.id(path) for path in (WEB, PAYMENTS)]
    folder = tmp_path_factory.mktemp("envoy")
    root = home.root.root
    with sidecar(folder, pair, root, server.mesh, server.doh_cleartext, allowed) as running:
        yield running


@pytest.fixture(scope="module")
def behind(street: Street, envoy: Sidecar) -> Server:
    """Where clients find Keyhole: at the ports of Envoy."""
    root = street.made.home.root.root
    return replace(street.server, dot=envoy.dns, doh=envoy.doh, ca=root)


@pytest.mark.parametrize("way", ["dot", "doh1", "doh2"])
def test_keyhole_decides_by_the_identity_that_envoy_has_seen(
    street: Street, behind: Server, way: str
) -> None:
    for _ in range(2):
        assert outcome_of(behind, way, street.web) == "answered"
        assert outcome_of(behind, way, street.payments) == "denied_by_default"


def test_who_is_not_in_envoys_rules_does_not_reach_keyhole(
    street: Street, envoy: Sidecar, behind: Server
) -> None:
    other = Caller(certificate=street.made.home.svid(OTHER))
    before = envoy.denied()
    with raw.tls(behind, HONEST.context(behind, other, "dot")) as stream:
        stream.send(dns.message.make_query("www.example.org", "A").to_wire())
        until(lambda: envoy.denied() == before + 1, "Envoy refuses the connection")
        stream.sock.setblocking(False)
        with suppress(OSError):
            assert stream.sock.recv(1) == b""
    # Where Envoy lets everybody through that it knows, Keyhole does not.
    assert outcome_of(behind, "doh2", other) == "no_policy"


@pytest.mark.parametrize("way", ["dot", "doh2"])
def test_who_has_no_certificate_does_not_get_past_envoy(behind: Server, way: str) -> None:
    assert outcome_of(behind, way, NOBODY) == "certificate required"


def test_a_certificate_of_another_authority_does_not_get_past_envoy(
    street: Street, behind: Server
) -> None:
    stranger = Caller(certificate=street.made.stranger.svid(WEB))
    assert outcome_of(behind, "dot", stranger) in ("unknown ca", "certificate unknown")
