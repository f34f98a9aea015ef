"""All routes of Pi-hole's API that Keyhole has."""

from fastapi import APIRouter

from keyhole.api.pihole.auth import auth
from keyhole.api.pihole.blocking import blocking
from keyhole.api.pihole.info import info
from keyhole.api.pihole.queries import found
from keyhole.api.pihole.stats import stats

ROUTERS: tuple[APIRouter, ...] = (auth, blocking, stats, found, info)
