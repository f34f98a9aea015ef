"""``/api/info``: what clients ask first, and facts about the machine."""

import os
import platform
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from keyhole import __version__
from keyhole.api.dependencies import Queries, RunningServices
from keyhole.api.history_times import history_errors
from keyhole.api.pihole import stats
from keyhole.api.pihole.documents import snapshot_of
from keyhole.api.pihole.responses import json_response, start_timer
from keyhole.api.principal import Viewer
from keyhole.system.regular_file import read_regular

router = APIRouter(prefix="/info", dependencies=[Depends(start_timer)], include_in_schema=False)

_MAX_FACTS = 65_536
"""Octets of a file of the kernel."""
SENSORS: dict[str, Any] = {"list": [], "cpu_temp": None, "hot_limit": 60.0, "unit": "C"}
"""Keyhole reads none."""


@router.get("/login")
async def login(request: Request) -> Response:
    """Public facts for the login page."""
    return json_response(request, {"dns": True, "https_port": 0})


@router.get("/version")
async def version(request: Request, _: Viewer) -> Response:
    """Keyhole's version as that of each part of Pi-hole."""
    return json_response(request, {"version": versions()})


def versions() -> dict[str, Any]:
    """Local and remote version are the same, so that clients announce no update."""
    number = f"v{__version__}"

    def part(**more: Any) -> dict[str, Any]:
        local = {"version": number, "branch": "master", "hash": "", **more}
        return {"local": local, "remote": {"version": number, "hash": ""}}

    parts = {"core": part(), "web": part(), "ftl": part(date="")}
    return {**parts, "docker": {"local": None, "remote": None}}


@router.get("/client")
async def client(request: Request, _: Viewer) -> Response:
    """The caller, as it is seen; its headers are not told back."""
    body = {
        "remote_addr": request.client.host if request.client else "",
        "http_version": request.scope["http_version"],
        "method": request.method,
        "headers": [],
    }
    return json_response(request, body)


@router.get("/host")
async def host(request: Request, _: Viewer) -> Response:
    """The operating system."""
    name = platform.uname()
    uname = {
        "domainname": "",
        "machine": name.machine,
        "nodename": name.node,
        "release": name.release,
        "sysname": name.system,
        "version": name.version,
    }
    return json_response(request, {"host": {"uname": uname, "model": None, "dmi": {}}})


@router.get("/system")
async def system(request: Request, _: Viewer) -> Response:
    """Memory and load of the machine."""
    return json_response(request, {"system": system_facts()})


@router.get("/sensors")
async def sensors(request: Request, _: Viewer) -> Response:
    """Temperatures."""
    return json_response(request, {"sensors": SENSORS})


@router.get("/messages")
async def messages(request: Request, _: Viewer) -> Response:
    """Warnings of Pi-hole's programs; Keyhole has findings, and an API of its own for them."""
    return json_response(request, {"messages": []})


@router.get("/messages/count")
async def message_count(request: Request, _: Viewer) -> Response:
    """How many of these there are."""
    return json_response(request, {"count": 0})


@router.get("/ftl")
def ftl(
    request: Request, queries: Queries, services: RunningServices, during: stats.During, _: Viewer
) -> Response:
    """The counts of what is in force."""
    snapshot = snapshot_of(services)
    policies = snapshot.policies if snapshot else []
    rules = [rule for policy in policies for rule in policy.rules if not rule.decision]
    with history_errors():
        history = queries.history()
        active = history.distinct("client", *during)
        total = history.distinct("client", 0, during[1])
        counts = stats.counts_of(history.totals(*during))
    names = {
        word: sum(len(rule.matches) for rule in rules if rule.action == action)
        for word, action in (("allowed", "allow"), ("denied", "block"))
    }
    body = {
        "database": {
            "gravity": stats.gravity_of(services)["domains_being_blocked"],
            "groups": len(policies),
            "lists": len(snapshot.lists) if snapshot else 0,
            "clients": len(snapshot.subjects.networks) if snapshot else 0,
            "domains": names,
        },
        "privacy_level": 0,
        "query_frequency": counts["total"] / 86_400,
        "clients": {"total": total, "active": active},
        "pid": os.getpid(),
        "uptime": 0,
        "%mem": 0.0,
        "%cpu": 0.0,
        "allow_destructive": False,
        "dnsmasq": {},
    }
    return json_response(request, {"ftl": body})


@router.get("/database")
def database(request: Request, queries: Queries, during: stats.During, _: Viewer) -> Response:
    """The size of the history, in queries."""
    with history_errors():
        total = queries.history().totals(0, during[1]).total
    body = {"size": 0, "type": "Keyhole", "mode": "", "queries": total, "earliest_timestamp": 0,
            "sqlite_version": ""}  # fmt: skip
    return json_response(request, body)


def system_facts() -> dict[str, Any]:
    """Memory in KiB and load, from the kernel; 0 where that is not known."""
    memory = _memory()
    total, free = memory.get("MemTotal", 0), memory.get("MemFree", 0)
    available = memory.get("MemAvailable", 0)
    swap, unused = memory.get("SwapTotal", 0), memory.get("SwapFree", 0)
    load = list(os.getloadavg())
    processors = os.cpu_count() or 1
    ram = {
        "total": total,
        "free": free,
        "used": total - available,
        "available": available,
        "%used": _percent(total - available, total),
    }
    return {
        "uptime": _uptime(),
        "memory": {
            "ram": ram,
            "swap": {"total": swap, "free": unused, "used": swap - unused,
                     "%used": _percent(swap - unused, swap)},
        },
        "procs": 0,
        "cpu": {
            "nprocs": processors,
            "%cpu": 0.0,
            "load": {"raw": load, "percent": [100.0 * one / processors for one in load]},
        },
        "ftl": {"%mem": 0.0, "%cpu": 0.0},
    }  # fmt: skip


def _read(path: str) -> str:
    return read_regular(Path(path), _MAX_FACTS).decode("ascii")


def _memory() -> dict[str, int]:
    try:
        lines = _read("/proc/meminfo").splitlines()
        return {key: int(rest.split()[0]) for key, _, rest in (one.partition(":") for one in lines)}
    except (OSError, ValueError, IndexError):
        return {}


def _uptime() -> int:
    try:
        return int(float(_read("/proc/uptime").split()[0]))
    except (OSError, ValueError, IndexError):
        return 0


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0
