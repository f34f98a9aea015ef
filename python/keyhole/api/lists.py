"""``/lists``: block and allow lists, their downloads and their entries."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from keyhole.api.dependencies import RunningServices
from keyhole.api.pagination import Page
from keyhole.api.principal import Operator, Viewer
from keyhole.api.request_body import RequestBody
from keyhole.control.error import NotThereError
from keyhole.control.list_refresh import ListStatus, UrlStatus
from keyhole.control.list_refresh.report import statuses
from keyhole.control.list_refresh.status import ListState
from keyhole.control.lists import search_name
from keyhole.control.services import Services
from keyhole.lists.catalog import catalog

router = APIRouter(prefix="/lists", tags=["lists"])


class ListSource(BaseModel):
    """The download state of one URL of a list."""

    url: str = Field(description="The URL.")
    state: Literal["waiting", "downloading", "fresh", "failed"] = Field(description="Its state.")
    octets: int = Field(description="Size of the stored list, or octets downloaded so far.")
    total: int | None = Field(description="Expected size of the current download, if known.")
    fetched: datetime | None = Field(description="When the stored list was downloaded.")
    checked: datetime | None = Field(description="When the server last confirmed it as current.")
    next: datetime | None = Field(description="When the next download is due.")
    error: str | None = Field(description="Why the last download failed; null if it succeeded.")
    failing_since: datetime | None = Field(description="Since when downloads have been failing.")
    sha256: str | None = Field(description="SHA-256 of the stored list.")


class SkippedLine(BaseModel):
    """A line of a list that was skipped."""

    file: str = Field(description="The file, or the URL or document that it comes from.")
    line: int = Field(description="The number of the line.")
    text: str = Field(description="The text of the line; empty for files of this machine.")
    reason: str = Field(description="Why it was skipped.")


class ListSummary(BaseModel):
    """The state of one list."""

    name: str = Field(description="The name of the List document.")
    kind: Literal["block", "allow"] = Field(description="Whether it blocks or allows names.")
    state: ListState = Field(
        description="held back: the last good version stays in use. unused: no policy uses it."
    )
    why: str = Field(description="Why it is held back; empty if it is not.")
    lost: str = Field(
        description="How much of the list is left out, and why most of it; empty up to a tenth."
    )
    taken: int | None = Field(description="Entries in force; null if not compiled.")
    duplicates: int | None = Field(description="Duplicate entries.")
    skipped: int | None = Field(description="Skipped lines.")
    skipped_by_reason: dict[str, int] = Field(description="Skipped lines by reason.")
    hits: int | None = Field(
        description="Queries that it decided in the last 24 hours; null without a history."
    )
    files: list[str] = Field(description="Its files, as in the document.")
    has_entries: bool = Field(description="Whether entries stand in the document itself.")
    policies: list[str] = Field(
        description="The policies in force that use it, also by what they include."
    )
    sources: list[ListSource] = Field(description="Its URLs and their downloads.")


class ListDetail(ListSummary):
    """The state of one list, with examples of skipped lines."""

    examples: list[SkippedLine] = Field(description="Some of the skipped lines.")


class RefreshRequest(RequestBody):
    """The lists to download now."""

    names: list[Annotated[str, Field(max_length=63)]] = Field(
        default_factory=list, max_length=1000, description="Names of lists; empty for all."
    )


class RefreshResult(BaseModel):
    """The downloads that were started."""

    urls: list[str] = Field(description="The URLs.")


class ListMatch(BaseModel):
    """A list entry that matches a name."""

    list: str = Field(description="The name of the list.")
    action: str = Field(description="block or allow.")
    pattern: str = Field(description="The entry in its normal form.")
    file: str = Field(description="The file, or the URL or document that it comes from.")
    line: int = Field(description="The number of the line.")
    important: bool = Field(description="Whether the entry overrides other entries.")


class CatalogEntry(BaseModel):
    """A well-known list in the catalog."""

    name: str = Field(description="The name of the entry.")
    title: str = Field(description="The title of the list.")
    about: str = Field(description="What the list contains.")
    url: str = Field(description="The URL to download it from.")
    home: str = Field(description="The project page, with the license.")
    document: str = Field(description="A List document that downloads it.")


@router.get("")
def list_lists(services: RunningServices, _: Viewer) -> Page[ListSummary]:
    """Lists the state of all block and allow lists, ordered by name."""
    hits = _hits(services)
    return Page(items=[ListSummary(**_fields(one, hits)) for one in _now(services)])


@router.post("/refresh", status_code=202)
async def refresh_lists(
    services: RunningServices, _: Operator, body: RefreshRequest
) -> RefreshResult:
    """Starts downloading lists now, even if not due. Their state shows the progress."""
    return RefreshResult(urls=await services.lists.refresh(body.names))


@router.get("/catalog")
def list_catalog(
    _: Viewer,
    search: Annotated[
        str, Query(max_length=100, description="Only entries that contain this text.")
    ] = "",
) -> Page[CatalogEntry]:
    """Lists the catalog of well-known lists."""
    return Page(
        items=[
            CatalogEntry(
                document=one.document, **{k: v for k, v in vars(one).items() if k != "kind"}
            )
            for one in catalog().values()
            if search.lower() in f"{one.name} {one.title} {one.about}".lower()
        ]
    )


@router.get("/search")
def search_lists(
    services: RunningServices,
    _: Viewer,
    name: Annotated[str, Query(min_length=1, max_length=253, description="The name to look for.")],
) -> Page[ListMatch]:
    """Finds every entry that matches a name in the lists in force, with file and line."""
    found = search_name(services.data, name)
    keys = ("list", "action", "pattern", "line", "important")
    sources = services.lists.sources()
    return Page(
        items=[
            ListMatch(file=sources.get(hit["file"], hit["file"]), **{key: hit[key] for key in keys})
            for hit in found["hits"]
        ]
    )


@router.get("/{name}")
def get_list(
    services: RunningServices,
    _: Viewer,
    name: Annotated[str, Path(max_length=63, description="The name of the list.")],
) -> ListDetail:
    """Returns the state of one list, with examples of skipped lines."""
    for one in _now(services):
        if one.name == name:
            examples = [SkippedLine(**vars(row)) for row in one.examples]
            return ListDetail(**_fields(one, _hits(services)), examples=examples)
    raise NotThereError(f"there is no List {name}")


def _now(services: Services) -> list[ListStatus]:
    return statuses(services.lists, services.control_plane.reconciler.in_force)


def _hits(services: Services) -> dict[str, int] | None:
    return services.queries.hits() if services.queries else None


def _fields(one: ListStatus, hits: dict[str, int] | None) -> dict[str, object]:
    return {
        "name": one.name,
        "kind": one.kind,
        "state": one.state,
        "why": one.why,
        "lost": one.lost,
        "taken": one.taken,
        "duplicates": one.duplicates,
        "skipped": one.skipped,
        "skipped_by_reason": dict(one.skipped_by_reason),
        "hits": None if hits is None else hits.get(one.name, 0),
        "files": list(one.files),
        "has_entries": one.has_entries,
        "policies": list(one.policies),
        "sources": [_source(url) for url in one.urls],
    }


def _source(one: UrlStatus) -> ListSource:
    return ListSource(
        url=one.url,
        state=one.state,
        octets=one.octets,
        total=one.total,
        fetched=_time(one.fetched_at),
        checked=_time(one.checked_at),
        next=_time(one.next_at),
        error=one.error,
        failing_since=_time(one.failing_since),
        sha256=one.sha256,
    )


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
