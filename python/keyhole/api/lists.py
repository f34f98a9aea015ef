"""``/lists``: block and allow lists, how fresh they are, and what was taken from them."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from keyhole.api.dependencies import RunningServices
from keyhole.api.pagination import Page
from keyhole.api.principal import Operator, Viewer
from keyhole.control.error import NotThereError
from keyhole.control.list_refresh import ListStatus, UrlStatus
from keyhole.control.list_refresh.report import statuses
from keyhole.control.list_refresh.status import ListState
from keyhole.control.lists import search_name
from keyhole.control.services import Services
from keyhole.lists.catalog import catalog

router = APIRouter(prefix="/lists", tags=["lists"])


class ListSource(BaseModel):
    """One URL of a list."""

    url: str
    state: Literal["waiting", "downloading", "fresh", "failed"]
    octets: int = Field(description="Of the list that is there, or as many as came by now.")
    total: int | None = Field(description="How many will come, while that is known.")
    fetched: datetime | None = Field(description="When the list that is there came.")
    checked: datetime | None = Field(description="When the server last said it is the newest.")
    next: datetime | None = Field(description="When the server is asked again.")
    error: str | None = Field(description="Why the last try failed; null where it did not.")
    failing_since: datetime | None
    sha256: str | None = Field(description="Of the list that is there.")


class SkippedLine(BaseModel):
    """A line that was left out."""

    file: str
    line: int
    text: str
    reason: str


class ListSummary(BaseModel):
    """One list as it is now."""

    name: str
    kind: Literal["block", "allow"]
    state: ListState = Field(
        description="held back: its last good version stays in use; unused: no policy names it."
    )
    why: str = Field(description="Why it is held back; else empty.")
    taken: int | None = Field(description="Entries in force; null where it is not compiled.")
    duplicates: int | None = Field(description="Entries that stand there twice.")
    skipped: int | None = Field(description="Lines that were left out.")
    skipped_by_reason: dict[str, int]
    hits: int | None = Field(
        description="Queries of the last day that it decided; null where there is no history."
    )
    files: list[str] = Field(description="Its files, as the document names them.")
    sources: list[ListSource] = Field(description="Its URLs.")


class ListDetail(ListSummary):
    """One list, with examples of what was left out."""

    examples: list[SkippedLine]


class RefreshRequest(BaseModel):
    """Which lists to download now."""

    names: list[Annotated[str, Field(max_length=63)]] = Field(
        default_factory=list, max_length=1000, description="Names of lists; empty for all."
    )


class RefreshResult(BaseModel):
    """What is being downloaded."""

    urls: list[str]


class ListMatch(BaseModel):
    """An entry that speaks of a name."""

    list: str
    action: str = Field(description="block or allow.")
    pattern: str = Field(description="The entry as it was understood.")
    file: str
    line: int
    important: bool


class CatalogEntry(BaseModel):
    """A list of the catalog."""

    name: str
    title: str
    about: str
    url: str
    home: str = Field(description="Where its makers describe it, with the license.")
    document: str = Field(description="A List document that downloads it.")


@router.get("")
def list_lists(services: RunningServices, _: Viewer) -> Page[ListSummary]:
    """All lists by name, and how they are at this moment."""
    hits = _hits(services)
    return Page(items=[ListSummary(**_fields(one, hits)) for one in _now(services)])


@router.post("/refresh", status_code=202)
async def refresh_lists(
    services: RunningServices, _: Operator, body: RefreshRequest
) -> RefreshResult:
    """Downloads lists now, whether they are due or not; their state tells how far that is."""
    return RefreshResult(urls=await services.lists.refresh(body.names))


@router.get("/catalog")
def list_catalog(
    _: Viewer,
    search: Annotated[str, Query(max_length=100, description="Only with this word in it.")] = "",
) -> Page[CatalogEntry]:
    """Well-known lists to switch on."""
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
    name: Annotated[str, Query(min_length=1, max_length=253, description="The name.")],
) -> Page[ListMatch]:
    """Every entry of the lists in force that speaks of a name, with file and line."""
    found = search_name(services.data, name)
    keys = ("list", "action", "pattern", "file", "line", "important")
    return Page(items=[ListMatch(**{key: hit[key] for key in keys}) for hit in found["hits"]])


@router.get("/{name}")
def get_list(
    services: RunningServices,
    _: Viewer,
    name: Annotated[str, Path(max_length=63, description="The name of the list.")],
) -> ListDetail:
    """One list, with examples of the lines that were left out."""
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
        "taken": one.taken,
        "duplicates": one.duplicates,
        "skipped": one.skipped,
        "skipped_by_reason": dict(one.skipped_by_reason),
        "hits": None if hits is None else hits.get(one.name, 0),
        "files": list(one.files),
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
