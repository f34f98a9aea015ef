"""The application: every route below ``/api/v1``."""

import json
import re
from typing import Any

from fastapi import APIRouter, FastAPI

from keyhole import __version__
from keyhole.api import (
    audit,
    clear,
    client_tokens,
    clients,
    decisions,
    document_export,
    documents,
    engines,
    enrollments,
    events,
    evidence,
    explain,
    findings,
    graph,
    health,
    identities,
    imports,
    list_preview,
    list_use,
    lists,
    login,
    oidc,
    pauses,
    people,
    pihole,
    profiles,
    proof,
    quarantines,
    queries,
    query_counts,
    second_factor,
    sessions,
    settings,
    simulate,
    statistics,
    status,
    tokens,
    upstreams,
)
from keyhole.api.access import RouteTable
from keyhole.api.pagination import Page
from keyhole.api.pihole import PiholeSessions
from keyhole.api.problem import MEDIA_TYPE, ProblemDocument, install_problems
from keyhole.control.services import Services

PREFIX = "/api/v1"
ROUTERS: tuple[APIRouter, ...] = (
    status.router,
    settings.router,
    upstreams.router,
    engines.router,
    events.router,
    evidence.router,
    document_export.router,
    documents.router,
    audit.router,
    pauses.router,
    decisions.router,
    quarantines.router,
    imports.router,
    list_preview.router,
    list_use.router,
    lists.router,
    queries.router,
    query_counts.router,
    explain.router,
    findings.router,
    simulate.router,
    statistics.router,
    graph.router,
    clients.router,
    clear.router,
    identities.router,
    enrollments.router,
    client_tokens.router,
    profiles.router,
    proof.router,
    login.router,
    second_factor.router,
    sessions.router,
    people.router,
    tokens.router,
    oidc.router,
    health.router,
)
API_ROUTES = RouteTable((PREFIX, router) for router in ROUTERS)
"""The routes of Keyhole's own API."""
ALL_ROUTES = RouteTable(
    [
        *((PREFIX, router) for router in ROUTERS),
        *((pihole.PREFIX, router) for router in pihole.ROUTERS),
    ]
)
"""The same routes, and those of Pi-hole's API."""


def make_application(
    services: Services | None, pihole_sessions: PiholeSessions | None = None
) -> FastAPI:
    """The application on the services of control; without them it can only describe itself. With
    ``pihole_sessions`` it serves Pi-hole's API too."""
    app = FastAPI(
        title="Keyhole",
        version=__version__,
        description="Zero-trust DNS: documents, lists, queries and accounts.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # Each path has exactly one spelling.
        redirect_slashes=False,
        # Short names that stay when a path changes: generated clients call them.
        generate_unique_id_function=lambda route: route.name,
        # All errors have the same format.
        responses={"4XX": {"model": ProblemDocument}, "5XX": {"model": ProblemDocument}},
    )
    app.state.services = services
    install_problems(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.state.pihole_sessions = pihole_sessions
    if pihole_sessions is not None:
        pihole.install_errors(app)
        for router in pihole.ROUTERS:
            app.include_router(router, prefix=pihole.PREFIX)
    return app


def describe() -> dict[str, Any]:
    """The OpenAPI document. ``x-keyhole-role`` is the minimum role of a route, ``public`` if it
    needs no authentication."""
    written = json.dumps(make_application(None).openapi())
    # FastAPI writes Page_Pause_ and Page[Pause]; generated clients get PausePage.
    document: dict[str, Any] = json.loads(re.sub(r"Page[_\[](\w+?)[_\]]", r"\1Page", written))
    components = document["components"]
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-keyhole"},
    }
    for route in API_ROUTES.all:
        method, path = route.endpoint
        operation = document["paths"][path][method.lower()]
        role = route.role and route.role.word
        operation["x-keyhole-role"] = "public" if route.is_public else role
        operation["security"] = [] if route.is_public else [{"token": []}, {"session": []}]
        _document_problems(operation["responses"])
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    for schema in components["schemas"].values():
        # Generic models do not inherit a docstring.
        schema.setdefault("description", Page.__doc__)
    return document


def _document_problems(responses: dict[str, Any]) -> None:
    """Documents errors with our media type; FastAPI would document a format of its own."""
    responses.pop("422", None)
    for kind in ("4XX", "5XX"):
        content = responses[kind]["content"]
        responses[kind]["content"] = {MEDIA_TYPE: content.pop("application/json")}
