"""``/audit``: the audit record, and ``/changes``: undoing a change."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import StoredDocuments
from keyhole.api.documents import ApplyResult, actor_of, apply_result
from keyhole.api.pagination import MAX_NUMBER, Limit, Page
from keyhole.api.principal import Operator, Viewer
from keyhole.store import AuditCriteria, AuditRecord, records, verify

router = APIRouter(tags=["audit"])


class AuditEntry(BaseModel):
    """One entry of the audit record."""

    number: int = Field(description="Sequence number, from 1 without gaps.")
    time: datetime = Field(description="When it happened.")
    who: str = Field(description="Who did it: an account, a token or a local user.")
    via: str = Field(description="How they authenticated: socket, session or token.")
    address: str | None = Field(description="The client address, if known.")
    action: str = Field(description="What was done: apply, delete, rollback, ...")
    message: str | None = Field(description="The reason that they gave.")
    detail: dict[str, Any] = Field(description="Details, depending on the action.")
    digest: str = Field(description="SHA-256 over this entry and the previous digest.")


class AuditVerification(BaseModel):
    """The result of verifying the audit record."""

    whole: int = Field(description="Number of intact entries, counted from the first.")
    problem: str | None = Field(description="Error of the next entry; null if all are intact.")
    digest: str | None = Field(
        description="The digest of the last entry. A copy of it, stored elsewhere, proves later "
        "that no entries were removed from the end."
    )


@router.get("/audit")
def list_audit(
    changes: StoredDocuments,
    _: Viewer,
    limit: Limit = 100,
    cursor: Annotated[
        int | None, Query(ge=1, le=MAX_NUMBER, description="Only entries with a lower number.")
    ] = None,
    after: Annotated[
        int | None,
        Query(ge=0, le=MAX_NUMBER, description="Only entries with a higher number, oldest first."),
    ] = None,
    who: Annotated[
        str | None, Query(max_length=128, description="Only what this account or token did.")
    ] = None,
    action: Annotated[
        str | None, Query(max_length=64, description="Only this action, such as apply.")
    ] = None,
) -> Page[AuditEntry]:
    """Lists the entries of the audit record, newest first."""
    wanted = AuditCriteria(who, action)
    with changes.database.read() as connection:
        found = records(connection, before=cursor, after=after, most=limit + 1, criteria=wanted)
    page = found[:limit]
    last = str(page[-1].number) if len(found) > limit and after is None else None
    return Page(items=[_shown(one) for one in page], next=last)


@router.get("/audit/verification")
def verify_audit(changes: StoredDocuments, _: Viewer) -> AuditVerification:
    """Verifies the chain of digests of the whole audit record."""
    with changes.database.read() as connection:
        whole, problem = verify(connection)
        last = records(connection, most=1)
    return AuditVerification(whole=whole, problem=problem, digest=last[0].digest if last else None)


@router.post("/changes/{number}/undo")
async def undo_change(
    changes: StoredDocuments,
    caller: Operator,
    request: Request,
    number: Annotated[
        int, Path(ge=1, le=2**31, description="The number of the change in the audit record.")
    ],
) -> ApplyResult:
    """Undoes all of a change, unless one of its documents has changed since."""
    return apply_result(await changes.undo(number, actor_of(caller, request)))


def _shown(record: AuditRecord) -> AuditEntry:
    entry = record.entry
    return AuditEntry(number=record.number, time=record.time, digest=record.digest, **vars(entry))
