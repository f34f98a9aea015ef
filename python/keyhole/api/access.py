"""The role that each route needs, and the routes that need no authentication."""

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
        ("POST", "/api/v1/session/link"),
        ("GET", "/api/v1/oidc"),
        ("GET", "/api/v1/oidc/login"),
        ("GET", "/api/v1/oidc/callback"),
    }
)
"""The routes for login, and the health check. A route without a role that is not listed here is
refused to every caller from the network."""

PIHOLE_PUBLIC = frozenset(
    {
        ("POST", "/api/auth"),
        ("GET", "/api/auth"),
        ("DELETE", "/api/auth"),
        ("GET", "/api/info/login"),
    }
)
"""The routes of Pi-hole's API that open, check and close a session."""


Mounted = Iterable[tuple[str, APIRouter]]
"""Routers, each with the prefix of its paths."""


@dataclass(frozen=True)
class RouteAccess:
    """Who may call a route; ``endpoint`` is its method and its path with parameters."""

    endpoint: tuple[str, str]
    role: Role | None
    pattern: re.Pattern[str]

    @property
    def is_public(self) -> bool:
        """Whether the route needs no authentication."""
        return self.endpoint in PUBLIC | PIHOLE_PUBLIC


class RouteTable:
    """All routes of an application, in the order of matching."""

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
        """The route that the application uses for a request, if any."""
        for route in self.all:
            if route.endpoint[0] == method and route.pattern.match(path):
                return route
        return None


def role_of(route: APIRoute) -> Role | None:
    """The role that a route requires."""
    roles = [getattr(one.call, "role", None) for one in route.dependant.dependencies]
    return next((one for one in roles if isinstance(one, Role)), None)
