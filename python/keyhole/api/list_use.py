"""``/lists/enable`` and ``/lists/disable``: which policies use which lists."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import RunningServices, StoredDocuments
from keyhole.api.documents import ApplyResult, actor_of, apply_result
from keyhole.api.principal import Operator
from keyhole.api.request_body import RequestBody
from keyhole.control import list_use
from keyhole.control.changes import Outcome
from keyhole.control.document_pool import StuckError
from keyhole.control.list_refresh.report import policies_using, statuses
from keyhole.control.list_refresh.status import ListState
from keyhole.control.services import Services

router = APIRouter(prefix="/lists", tags=["lists"])

_Name = Annotated[str, Field(min_length=1, max_length=63)]


class ListUseRequest(RequestBody):
    """The lists that a policy shall use, or use no more."""

    names: list[_Name] = Field(min_length=1, max_length=100, description="Names of List documents.")
    policy: _Name | None = Field(
        None,
        description="The policy. Null: to enable, the policy for all clients; to disable, all.",
    )
    message: str | None = Field(None, max_length=500, description="Reason for the audit record.")


class ListEnableRequest(ListUseRequest):
    """The lists that a policy shall use; names of the catalog add their documents."""

    url: str | None = Field(
        None, max_length=2048, description="Where the one list is downloaded from, if it is new."
    )


class ListUse(BaseModel):
    """Who uses a list now."""

    name: str = Field(description="The name of the List document.")
    state: ListState | None = Field(
        description="Its state; null if it is deleted, or not known yet."
    )
    why: str = Field(
        description="Why it does not act, or not in its newest version; empty if it does."
    )
    policies: list[str] = Field(
        description="The policies in force that use it, also by what they include; empty: it "
        "blocks and allows nothing."
    )


class ListUseResult(BaseModel):
    """The change of documents, and who uses the lists now."""

    applied: ApplyResult = Field(description="The change of documents.")
    lists: list[ListUse] = Field(description="The lists of the request.")


@router.post("/enable")
async def enable_lists(
    services: RunningServices,
    changes: StoredDocuments,
    caller: Operator,
    request: Request,
    body: ListEnableRequest,
) -> ListUseResult:
    """Has a policy use lists, from the catalog or of the documents. They are downloaded at once."""
    outcome = await list_use.enable(
        changes,
        body.names,
        actor_of(caller, request),
        policy=body.policy,
        url=body.url,
        message=body.message,
    )
    return await _result(services, body.names, outcome)


@router.post("/disable")
async def disable_lists(
    services: RunningServices,
    changes: StoredDocuments,
    caller: Operator,
    request: Request,
    body: ListUseRequest,
) -> ListUseResult:
    """Has a policy, or all, use lists no more. A stored List that nothing uses then is deleted; a
    rollback can restore it."""
    outcome = await list_use.disable(
        changes, body.names, actor_of(caller, request), policy=body.policy, message=body.message
    )
    return await _result(services, body.names, outcome)


async def _result(services: Services, names: list[str], outcome: Outcome) -> ListUseResult:
    in_force = services.control_plane.reconciler.in_force
    # Who uses them is known from what is in force; how far a download is may be read late.
    with suppress(StuckError):
        await services.lists.reading.run(services.lists.reload)
    found = {one.name: one for one in statuses(services.lists, in_force)}
    return ListUseResult(
        applied=apply_result(outcome),
        lists=[
            ListUse(
                name=name,
                state=found[name].state if name in found else None,
                why=found[name].problem if name in found else "",
                policies=list(policies_using(name, in_force)),
            )
            for name in dict.fromkeys(names)
        ],
    )
