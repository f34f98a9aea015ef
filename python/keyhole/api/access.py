"""Which role each route needs, and which routes are for everybody."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import compile_path

from keyhole.model.role import Role

PUBLIC = frozenset(
    {
        ("GET", "/api/v1/health"),
        ("POST", "/api/v1/session"),
        ("GET", "/api/v1/oidc"),
        ("GET", "/api/v1/oidc/login"),
        ("GET", "/api/v1/oidc/callback"),
    }
)
"""Routes by which one becomes known, and the one that only says that something lives. A route that
has no role and is not here is refused to everybody who comes over the network."""

PIHOLE_PUBLIC = frozenset(
    {
        ("POST", "/api/auth"),
        ("GET", "/api/auth"),
        ("DELETE", "/api/auth"),
        ("GET", "/api/info/login"),
    }
)
"""Those of Pi-hole's API, where that is on: by which one gets, looks at and gives up a seat."""


Mounted = Iterable[tuple[str, APIRouter]]
"""Routers, each with the beginning of its paths."""


@dataclass(frozen=True)
class RouteAccess:
    """A method of a route; ``place`` is the method and the path, with its parameters."""

    endpoint: tuple[str, str]
    role: Role | None
    pattern: re.Pattern[str]

    @property
    def is_public(self) -> bool:
        """Whether nobody has to be believed."""
        return self.endpoint in PUBLIC | PIHOLE_PUBLIC


class RouteTable:
    """All routes of an application, in the order in which they are tried."""

    def __init__(self, mounted: Mounted) -> None:
        self.all = tuple(
            RouteAccess(
                (method, prefix + route.path), role_of(route), compile_path(prefix + route.path)[0]
            )
            for prefix, router in mounted
            for route in router.routes
            if isinstance(route, APIRoute)
            for method in sorted(route.methods or ())
        )

    def find(self, method: str, path: str) -> RouteAccess | None:
        """The one that the application will open for a request, if any."""
        for route in self.all:
            if route.endpoint[0] == method and route.pattern.match(path):
                return route
        return None


def role_of(route: APIRoute) -> Role | None:
    """The role that a route asks for."""
    roles = [getattr(one.call, "role", None) for one in route.dependant.dependencies]
    return next((one for one in roles if isinstance(one, Role)), None)
