"""Every route of Pi-hole's API, and everybody who must not use it.

The routes are not in the OpenAPI file, so the matrix is made from the doors.
"""

from typing import Any

import pytest

from keyhole.accounts import ClientInfo
from keyhole.api.access import PIHOLE_PUBLIC, PUBLIC, RouteAccess
from keyhole.api.application import ALL_ROUTES, API_ROUTES
from keyhole.api.middleware import NetworkAccess, middleware_stack
from keyhole.api.pihole import PiholeSessions, is_pihole, sessions
from keyhole.model.address import read_network
from keyhole.model.role import Role
from tests.unit.accounts.conftest import BY, House
from tests.unit.api.conftest import LET_IN, Front

ROUTES = [door for door in ALL_ROUTES.all if is_pihole(door.place[1])]
GUARDED = [door for door in ROUTES if not door.is_public]
HERE = ClientInfo("192.0.2.1", "test")

each_route = pytest.mark.parametrize("door", GUARDED, ids=lambda door: " ".join(door.place))


class Pihole(Front):
    """A front door that knows Pi-hole's API."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.seats = PiholeSessions(house.accounts)
        networks = [read_network("192.0.2.0/24")]
        rules = NetworkAccess(networks, [], ["keyhole.example.org"])
        self.app = middleware_stack(self.behind, ALL_ROUTES, house.accounts, rules, self.seats)

    def sit(self, role: Role, name: str, **wanted: Any) -> dict[str, str]:
        """The header of a seat by a new token."""
        bearer = self.token(role, name, **wanted)["authorization"]
        sid = self.seats.sit(bearer.removeprefix("Bearer "), HERE)
        assert sid is not None
        return {"x-ftl-sid": sid}


@pytest.fixture(scope="module")
def pihole(house: House) -> Pihole:
    """One for all routes."""
    return Pihole(house)


def _ask(pihole: Pihole, door: RouteAccess, headers: dict[str, str], **more: Any) -> int:
    method, path = door.place
    return pihole.ask(method, path, headers=headers, **more).status_code


def test_the_public_routes_are_those_by_which_one_gets_a_seat() -> None:
    assert {door.place for door in ROUTES if door.is_public} == PIHOLE_PUBLIC
    assert not PIHOLE_PUBLIC & PUBLIC
    assert not any(is_pihole(door.place[1]) for door in API_ROUTES.all), "off unless it is wanted"


def test_every_route_says_its_role() -> None:
    assert {door.role for door in GUARDED} == {Role.VIEWER, Role.OPERATOR}
    switches = [door for door in GUARDED if door.place[0] != "GET"]
    assert all(door.role is Role.OPERATOR for door in switches)


@each_route
def test_whoever_has_no_good_seat_is_refused(
    pihole: Pihole, house: House, door: RouteAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    administration, name = house.accounts.administration, f"t{GUARDED.index(door)}"
    revoked = pihole.sit(Role.ADMINISTRATOR, f"{name}-revoked")
    administration.revoke_token(f"{name}-revoked", BY)
    elsewhere = pihole.sit(
        Role.ADMINISTRATOR, f"{name}-here", networks=[read_network("192.0.2.1/32")]
    )
    left = pihole.sit(Role.ADMINISTRATOR, f"{name}-left")
    pihole.seats.leave(left["x-ftl-sid"])
    monkeypatch.setattr(sessions, "VALID_SECONDS", -1)
    expired = pihole.sit(Role.ADMINISTRATOR, f"{name}-expired")
    monkeypatch.undo()
    ended = pihole.sit(Role.ADMINISTRATOR, f"{name}-ended", ends=int(house.clock.now) + 60)
    monkeypatch.setattr(house.clock, "now", house.clock.now + 61)
    assert _ask(pihole, door, ended) == 401, "the token has ended, and its seat with it"
    for wrong in ({}, {"x-ftl-sid": "wrong"}, {"sid": "x" * 600}, revoked, left, expired):
        assert _ask(pihole, door, wrong) == 401, wrong
    assert _ask(pihole, door, elsewhere, address="192.0.2.2") == 401
    bearer = pihole.token(Role.ADMINISTRATOR, f"{name}-bearer")
    assert _ask(pihole, door, bearer) == 401, "a token alone is for our own API"


@each_route
def test_whoever_has_a_good_one_is_let_in_from_the_right_place_alone(
    pihole: Pihole, door: RouteAccess
) -> None:
    name = f"g{GUARDED.index(door)}"
    good = pihole.sit(Role.OPERATOR, f"{name}-operator")
    assert _ask(pihole, door, good) == LET_IN
    short = {"sid": good["x-ftl-sid"], "content-type": "text/plain"}
    assert _ask(pihole, door, short) == LET_IN, "also in the short form, and as plain text"
    assert _ask(pihole, door, good, address="198.51.100.1") == 403
    assert _ask(pihole, door, good, base="https://evil.example") == 421
    viewer = pihole.sit(Role.VIEWER, f"{name}-viewer")
    wanted = LET_IN if door.role is Role.VIEWER else 403
    assert _ask(pihole, door, viewer) == wanted
    if door.place[0] != "GET":
        assert _ask(pihole, door, {**good, "origin": "https://evil.example"}) == 403
        assert _ask(pihole, door, {**good, "sec-fetch-site": "cross-site"}) == 403


@pytest.mark.parametrize("place", sorted(PIHOLE_PUBLIC), ids=" ".join)
def test_routes_for_everybody_are_so_from_the_right_place_alone(
    pihole: Pihole, place: tuple[str, str]
) -> None:
    method, path = place
    assert pihole.ask(method, path).status_code == LET_IN
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


def test_seats_are_bounded_and_the_oldest_makes_room(
    pihole: Pihole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAX_PER_TOKEN", 2)
    secret = pihole.token(Role.VIEWER, "busy")["authorization"].removeprefix("Bearer ")
    sids = [pihole.seats.sit(secret, HERE) for _ in range(3)]
    alive = [bool(sid and pihole.seats.token_of(sid, HERE.address)) for sid in sids]
    assert alive == [False, True, True]


def test_guessing_is_slowed_down_at_its_place_alone(house: House) -> None:
    from keyhole.accounts import RateLimitedError

    fresh = PiholeSessions(house.accounts)
    guesser = ClientInfo("192.0.2.66", "guesser")
    tries = (fresh.sit("khp_wrong", guesser) for _ in range(100))
    with pytest.raises(RateLimitedError):
        any(tries)
    assert fresh.sit("khp_wrong", ClientInfo("192.0.2.67", "somebody else")) is None
