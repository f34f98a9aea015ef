"""Every route of Pi-hole's API, with every kind of caller that must not use it.

These routes are not in the OpenAPI document, so the matrix comes from the route table.
"""

from contextlib import suppress
from typing import Any

import pytest

from keyhole.accounts import ClientInfo, RateLimitedError
from keyhole.accounts.login_limits import TOKEN, TOKENS
from keyhole.api.access import PIHOLE_PUBLIC, PUBLIC, RouteAccess
from keyhole.api.application import ALL_ROUTES, API_ROUTES
from keyhole.api.middleware import NetworkAccess, middleware_stack
from keyhole.api.pihole import PiholeSessions, is_pihole, sessions
from keyhole.model.address import read_network
from keyhole.model.role import Role
from tests.unit.accounts.conftest import BY, House
from tests.unit.api.conftest import ACCEPTED, MiddlewareClient

ROUTES = [route for route in ALL_ROUTES.all if is_pihole(route.endpoint[1])]
GUARDED = [route for route in ROUTES if not route.is_public]
HERE = ClientInfo("192.0.2.1", "test")

each_route = pytest.mark.parametrize("route", GUARDED, ids=lambda route: " ".join(route.endpoint))


class Pihole(MiddlewareClient):
    """The middleware with Pi-hole's API."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.sessions = PiholeSessions(house.accounts)
        networks = [read_network("192.0.2.0/24")]
        rules = NetworkAccess(networks, [], ["keyhole.example.org"])
        self.app = middleware_stack(self.routes, ALL_ROUTES, house.accounts, rules, self.sessions)

    def open(self, role: Role, name: str, **wanted: Any) -> dict[str, str]:
        """The session header for a new token."""
        bearer = self.token(role, name, **wanted)["authorization"]
        sid = self.sessions.open(bearer.removeprefix("Bearer "), HERE)
        assert sid is not None
        return {"x-ftl-sid": sid}


@pytest.fixture(scope="module")
def pihole(house: House) -> Pihole:
    """One middleware for all routes."""
    return Pihole(house)


def _ask(pihole: Pihole, route: RouteAccess, headers: dict[str, str], **more: Any) -> int:
    method, path = route.endpoint
    return pihole.ask(method, path, headers=headers, **more).status_code


def test_the_public_routes_are_those_for_sessions() -> None:
    assert {route.endpoint for route in ROUTES if route.is_public} == PIHOLE_PUBLIC
    assert not PIHOLE_PUBLIC & PUBLIC
    assert not any(is_pihole(route.endpoint[1]) for route in API_ROUTES.all), (
        "off unless it is wanted"
    )


def test_every_route_has_a_role() -> None:
    assert {route.role for route in GUARDED} == {Role.VIEWER, Role.OPERATOR}
    switches = [route for route in GUARDED if route.endpoint[0] != "GET"]
    assert all(route.role is Role.OPERATOR for route in switches)


@each_route
def test_a_caller_without_a_valid_session_is_refused(
    pihole: Pihole, house: House, route: RouteAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    administration, name = house.accounts.administration, f"t{GUARDED.index(route)}"
    revoked = pihole.open(Role.ADMINISTRATOR, f"{name}-revoked")
    administration.revoke_token(f"{name}-revoked", BY)
    elsewhere = pihole.open(
        Role.ADMINISTRATOR, f"{name}-here", networks=[read_network("192.0.2.1/32")]
    )
    left = pihole.open(Role.ADMINISTRATOR, f"{name}-left")
    pihole.sessions.close(left["x-ftl-sid"])
    monkeypatch.setattr(sessions, "VALID_SECONDS", -1)
    expired = pihole.open(Role.ADMINISTRATOR, f"{name}-expired")
    monkeypatch.undo()
    ended = pihole.open(Role.ADMINISTRATOR, f"{name}-ended", ends=int(house.clock.now) + 60)
    monkeypatch.setattr(house.clock, "now", house.clock.now + 61)
    assert _ask(pihole, route, ended) == 401, "the token has ended, and its session with it"
    for wrong in ({}, {"x-ftl-sid": "wrong"}, {"sid": "x" * 600}, revoked, left, expired):
        assert _ask(pihole, route, wrong) == 401, wrong
    assert _ask(pihole, route, elsewhere, address="192.0.2.2") == 401
    bearer = pihole.token(Role.ADMINISTRATOR, f"{name}-bearer")
    assert _ask(pihole, route, bearer) == 401, "a token alone is for our own API"


@each_route
def test_a_caller_with_a_valid_session_is_accepted_from_its_network_only(
    pihole: Pihole, route: RouteAccess
) -> None:
    name = f"g{GUARDED.index(route)}"
    good = pihole.open(Role.OPERATOR, f"{name}-operator")
    assert _ask(pihole, route, good) == ACCEPTED
    short = {"sid": good["x-ftl-sid"], "content-type": "text/plain"}
    assert _ask(pihole, route, short) == ACCEPTED, "also in the short form, and as plain text"
    assert _ask(pihole, route, good, address="198.51.100.1") == 403
    assert _ask(pihole, route, good, base="https://evil.example") == 421
    viewer = pihole.open(Role.VIEWER, f"{name}-viewer")
    wanted = ACCEPTED if route.role is Role.VIEWER else 403
    assert _ask(pihole, route, viewer) == wanted
    if route.endpoint[0] != "GET":
        assert _ask(pihole, route, {**good, "origin": "https://evil.example"}) == 403
        assert _ask(pihole, route, {**good, "sec-fetch-site": "cross-site"}) == 403


@pytest.mark.parametrize("endpoint", sorted(PIHOLE_PUBLIC), ids=" ".join)
def test_public_routes_are_open_to_allowed_networks_only(
    pihole: Pihole, endpoint: tuple[str, str]
) -> None:
    method, path = endpoint
    assert pihole.ask(method, path).status_code == ACCEPTED
    for status, wrong in (
        (403, {"address": "198.51.100.1"}),
        (421, {"base": "https://evil.example"}),
    ):
        refused = pihole.ask(method, path, **wrong)
        assert refused.status_code == status
        assert set(refused.json()["error"]) == {"key", "message", "hint"}
    if method != "GET":
        evil = {"origin": "https://evil.example"}
        assert pihole.ask(method, path, headers=evil).status_code == 403


def test_the_number_of_sessions_is_limited_and_a_new_one_replaces_the_oldest(
    pihole: Pihole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAX_PER_TOKEN", 2)
    secret = pihole.token(Role.VIEWER, "busy")["authorization"].removeprefix("Bearer ")
    sids = [pihole.sessions.open(secret, HERE) for _ in range(3)]
    alive = [bool(sid and pihole.sessions.token_of(sid, HERE.address)) for sid in sids]
    assert alive == [False, True, True]


def test_guessing_is_limited_for_its_address_only(house: House) -> None:
    from keyhole.accounts import RateLimitedError

    fresh = PiholeSessions(house.accounts)
    guesser = ClientInfo("192.0.2.66", "guesser")
    tries = (fresh.open("khp_wrong", guesser) for _ in range(100))
    with pytest.raises(RateLimitedError):
        any(tries)
    assert fresh.open("khp_wrong", ClientInfo("192.0.2.67", "somebody else")) is None


def test_a_right_token_never_waits_for_the_dead_ones_of_its_address(pihole: Pihole) -> None:
    """F5: a dead token brakes itself; no number of them brakes a right one, nor a login."""
    for _ in range(TOKEN.free):
        assert pihole.sessions.open("dead", HERE) is None
    with pytest.raises(RateLimitedError):
        pihole.sessions.open("dead", HERE)
    assert pihole.sessions.open("another", HERE) is None
    for number in range(TOKENS.free):
        with suppress(RateLimitedError):
            pihole.sessions.open(f"dead{number}", HERE)
    with pytest.raises(RateLimitedError):
        pihole.sessions.open("one more", HERE)
    assert pihole.open(Role.VIEWER, "alive")
    limits = pihole.house.accounts.context.login_limits
    limits.password("anna", "192.0.2.1", is_known=False).succeeded()
