"""``/lists/preview``: what a list would do, before it is stored."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import RunningServices
from keyhole.api.lists import SkippedLine
from keyhole.api.principal import Administrator
from keyhole.api.problem import ApiProblem
from keyhole.api.request_body import RequestBody
from keyhole.api.turns import Turns
from keyhole.config import read_documents
from keyhole.control.declared import declared_paths
from keyhole.control.list_refresh.preview import ListDraft, Preview, preview
from keyhole.control.services import Services
from keyhole.model.list import ENTRIES, Format
from keyhole.model.url import LIST_URL
from keyhole.policy import protected_names

router = APIRouter(prefix="/lists", tags=["lists"])

MAX_ASKED = 200
"""Names of the last day that are compared with a list."""
_TURNS = Turns("another list is looked at already")


class PreviewRequest(RequestBody):
    """A list that is not stored: a URL or entries."""

    url: Annotated[str, LIST_URL] | None = Field(None, description="The URL to download it from.")
    entries: Annotated[str, ENTRIES] | None = Field(
        None, description="The entries themselves, one a line; instead of url."
    )
    kind: Literal["block", "allow"] = Field("block", description="What a hit would mean.")
    format: Format = Field("auto", description="The format; auto detects it for each line.")


class PreviewSample(BaseModel):
    """An entry of the list, as it was understood."""

    line: int = Field(description="The number of the line.")
    pattern: str = Field(description="The entry in its normal form.")
    action: Literal["block", "allow"] = Field(description="block or allow.")
    important: bool = Field(description="Whether the entry overrides other entries.")


class PreviewName(BaseModel):
    """A name that clients asked for, and the entry that would decide it."""

    name: str = Field(description="The name.")
    queries: int = Field(description="How often it was asked for in the last 24 hours.")
    pattern: str = Field(description="The entry in its normal form.")
    action: Literal["block", "allow"] = Field(description="block or allow.")


class ListPreview(BaseModel):
    """What a list would do."""

    octets: int = Field(description="Its size, after decompression.")
    lines: int = Field(description="Its lines.")
    format: str = Field(description="The format as it was read; auto if lines differ.")
    taken: int = Field(description="Entries that would be in force.")
    duplicates: int = Field(description="Duplicate entries.")
    spared: int = Field(description="Entries that spare a name which serves Keyhole itself.")
    skipped: int = Field(description="Skipped lines.")
    skipped_by_reason: dict[str, int] = Field(description="Skipped lines by reason.")
    lost: str = Field(
        description="How much of the list is left out, and why most of it; empty up to a tenth."
    )
    examples: list[SkippedLine] = Field(description="Some of the skipped lines.")
    samples: list[PreviewSample] = Field(description="Some of the entries, from the whole list.")
    asked: list[PreviewName] = Field(
        description="Names of the last 24 hours that it would decide, with their queries that were "
        "neither blocked nor refused for a block list, and those that were for an allow list."
    )
    compared: int = Field(
        description="How many of the most frequent such names were compared; 0 without a history."
    )


@router.post("/preview")
async def preview_list(
    services: RunningServices, _: Administrator, request: Request, body: PreviewRequest
) -> ListPreview:
    """Downloads and compiles a list without storing it, with the limits of other downloads and in
    at most a minute."""
    if (body.url is None) == (body.entries is None):
        raise ApiProblem(422, "not_valid", "give url or entries, and not both")
    draft = ListDraft(body.kind, body.format, body.url, body.entries)
    async with _TURNS.take(request):
        found = await services.control_plane.previews.run(_preview, services, draft)
    return _shown(found, draft)


def _preview(services: Services, draft: ListDraft) -> Preview:
    places = declared_paths(services.settings, services.data)
    documents, _ = read_documents([*places, *services.data.stored_folders])
    protected = protected_names(documents, services.settings.resolved.own_names)
    asked: dict[str, int] = {}
    if services.queries is not None:
        asked = services.queries.asked_names(MAX_ASKED, is_withheld=draft.kind == "allow")
    return preview(draft, services.lists, protected, asked)


def _shown(found: Preview, draft: ListDraft) -> ListPreview:
    report = found.report.lists[0]
    source = draft.url or "entries"
    return ListPreview(
        octets=found.octets,
        lines=report.files[0].lines,
        format=report.files[0].format,
        taken=report.taken,
        duplicates=report.duplicates,
        spared=report.spared,
        skipped=report.skipped.count,
        skipped_by_reason=report.skipped.by_reason,
        lost=found.lost,
        examples=[
            SkippedLine(file=source, line=one.line, text=one.text, reason=one.reason)
            for one in report.skipped.examples
        ],
        samples=[PreviewSample(**vars(one)) for one in found.samples],
        asked=[PreviewName(**vars(one)) for one in found.asked],
        compared=found.compared,
    )
