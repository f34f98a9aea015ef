"""``/documents``: policies, lists, upstreams and so on, in all their versions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from keyhole.api.dependencies import StoredDocuments
from keyhole.api.pagination import MAX_NUMBER, Cursor, Limit, Page, read_cursor, write_cursor
from keyhole.api.principal import Operator, Principal, Viewer
from keyhole.api.problem import ApiProblem, ProblemItem, document_item
from keyhole.api.request_body import RequestBody
from keyhole.control.changes import (
    ChangeRequest,
    Changes,
    DocumentRecord,
    Outcome,
)
from keyhole.control.changes.change_request import MAX_OCTETS
from keyhole.store import Actor, AuditRecord, records_of

router = APIRouter(prefix="/documents", tags=["documents"])

Kind = Annotated[
    Literal["Policy", "List", "Upstream", "Record", "Client", "TrustDomain", "LogExclusion"],
    Path(description="The kind of the document."),
]
Name = Annotated[str, Path(max_length=63, description="The name of the document.")]
SeenVersion = Annotated[
    str | None,
    Header(max_length=32, description="The ETag of the version that you have seen, or * for any."),
]
Message = Annotated[str | None, Query(max_length=500, description="Reason for the audit record.")]
DryRun = Annotated[bool, Query(description="Whether to validate only and change nothing.")]


class LastChange(BaseModel):
    """Who wrote a version of a document, and when, as in the audit record."""

    number: int = Field(description="The number of the change in the audit record.")
    time: datetime = Field(description="When it was written.")
    who: str = Field(description="Who wrote it.")
    action: str = Field(description="What was done: apply, delete, rollback, ...")
    message: str | None = Field(description="The reason that they gave.")


class Document(BaseModel):
    """The current version of a document."""

    kind: str = Field(description="One of the kinds of documents, such as Policy.")
    name: str = Field(description="Its name, unique within its kind.")
    origin: Literal["declared", "stored"] = Field(
        description="declared: a file or an object of Kubernetes defines it, edit that. stored: "
        "edit it by this API."
    )
    file: str | None = Field(
        description="The file and line that declare it, or kubernetes NAMESPACE/NAME for an object "
        "of Kubernetes; null if it is stored."
    )
    version: int | None = Field(description="The current version; null if it is declared.")
    is_shadowed: bool = Field(description="Whether a file that declares the same overrides it.")
    last_change: LastChange | None = Field(
        description="Who wrote this version, and when; null if it is declared."
    )
    text: str = Field(description="The YAML text, unchanged.")


class DocumentVersion(BaseModel):
    """One version of a stored document."""

    version: int = Field(description="The number of the version, from 1.")
    change: int = Field(description="The number of the change in the audit record.")
    is_deleted: bool = Field(description="Whether this version deleted the document.")
    last_change: LastChange | None = Field(
        description="Who wrote this version, and when; null if the audit record does not say it."
    )
    text: str = Field(description="The YAML text, unchanged; empty if deleted.")


class ApplyRequest(RequestBody):
    """Documents to create or change together."""

    text: str = Field(max_length=MAX_OCTETS, description="A stream of YAML documents.")
    file: str = Field("request", max_length=255, description="The name of the text in messages.")
    overwrite: bool = Field(
        False,
        description="Whether to overwrite versions that you have not seen. A document states the "
        "version that you have seen in its first line: '# keyhole-version: N'.",
    )
    message: str | None = Field(None, max_length=500, description="Reason for the audit record.")
    is_dry_run: bool = Field(False, description="Whether to validate only and change nothing.")


class DocumentEffect(BaseModel):
    """The effect of a change on one document."""

    kind: str = Field(description="The kind of the document.")
    name: str = Field(description="The name of the document.")
    what: Literal["created", "changed", "unchanged", "deleted"] = Field(description="The effect.")
    version: int = Field(description="The current version.")


class ApplyResult(BaseModel):
    """The result of a change."""

    change: int | None = Field(description="The number of the change; null if nothing changed.")
    effects: list[DocumentEffect] = Field(description="The effect on each document.")
    is_in_force: bool = Field(description="Whether the engine uses it already.")
    why: str = Field(description="Why it is not in force yet; empty if it is.")
    advice: list[str] = Field(description="Warnings: what is valid but probably not intended.")


class Drift(BaseModel):
    """Differences between the files of the documents folder and the documents in force."""

    problems: list[ProblemItem] = Field(description="Why the files cannot be loaded.")
    shadowed: list[str] = Field(description="Stored documents that a file overrides.")


class RollbackRequest(RequestBody):
    """The version to restore."""

    to: int | None = Field(
        None,
        ge=0,
        le=MAX_NUMBER,
        description="The version; null for the previous one, 0 to delete the document.",
    )


@router.get("")
def list_documents(
    changes: StoredDocuments,
    _: Viewer,
    kind: Annotated[
        str | None, Query(max_length=32, description="Only documents of this kind.")
    ] = None,
    origin: Annotated[
        Literal["declared", "stored"] | None, Query(description="Only documents of this origin.")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Document]:
    """Lists all documents, ordered by kind and name."""
    after = _key(cursor)
    found = [
        one
        for one in changes.documents()[0]
        if (one.kind, one.name, one.origin) > after
        and kind in (None, one.kind)
        and origin in (None, one.origin)
    ]
    page = found[:limit]
    more = len(found) > limit
    last = write_cursor([page[-1].kind, page[-1].name, page[-1].origin]) if more else None
    written = _written(changes, (one.change for one in page))
    return Page(items=[_shown(one, written) for one in page], next=last)


@router.post("")
async def apply_documents(
    changes: StoredDocuments, caller: Operator, request: Request, body: ApplyRequest
) -> ApplyResult:
    """Creates or changes documents, either all or none."""
    requests = await changes.read_requests(body.text, body.file)
    if body.overwrite:
        requests = [ChangeRequest(one.kind, one.name, one.text) for one in requests]
    outcome = await changes.apply(
        requests, actor_of(caller, request), message=body.message, is_dry=body.is_dry_run
    )
    return apply_result(outcome)


@router.get("/drift")
async def get_drift(changes: StoredDocuments, _: Viewer) -> Drift:
    """Compares the files of the documents folder with the documents in force."""
    problems, shadowed = await changes.drift()
    return Drift(
        problems=[document_item(one) for one in problems],
        shadowed=[one.label for one in shadowed],
    )


@router.get("/{kind}/{name}")
def get_document(
    changes: StoredDocuments, _: Viewer, kind: Kind, name: Name, response: Response
) -> Document:
    """Returns one document. Send its ETag in If-Match to change it."""
    found = changes.document(kind, name)
    response.headers["etag"] = _etag(found)
    return _shown(found, _written(changes, [found.change]))


@router.put("/{kind}/{name}")
async def put_document(
    changes: StoredDocuments,
    caller: Operator,
    request: Request,
    kind: Kind,
    name: Name,
    body: ApplyRequest,
    if_match: SeenVersion = None,
    if_none_match: SeenVersion = None,
) -> ApplyResult:
    """Creates or changes one document. If-Match is the version that you have seen;
    If-None-Match: * is for a new document."""
    seen = _seen(if_match, if_none_match)
    requests = await changes.read_requests(body.text, body.file)
    if [(one.kind, one.name) for one in requests] != [(kind, name)]:
        why = f"the text must hold {kind}/{name} and nothing else"
        raise ApiProblem(400, "other_document", why)
    change = ChangeRequest(kind, name, requests[0].text, seen)
    outcome = await changes.apply(
        [change], actor_of(caller, request), message=body.message, is_dry=body.is_dry_run
    )
    return apply_result(outcome)


@router.delete("/{kind}/{name}")
async def delete_document(
    changes: StoredDocuments,
    caller: Operator,
    request: Request,
    kind: Kind,
    name: Name,
    if_match: SeenVersion = None,
    message: Message = None,
    dry_run: DryRun = False,
) -> ApplyResult:
    """Deletes one document. Its versions are kept, so a rollback can restore it."""
    change = ChangeRequest(kind, name, None, _seen(if_match, None))
    outcome = await changes.apply(
        [change], actor_of(caller, request), action="delete", message=message, is_dry=dry_run
    )
    return apply_result(outcome)


@router.get("/{kind}/{name}/versions")
def list_versions(
    changes: StoredDocuments, _: Viewer, kind: Kind, name: Name
) -> Page[DocumentVersion]:
    """Lists all versions of a stored document, newest first."""
    found = changes.history(kind, name)
    written = _written(changes, (one.change for one in found))
    return Page(
        items=[
            DocumentVersion(
                version=one.version,
                change=one.change,
                is_deleted=one.is_deleted,
                last_change=_last_change(written.get(one.change)),
                text=one.text,
            )
            for one in found
        ]
    )


@router.post("/{kind}/{name}/rollback")
async def roll_back_document(
    changes: StoredDocuments,
    caller: Operator,
    request: Request,
    kind: Kind,
    name: Name,
    body: RollbackRequest,
) -> ApplyResult:
    """Restores an earlier version of a document, as a new version."""
    return apply_result(await changes.roll_back(kind, name, actor_of(caller, request), to=body.to))


def actor_of(caller: Principal, request: Request) -> Actor:
    """The caller as the actor of an audit entry."""
    host = request.client.host if request.client else None
    return Actor(caller.name, caller.via, None if caller.via == "socket" else host)


def _seen(if_match: str | None, if_none_match: str | None) -> int | None:
    if if_none_match is not None and if_none_match.strip() == "*":
        return 0
    if if_match is None:
        raise ApiProblem(
            428,
            "condition_needed",
            "send If-Match with the ETag of the version that you saw, or If-None-Match: * for a "
            "new document",
        )
    if if_match.strip() == "*":
        return None
    number = if_match.strip().removeprefix("W/").strip('"').removeprefix("v")
    if not number.isdecimal():
        raise ApiProblem(412, "changed_meanwhile", f"{if_match} is not a version of this document")
    return int(number)


def _etag(found: DocumentRecord) -> str:
    return f'"v{found.version}"'


def _key(cursor: str | None) -> tuple[str, ...]:
    if cursor is None:
        return ()
    key = read_cursor(cursor)
    if not isinstance(key, list) or not all(isinstance(one, str) for one in key):
        raise ApiProblem(400, "cursor_not_valid", "the cursor is not valid; begin without one")
    return tuple(key)


def _written(changes: Changes, numbers: Iterable[int]) -> dict[int, AuditRecord]:
    with changes.database.read() as connection:
        return records_of(connection, (number for number in numbers if number))


def _last_change(record: AuditRecord | None) -> LastChange | None:
    if record is None:
        return None
    entry = record.entry
    return LastChange(
        number=record.number,
        time=record.time,
        who=entry.who,
        action=entry.action,
        message=entry.message,
    )


def _shown(found: DocumentRecord, written: dict[int, AuditRecord]) -> Document:
    return Document(
        kind=found.kind,
        name=found.name,
        origin=found.origin,
        file=found.place if found.file else None,
        version=found.version or None,
        is_shadowed=found.is_shadowed,
        last_change=_last_change(written.get(found.change)),
        text=found.text,
    )


def apply_result(outcome: Outcome) -> ApplyResult:
    """The outcome of a change as a response."""
    return ApplyResult(
        change=outcome.change,
        effects=[DocumentEffect(**vars(one)) for one in outcome.effects],
        is_in_force=outcome.is_in_force,
        why=outcome.why,
        advice=list(outcome.advice),
    )
