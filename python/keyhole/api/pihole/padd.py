"""``/api/padd``, ``/config``, ``/network``: what dashboards read at once, and what they expect."""

import os
import platform
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from keyhole.api.dependencies import Pauses, Queries, RunningServices
from keyhole.api.history_times import history_errors
from keyhole.api.pihole import info, stats
from keyhole.api.pihole.blocking import state_of
from keyhole.api.pihole.documents import snapshot_of
from keyhole.api.pihole.responses import PiholeError, json_response, start_timer
from keyhole.api.principal import Viewer
from keyhole.control.services import Services
from keyhole.querylog.history import Criteria

router = APIRouter(dependencies=[Depends(start_timer)], include_in_schema=False)

_NOWHERE = {"name": None, "addr": None, "value": 0, "unit": "B"}


@router.get("/padd")
def padd(
    request: Request,
    queries: Queries,
    services: RunningServices,
    pauses: Pauses,
    during: stats.During,
    _: Viewer,
) -> Response:
    """The figures of one screen."""
    with history_errors():
        history = queries.history()
        counts = stats.counts_of(history.totals(*during))
        blocked = history.search(Criteria(outcome="blocked"), limit=1).rows
        tops = {
            word: next((one.value for one in history.tops(kind, *during, most=1, **only)), None)
            for word, kind, only in (
                ("top_domain", "name", {"is_passed": True}),
                ("top_blocked", "name", {"is_withheld": True}),
                ("top_client", "client", {}),
            )
        }
        body: dict[str, Any] = {
            "active_clients": history.distinct("client", *during),
            "gravity_size": stats.gravity_of(services)["domains_being_blocked"],
            "recent_blocked": blocked[0].fields["name"] if blocked else None,
            "blocking": state_of(pauses)["blocking"],
            "queries": {key: counts[key] for key in ("total", "blocked", "percent_blocked")},
            "cache": {"size": 0, "inserted": 0, "evicted": 0},
            "iface": {
                "v4": {**_NOWHERE, "num_addrs": 0, "gw_addr": None},
                "v6": {**_NOWHERE, "num_addrs": 0, "gw_addr": None},
            },
            "node_name": platform.node(),
            "host_model": None,
            "config": _short_config(services),
            "%cpu": 0.0,
            "%mem": 0.0,
            "pid": os.getpid(),
            "sensors": info.SENSORS,
            "system": info.system_facts(),
            "version": info.versions(),
        }
    return json_response(request, {**body, **tops})


def _short_config(services: Services) -> dict[str, Any]:
    snapshot = snapshot_of(services)
    return {
        "dhcp_active": False,
        "dhcp_start": "",
        "dhcp_end": "",
        "dhcp_ipv6": False,
        "dns_domain": "",
        "dns_port": 0,
        "dns_num_upstreams": len(snapshot.upstreams) if snapshot else 0,
        "dns_dnssec": False,
        "dns_revServer_active": bool(snapshot and any(one.domains for one in snapshot.policies)),
        "privacy_level": 0,
    }


@router.get("/config")
@router.get("/config/{element:path}")
def config(
    request: Request, services: RunningServices, pauses: Pauses, _: Viewer, element: str = ""
) -> Response:
    """The few settings that both have; an element that Keyhole does not have is not there."""
    snapshot = snapshot_of(services)
    whole: dict[str, Any] = {
        "dns": {
            "upstreams": [one.name for one in snapshot.upstreams] if snapshot else [],
            "blocking": {"active": state_of(pauses)["blocking"] == "enabled"},
            "hosts": [
                f"{one.data.value} {one.name}"
                for one in (snapshot.records if snapshot else ())
                if one.data.kind in ("a", "aaaa")
            ],
            "cnameRecords": [
                f"{one.name},{one.data.value}"
                for one in (snapshot.records if snapshot else ())
                if one.data.kind == "cname"
            ],
        },
        "dhcp": {"active": False},
        "misc": {"privacylevel": 0},
    }
    found: Any = whole
    steps = [step for step in element.split("/") if step]
    for step in steps:
        if not isinstance(found, dict) or step not in found:
            raise PiholeError(404, "not_found", "Keyhole has no such setting of Pi-hole")
        found = found[step]
    for step in reversed(steps):
        found = {step: found}
    return json_response(request, {"config": found})


@router.get("/network/devices")
def devices(request: Request, services: RunningServices, _: Viewer) -> Response:
    """The clients that documents name by an address: hardware addresses are not known here."""
    snapshot = snapshot_of(services)
    found = [
        {"id": index, "hwaddr": "00:00:00:00:00:00", "interface": "", "firstSeen": 0,
         "lastQuery": 0, "numQueries": 0, "macVendor": "",
         "ips": [{"ip": one.network.partition("/")[0], "name": one.client, "lastSeen": 0,
                  "nameUpdated": 0}]}
        for index, one in enumerate(snapshot.subjects.networks if snapshot else ())
        if one.client is not None
    ]  # fmt: skip
    return json_response(request, {"devices": found})


@router.get("/network/{what}")
def network(request: Request, _: Viewer, what: str) -> Response:
    """Gateways, interfaces and routes of the machine are not told."""
    if what not in ("gateway", "interfaces", "routes"):
        raise PiholeError(404, "not_found", "Not found")
    return json_response(request, {what: []})
