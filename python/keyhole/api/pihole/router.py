"""All routes of Pi-hole's API that Keyhole serves."""

from fastapi import APIRouter

from keyhole.api.pihole import auth, blocking, info, queries, stats

ROUTERS: tuple[APIRouter, ...] = (
    auth.router,
    blocking.router,
    stats.router,
    queries.router,
    info.router,
)
