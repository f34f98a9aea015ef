"""``/evidence``: the head of the evidence chain, and the file for an auditor."""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from keyhole.api.dependencies import Queries, RunningServices, StoredDocuments
from keyhole.api.documents import actor_of
from keyhole.api.history_times import history_errors
from keyhole.api.principal import Administrator, Viewer
from keyhole.api.problem import ApiProblem
from keyhole.api.request_body import RequestBody
from keyhole.control.evidence.export import Selection, export_evidence
from keyhole.control.evidence.service import EvidenceService
from keyhole.evidence.error import EvidenceError

router = APIRouter(prefix="/evidence", tags=["evidence"])

_MEDIA = "application/gzip"
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def _evidence(services: RunningServices) -> EvidenceService:
    if services.evidence is None:
        why = "there is no evidence chain: log.evidence is false, or log.history or log.keep is 0B"
        raise ApiProblem(503, "not_possible_now", why)
    return services.evidence


Evidence = Annotated[EvidenceService, Depends(_evidence)]


class EvidenceHead(BaseModel):
    """The end of the evidence chain."""

    number: int = Field(description="The number of the last record; 0 before the first one.")
    digest: str = Field(
        description="Its digest. A copy of it, kept elsewhere, proves later that no record before "
        "it was changed or removed."
    )
    end: datetime | None = Field(description="Until when it covers; null before the first record.")
    key: str = Field(description="SHA-256 of the public key that signs the records.")


class EvidenceSpan(RequestBody):
    """Of which time an export is."""

    since: datetime | None = Field(None, description="The start; by default all.")
    until: datetime | None = Field(None, description="The end, exclusive; by default now.")


class EvidenceFile(FileResponse):
    """An export that is deleted when it has been sent, or when the client disconnects."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, media_type=_MEDIA, filename=path.name)
        self._folder = path.parent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the file, then removes its folder."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await asyncio.to_thread(shutil.rmtree, self._folder, True)


@router.get("")
def get_evidence(evidence: Evidence, _: Viewer) -> EvidenceHead:
    """Shows the end of the evidence chain."""
    try:
        head = evidence.head
    except EvidenceError as error:
        raise ApiProblem(503, "not_possible_now", str(error)) from None
    return EvidenceHead(**vars(head))


@router.post(
    "/export",
    response_class=FileResponse,
    responses={200: {"description": "The file.", "content": {_MEDIA: {}}}},
)
async def export_evidence_file(
    evidence: Evidence,
    queries: Queries,
    changes: StoredDocuments,
    caller: Administrator,
    request: Request,
    span: EvidenceSpan,
) -> FileResponse:
    """Records what was taken in until now, and gives the records of a time with their queries and
    audit entries as one file, for `keyhole evidence check`. It is an entry of the audit record."""
    since, until = _aware(span.since, _FIRST), _aware(span.until, datetime.now(UTC))
    if since >= until:
        raise ApiProblem(422, "not_valid", "since must be before until")
    wanted = Selection(since, until, actor_of(caller, request))

    def make() -> EvidenceFile:
        with history_errors():
            return EvidenceFile(export_evidence(evidence, queries, changes.database, wanted))

    try:
        return await asyncio.to_thread(make)
    except EvidenceError as error:
        raise ApiProblem(409, "not_possible_now", str(error)) from None


def _aware(given: datetime | None, usual: datetime) -> datetime:
    """A time without a zone is in UTC."""
    if given is None:
        return usual
    return given if given.tzinfo is not None else given.replace(tzinfo=UTC)
