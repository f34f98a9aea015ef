"""``/api/groups``, ``/clients``, ``/lists`` and ``/domains``: what is in force, as Pi-hole has it.

A policy is a group, and its number is the place of the policy in the snapshot. They are read alone:
what Pi-hole would write here is written as documents.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from keyhole.api.dependencies import RunningServices
from keyhole.api.pihole.responses import json_response, start_timer
from keyhole.api.principal import Viewer
from keyhole.control.list_refresh.report import statuses
from keyhole.control.services import Services
from keyhole.model.match import Match
from keyhole.model.snapshot import Snapshot, SnapshotRule

router = APIRouter(dependencies=[Depends(start_timer)], include_in_schema=False)

Kind = Literal["exact", "regex"]
Effect = Literal["allow", "deny"]
Item = Annotated[str, Path(max_length=2_048)]
_DATES = {"date_added": 0, "date_modified": 0}
_UPDATED, _UNAVAILABLE = 1, 4
"""Pi-hole's numbers for a list that was downloaded, and for one that was not."""


def snapshot_of(services: Services) -> Snapshot | None:
    """The snapshot in force; none before the first one."""
    in_force = services.control_plane.reconciler.in_force
    return in_force.snapshot if in_force else None


def _groups_of(snapshot: Snapshot | None) -> list[int]:
    """The number of the group of each policy. A decision about one client adds a copy of its
    policy, with the same name: both are one group."""
    first: dict[str, int] = {}
    policies = snapshot.policies if snapshot else []
    return [first.setdefault(one.name, index) for index, one in enumerate(policies)]


@router.get("/groups")
@router.get("/groups/{name}")
def groups(request: Request, services: RunningServices, _: Viewer, name: str = "") -> Response:
    """The policies."""
    snapshot = snapshot_of(services)
    groups_of = _groups_of(snapshot)
    found = [
        {"name": one.name, "comment": one.origin, "enabled": one.mode == "enforce", "id": index,
         **_DATES}
        for index, one in enumerate(snapshot.policies if snapshot else ())
        if name in ("", one.name) and groups_of[index] == index
    ]  # fmt: skip
    return json_response(request, {"groups": found})


@router.get("/clients")
@router.get("/clients/{client:path}")
def clients(request: Request, services: RunningServices, _: Viewer, client: str = "") -> Response:
    """The addresses and networks that have a policy of their own."""
    snapshot = snapshot_of(services)
    groups_of = _groups_of(snapshot)
    found = [
        {"client": one.network, "name": one.client, "comment": one.subject,
         "groups": [] if one.policy is None else [groups_of[one.policy]], "id": index, **_DATES}
        for index, one in enumerate(snapshot.subjects.networks if snapshot else ())
        if client in ("", one.network, one.network.partition("/")[0])
    ]  # fmt: skip
    return json_response(request, {"clients": found})


@router.get("/lists")
@router.get("/lists/{address:path}")
def lists(
    request: Request,
    services: RunningServices,
    _: Viewer,
    address: str = "",
    kind: Annotated[Literal["allow", "block"] | None, Query(alias="type")] = None,
) -> Response:
    """The lists that a policy uses, one for each place that it comes from."""
    snapshot = snapshot_of(services)
    named = zip(snapshot.policies if snapshot else (), _groups_of(snapshot), strict=False)
    places = {one.name: group for one, group in named}
    found: list[dict[str, Any]] = []
    for one in statuses(services.lists, services.control_plane.reconciler.in_force):
        used = [places[policy] for policy in one.policies if policy in places]
        whole = {"type": one.kind, "comment": one.name, "groups": used, "enabled": True, **_DATES}
        for source, updated in [
            *((url.url, url.fetched_at) for url in one.urls),
            *((file, None) for file in one.files),
        ]:
            counts = {"number": one.taken, "invalid_domains": one.skipped, "abp_entries": 0}
            is_there = updated is not None or source in one.files
            status = {"status": _UPDATED if is_there else _UNAVAILABLE}
            dates = {"date_updated": int(updated or 0)}
            row = {"address": source, "id": len(found), **whole, **counts, **status, **dates}
            if address in ("", source) and kind in (None, one.kind):
                found.append(row)
    return json_response(request, {"lists": found})


@router.get("/domains")
@router.get("/domains/{effect}")
@router.get("/domains/{effect}/{kind}")
@router.get("/domains/{effect}/{kind}/{domain:path}")
def domains(
    request: Request,
    services: RunningServices,
    _: Viewer,
    effect: Effect | None = None,
    kind: Kind | None = None,
    domain: str = "",
) -> Response:
    """The names of all rules; those below a name are an expression, as Pi-hole writes it."""
    snapshot = snapshot_of(services)
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for policy, rule in _rules(snapshot):
        of: Effect = "allow" if rule.action == "allow" else "deny"
        for match in rule.matches:
            text, form = _as_pihole(match)
            if effect not in (None, of) or kind not in (None, form) or domain not in ("", text):
                continue
            row = found.setdefault(
                (of, form, text),
                {"domain": text, "unicode": text, "type": of, "kind": form,
                 "comment": rule.origin, "groups": [], "enabled": rule.mode == "enforce",
                 "id": len(found), **_DATES},
            )  # fmt: skip
            if policy not in row["groups"]:
                row["groups"].append(policy)
    return json_response(request, {"domains": list(found.values())})


def _rules(snapshot: Snapshot | None) -> Iterator[tuple[int, SnapshotRule]]:
    policies = zip(snapshot.policies if snapshot else (), _groups_of(snapshot), strict=False)
    for policy, group in policies:
        yield from ((group, rule) for rule in policy.rules if not rule.decision)


def _as_pihole(match: Match) -> tuple[str, Kind]:
    match match.kind:
        case "exact":
            return match.text, "exact"
        case "below":
            escaped = match.text.replace(".", r"\.")
            return rf"\.{escaped}$", "regex"
    return match.text, "regex"
