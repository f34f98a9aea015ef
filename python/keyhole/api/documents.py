"""``/documents``: what Keyhole is told to do, in all its versions."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from keyhole.api.dependencies import StoredDocuments
from keyhole.api.pagination import Cursor, Limit, Page, read_cursor, write_cursor
from keyhole.api.principal import Operator, Principal, Viewer
from keyhole.api.problem import ApiProblem, ProblemItem
from keyhole.control.changes import (
    Actor,
    ChangeRequest,
    DocumentRecord,
    Outcome,
    read_change_requests,
)
from keyhole.control.changes.change_request import MAX_OCTETS

router = APIRouter(prefix="/documents", tags=["documents"])

Kind = Annotated[
    Literal["Policy", "List", "Upstream", "Record", "Client", "TrustDomain"],
    Path(description="The kind of the document."),
]
Name = Annotated[str, Path(max_length=63, description="The name of the document.")]
Seen = Annotated[
    str | None,
    Header(
        max_length=32,
        description="The ETag of the version that was seen, or * to overwrite whatever is there.",
    ),
]
Message = Annotated[str | None, Query(max_length=500, description="Why, for the audit record.")]
DryRun = Annotated[bool, Query(description="Whether to check only, and change nothing.")]


class Document(BaseModel):
    """A document as it is now."""

    kind: str = Field(description="Policy, List, Upstream, Record, Client or TrustDomain.")
    name: str = Field(description="Its name, unique in its kind.")
    origin: Literal["declared", "stored"] = Field(
        description="declared by a file, and changed there alone; or stored, and changed here."
    )
    file: str | None = Field(description="The file that declares it, and null for a stored one.")
    version: int | None = Field(description="The version of a stored one; null for a declared one.")
    is_shadowed: bool = Field(
        description="Whether it does not count, because a file declares another one of its name."
    )
    text: str = Field(description="The YAML as it was written.")


class DocumentVersion(BaseModel):
    """One version of a stored document."""

    version: int = Field(description="From 1.")
    change: int = Field(description="The number of the change in the audit record.")
    is_deleted: bool = Field(description="Whether this version deleted it.")
    text: str = Field(description="The YAML as it was written; empty where it was deleted.")


class ApplyRequest(BaseModel):
    """Several documents at once."""

    text: str = Field(max_length=MAX_OCTETS, description="A stream of YAML documents.")
    file: str = Field("request", max_length=255, description="What the text is called in messages.")
    overwrite: bool = Field(
        False,
        description="Whether to write over versions that were not seen: a version is seen when the "
        "document begins with '# keyhole-version: N'.",
    )
    message: str | None = Field(None, max_length=500, description="Why, for the audit record.")
    is_dry_run: bool = Field(False, description="Whether to check only, and change nothing.")


class DocumentEffect(BaseModel):
    """What became of one document."""

    kind: str
    name: str
    what: Literal["created", "changed", "unchanged", "deleted"]
    version: int = Field(description="The version that counts now.")


class ApplyResult(BaseModel):
    """What a change did."""

    change: int | None = Field(description="Its number; null where nothing was changed.")
    effects: list[DocumentEffect]
    is_in_force: bool = Field(description="Whether the engine decides by it already.")
    why: str = Field(description="Why it is not in force yet; else empty.")
    advice: list[str] = Field(description="What is valid and probably not meant.")


class Drift(BaseModel):
    """Where the files of the documents folder and what is in force differ."""

    problems: list[ProblemItem] = Field(description="Why the files cannot be taken as they are.")
    shadowed: list[str] = Field(
        description="Stored documents that do not count, because a file declares them too."
    )


class RollbackRequest(BaseModel):
    """Which version is to come back."""

    to: int | None = Field(
        None, ge=0, description="The version; null for the one before, 0 for none at all."
    )


@router.get("")
def list_documents(
    changes: StoredDocuments,
    _: Viewer,
    kind: Annotated[str | None, Query(max_length=32, description="Only of this kind.")] = None,
    origin: Annotated[
        Literal["declared", "stored"] | None, Query(description="Only of this origin.")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Document]:
    """All documents, by kind and name."""
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
    return Page(items=[_shown(one) for one in page], next=last)


@router.post("")
async def apply_documents(
    changes: StoredDocuments, caller: Operator, request: Request, body: ApplyRequest
) -> ApplyResult:
    """Creates and changes documents, all of them or none."""
    change_requests = read_change_requests(body.text, body.file, changes.folder)
    if body.overwrite:
        change_requests = [ChangeRequest(one.kind, one.name, one.text) for one in change_requests]
    outcome = await changes.apply(
        change_requests, change_actor(caller, request), message=body.message, is_dry=body.is_dry_run
    )
    return apply_result(outcome)


@router.get("/drift")
async def get_drift(changes: StoredDocuments, _: Viewer) -> Drift:
    """Where the files of the documents folder and what is in force differ."""
    problems, shadowed = await changes.drift()
    return Drift(
        problems=[ProblemItem(place=one.place, why=one.why) for one in problems],
        shadowed=[one.label for one in shadowed],
    )


@router.get("/{kind}/{name}")
def get_document(
    changes: StoredDocuments, _: Viewer, kind: Kind, name: Name, response: Response
) -> Document:
    """One document; its ETag is what a change of it has to name."""
    found = changes.document(kind, name)
    response.headers["etag"] = _etag(found)
    return _shown(found)


@router.put("/{kind}/{name}")
async def put_document(
    changes: StoredDocuments,
    caller: Operator,
    request: Request,
    kind: Kind,
    name: Name,
    body: ApplyRequest,
    if_match: Seen = None,
    if_none_match: Seen = None,
) -> ApplyResult:
    """Writes one document. If-Match names the version that was seen; If-None-Match: * says that
    there was none."""
    seen = _seen(if_match, if_none_match)
    change_requests = read_change_requests(body.text, body.file, changes.folder)
    if [(one.kind, one.name) for one in change_requests] != [(kind, name)]:
        why = f"the text must hold {kind}/{name} and nothing else"
        raise ApiProblem(400, "other_document", why)
    change_request = ChangeRequest(kind, name, change_requests[0].text, seen)
    outcome = await changes.apply(
        [change_request],
        change_actor(caller, request),
        message=body.message,
        is_dry=body.is_dry_run,
    )
    return apply_result(outcome)


@router.delete("/{kind}/{name}")
async def delete_document(
    changes: StoredDocuments,
    caller: Operator,
    request: Request,
    kind: Kind,
    name: Name,
    if_match: Seen = None,
    message: Message = None,
    dry_run: DryRun = False,
) -> ApplyResult:
    """Deletes one document; its versions stay, so that it can come back."""
    change_request = ChangeRequest(kind, name, None, _seen(if_match, None))
    outcome = await changes.apply(
        [change_request],
        change_actor(caller, request),
        action="delete",
        message=message,
        is_dry=dry_run,
    )
    return apply_result(outcome)


@router.get("/{kind}/{name}/versions")
def list_versions(
    changes: StoredDocuments, _: Viewer, kind: Kind, name: Name
) -> Page[DocumentVersion]:
    """All versions of a stored document, the newest first."""
    return Page(
        items=[
            DocumentVersion(
                version=one.version, change=one.change, is_deleted=one.is_deleted, text=one.text
            )
            for one in changes.history(kind, name)
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
    """Brings an earlier version of a document back, as a new version."""
    return apply_result(
        await changes.roll_back(kind, name, change_actor(caller, request), to=body.to)
    )


def change_actor(caller: Principal, request: Request) -> Actor:
    """Whoever called, as the audit record names them."""
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
        raise ApiProblem(412, "changed_meanwhile", f"{if_match} is no version of this document")
    return int(number)


def _etag(found: DocumentRecord) -> str:
    return f'"v{found.version}"'


def _key(cursor: str | None) -> tuple[str, ...]:
    if cursor is None:
        return ()
    key = read_cursor(cursor)
    if not isinstance(key, list) or not all(isinstance(one, str) for one in key):
        raise ApiProblem(400, "cursor_not_valid", "the cursor is none of ours; begin without one")
    return tuple(key)


def _shown(found: DocumentRecord) -> Document:
    return Document(
        kind=found.kind,
        name=found.name,
        origin=found.origin,
        file=f"{found.file}:{found.line}" if found.file else None,
        version=found.version or None,
        is_shadowed=found.is_shadowed,
        text=found.text,
    )


def apply_result(outcome: Outcome) -> ApplyResult:
    """What a change did, as it is answered."""
    return ApplyResult(
        change=outcome.change,
        effects=[DocumentEffect(**vars(one)) for one in outcome.effects],
        is_in_force=outcome.is_in_force,
        why=outcome.why,
        advice=list(outcome.advice),
    )
