"""Every route of the OpenAPI document, with every kind of caller that must not use it.

A new route is in the document, so this test covers it. A route without a role refuses everybody.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from keyhole.api.access import PUBLIC
from keyhole.api.application import API_ROUTES
from keyhole.model.address import read_network
from keyhole.model.role import Role
from tests.unit.accounts.conftest import BY, HOME, House
from tests.unit.api.conftest import ACCEPTED, HEADER, MiddlewareClient

DOCUMENT = json.loads((Path(__file__).parents[3] / "schema" / "openapi.json").read_text())


class Route(NamedTuple):
    """A method and path of the OpenAPI document."""

    method: str
    path: str
    role: str | None

    @property
    def example(self) -> str:
        """The path with 1 for each parameter."""
        return re.sub(r"\{[^}]+\}", "1", self.path)


ROUTES = [
    Route(method.upper(), path, operation["x-keyhole-role"])
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
GUARDED = [one for one in ROUTES if one.role != "public"]

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def shared(house: House) -> MiddlewareClient:
    """One middleware for all routes."""
    return MiddlewareClient(house)


@pytest.fixture
def client(shared: MiddlewareClient) -> MiddlewareClient:
    """The same, without recorded requests."""
    shared.routes.reached.clear()
    return shared


def _ask(client: MiddlewareClient, route: Route, **request: Any) -> Any:
    headers = {**HEADER, **request.pop("headers", {})}
    return client.ask(route.method, route.example, headers=headers, **request)


def _lower(role: str) -> Role | None:
    wanted = Role.of(role)
    return Role(wanted - 1) if wanted > Role.VIEWER else None


def _token(client: MiddlewareClient, role: Role, name: str, **wanted: Any) -> dict[str, str]:
    administration = client.house.accounts.administration
    if name in {one.name for one in administration.tokens()}:
        administration.revoke_token(name, BY)
    return client.token(role, name, **wanted)


def _session(client: MiddlewareClient) -> str:
    return client.house.log_in("root", client=HOME)


def _cookie(secret: str) -> dict[str, str]:
    return {"cookie": f"__Host-keyhole={secret}"}


@pytest.fixture(scope="module")
def everybody(shared: MiddlewareClient) -> dict[str, tuple[dict[str, str], int]]:
    """Headers of callers that must reach no route, and the status that each of them gets."""
    client = shared
    house, administration = client.house, client.house.accounts.administration
    idle = _session(client)
    house.clock.now += 601
    logged_out, ended = _session(client), _session(client)
    session = house.accounts.logins.session(logged_out, HOME)
    assert session is not None
    house.accounts.logins.log_out(session, BY)
    at_end = house.accounts.logins.session(ended, HOME)
    assert at_end is not None
    administration.end_session(at_end.id, BY)
    expired = _token(client, Role.ADMINISTRATOR, "expired", ends=int(house.clock.now))
    revoked = _token(client, Role.ADMINISTRATOR, "revoked")
    administration.revoke_token("revoked", BY)
    elsewhere = [read_network("198.51.100.0/24")]
    from_elsewhere = _token(client, Role.ADMINISTRATOR, "elsewhere", networks=elsewhere)
    good = _session(client)
    return {
        "nobody": ({}, 401),
        "a session that was idle": (_cookie(idle), 401),
        "a session that logged out": (_cookie(logged_out), 401),
        "a session that was ended": (_cookie(ended), 401),
        "a session without its prefix": ({"cookie": f"keyhole={good}"}, 401),
        "a secret that is none": (_cookie("x" * 43), 401),
        "a secret that is too long": (_cookie("x" * 4_000), 401),
        "a token that has expired": (expired, 401),
        "a token that was revoked": (revoked, 401),
        "a token for elsewhere": (from_elsewhere, 403),
        "a token that is none": ({"authorization": "Bearer khp_x"}, 401),
        "a password in place of a token": ({"authorization": "Basic cm9vdDp4"}, 401),
        "a session as a token": ({"authorization": f"Bearer {good}"}, 401),
    }


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_a_caller_without_authentication_reaches_no_route(
    client: MiddlewareClient, everybody: dict[str, tuple[dict[str, str], int]], route: Route
) -> None:
    for who, (headers, status) in everybody.items():
        answer = _ask(client, route, headers=headers)
        assert answer.status_code == status, who
        assert answer.json()["status"] == status
        assert ("www-authenticate" in answer.headers) is (status == 401)
    assert client.routes.reached == []


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_a_route_accepts_its_role_and_higher_ones(client: MiddlewareClient, route: Route) -> None:
    assert route.role is not None
    lower = _lower(route.role)
    if lower is not None:
        answer = _ask(client, route, headers=_token(client, lower, "lower"))
        assert answer.status_code == 403
        assert answer.json()["type"].endswith("role_too_low")
    assert client.routes.reached == []
    answer = _ask(client, route, headers=_token(client, Role.of(route.role), "right"))
    assert answer.status_code == ACCEPTED


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_no_route_is_reached_from_a_wrong_address_or_with_a_wrong_host(
    client: MiddlewareClient, route: Route
) -> None:
    token = _token(client, Role.ADMINISTRATOR, "good")
    wrong = [
        ({"address": "198.51.100.9"}, 403),
        ({"address": "2001:db8::1"}, 403),
        ({"base": "https://evil.example.org"}, 421),
        ({"base": "https://keyhole.example.org.evil.example"}, 421),
        ({"base": "http://keyhole.example.org"}, 403),
    ]
    for how, status in wrong:
        answer = _ask(client, route, headers=token, **how)
        assert answer.status_code == status, how
    assert client.routes.reached == []


@pytest.mark.parametrize("route", [one for one in ROUTES if one.method != "GET"], ids=str)
def test_a_foreign_page_cannot_change_anything(client: MiddlewareClient, route: Route) -> None:
    cookie = _cookie(_session(client))
    wrong: list[tuple[dict[str, str], int]] = [
        (cookie, 403),
        ({**cookie, **HEADER, "origin": "https://evil.example.org"}, 403),
        ({**cookie, **HEADER, "origin": "null"}, 403),
        ({**cookie, **HEADER, "origin": "http://keyhole.example.org"}, 403),
        ({**cookie, **HEADER, "origin": "https://keyhole.example.org:444"}, 403),
        ({**cookie, **HEADER, "sec-fetch-site": "cross-site"}, 403),
        ({**cookie, **HEADER, "sec-fetch-site": "same-site"}, 403),
        ({**cookie, **HEADER, "content-type": "text/plain"}, 415),
        ({**cookie, **HEADER, "content-type": "application/x-www-form-urlencoded"}, 415),
        ({**cookie, **HEADER, "content-type": "multipart/form-data; boundary=x"}, 415),
    ]
    for headers, status in wrong:
        answer = client.ask(route.method, route.example, headers=headers)
        assert answer.status_code == status, headers
    assert client.routes.reached == []


def test_a_one_time_password_only_allows_to_set_another(client: MiddlewareClient) -> None:
    house = client.house
    password = house.accounts.administration.add("newcomer", Role.ADMINISTRATOR, BY)
    cookie = _cookie(house.log_in("newcomer", password))
    let_in = set()
    for route in GUARDED:
        answer = _ask(client, route, headers=cookie)
        if answer.status_code == ACCEPTED:
            let_in.add((route.method, route.path))
        else:
            assert answer.json()["type"].endswith("password_change_needed")
    assert let_in == {
        ("GET", "/api/v1/session"),
        ("DELETE", "/api/v1/session"),
        ("PUT", "/api/v1/session/password"),
    }


def test_the_public_routes_are_these_and_no_others() -> None:
    public = {(one.method, one.path) for one in ROUTES if one.role == "public"}
    assert public == PUBLIC


def test_the_openapi_document_has_every_route_with_a_role_and_no_other() -> None:
    assert {route.endpoint for route in API_ROUTES.all} == {
        (one.method, one.path) for one in ROUTES
    }
    assert [one for one in ROUTES if one.role is None] == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND", "GET"])
def test_unknown_paths_are_hidden_from_callers_without_authentication(
    client: MiddlewareClient, method: str
) -> None:
    for path in ("/", "/api/v1/people", "/api/v1/nothing", "/api/v2/people", "/metrics"):
        assert client.ask(method, path, headers=HEADER).status_code == 401
    assert client.routes.reached == []
