"""``/audit``: who did what and when, and ``/changes``: undoing it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import StoredDocuments
from keyhole.api.documents import ApplyResult, apply_result, change_actor
from keyhole.api.pagination import Limit, Page
from keyhole.api.principal import Operator, Viewer
from keyhole.store import AuditRecord, records, verify

router = APIRouter(tags=["audit"])


class AuditEntry(BaseModel):
    """One entry of the audit record."""

    number: int = Field(description="From 1, without gaps.")
    time: datetime
    who: str
    via: str = Field(description="How they came: socket, session or token.")
    address: str | None = Field(description="From where, if that is known.")
    action: str = Field(description="apply, delete, rollback, ...")
    message: str | None = Field(description="Why, as they said.")
    detail: dict[str, Any] = Field(description="What exactly.")
    digest: str = Field(description="SHA-256 of this entry and of the digest before it.")


class AuditVerification(BaseModel):
    """Whether the audit record is whole."""

    whole: int = Field(description="So many entries from the first are as they were written.")
    problem: str | None = Field(description="What is wrong with the one after them; else null.")
    digest: str | None = Field(
        description="The digest of the last entry. Kept elsewhere, it shows later whether entries "
        "were cut off at the end."
    )


@router.get("/audit")
def list_audit(
    changes: StoredDocuments,
    _: Viewer,
    limit: Limit = 100,
    cursor: Annotated[int | None, Query(ge=1, description="Only entries before this one.")] = None,
    after: Annotated[
        int | None, Query(ge=0, description="Only entries after this one, the oldest first.")
    ] = None,
) -> Page[AuditEntry]:
    """Who did what, the newest first."""
    with changes.database.read() as connection:
        found = records(connection, before=cursor, after=after, most=limit + 1)
    page = found[:limit]
    last = str(page[-1].number) if len(found) > limit and after is None else None
    return Page(items=[_shown(one) for one in page], next=last)


@router.get("/audit/verification")
def verify_audit(changes: StoredDocuments, _: Viewer) -> AuditVerification:
    """Follows the digests of the whole record."""
    with changes.database.read() as connection:
        whole, problem = verify(connection)
        last = records(connection, most=1)
    return AuditVerification(whole=whole, problem=problem, digest=last[0].digest if last else None)


@router.post("/changes/{number}/undo")
async def undo_change(
    changes: StoredDocuments,
    caller: Operator,
    request: Request,
    number: Annotated[int, Path(ge=1, le=2**31, description="The number of the change.")],
) -> ApplyResult:
    """Undoes a whole change, unless one of its documents was changed again since."""
    return apply_result(await changes.undo(number, change_actor(caller, request)))


def _shown(record: AuditRecord) -> AuditEntry:
    entry = record.entry
    return AuditEntry(number=record.number, time=record.time, digest=record.digest, **vars(entry))
