"""All routes of Pi-hole's API that Keyhole serves."""

from fastapi import APIRouter

from keyhole.api.pihole import auth, blocking, documents, info, padd, queries, stats

ROUTERS: tuple[APIRouter, ...] = (
    auth.router,
    blocking.router,
    stats.router,
    queries.router,
    info.router,
    documents.router,
    padd.router,
)
