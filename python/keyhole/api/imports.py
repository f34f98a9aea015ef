"""``/imports``: the settings of another product as documents, to look at before they are stored."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from keyhole.api.dependencies import RunningServices
from keyhole.api.principal import Administrator
from keyhole.api.problem import ApiProblem
from keyhole.api.turns import Turns
from keyhole.config.documents import read_documents
from keyhole.control.declared import declared_paths
from keyhole.control.import_settings import DefaultPolicy, ImportResult
from keyhole.control.import_upload import Upload, stream_of
from keyhole.control.services import Services
from keyhole.importers import Disposition, ImporterError, Item
from keyhole.importers.limits import MAX_ARCHIVE
from keyhole.model.units import show_octets

router = APIRouter(prefix="/imports", tags=["documents"])

SECONDS = 60.0
"""For the file to arrive."""
MAX_ITEMS = 2_000
_TURNS = Turns("another file is imported already")
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"The file as it is, at most {show_octets(MAX_ARCHIVE)}.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class ImportItem(BaseModel):
    """A setting of the other product, and how it would be imported."""

    kind: str = Field(description="upstream, forwarding, group, client, list, rule, schedule, ...")
    name: str = Field(description="Its name in the other product.")
    fate: Literal["taken", "changed", "left"] = Field(
        description="taken: Keyhole does the same; changed: something similar; left: nothing."
    )
    why: str = Field(description="What differs, or why it is left; empty if it is as before.")
    file: str = Field(description="The file in which it stands; empty if not known.")
    path: str = Field(description="The path in that file; empty if not known.")
    line: int = Field(description="The line, from 1; 0 if not known.")


class ImportCounts(BaseModel):
    """How many settings of one kind have which fate."""

    kind: str = Field(description="The kind.")
    taken: int = Field(description="Those that Keyhole does in the same way.")
    changed: int = Field(description="Those that it does in a similar way.")
    left: int = Field(description="Those that are not imported.")


class ImportPreview(BaseModel):
    """What an import would store."""

    product: str = Field(description="The product that wrote the file.")
    text: str = Field(description="The documents as a YAML stream, as POST /documents takes it.")
    lacks_upstream: bool = Field(description="Whether none of its upstreams could be taken.")
    default_policy: str = Field(
        description="The policy in force for the clients of no other one. Where there is one, the "
        "imported one is for the networks that are served, so that both can stand. Empty if none."
    )
    counts: list[ImportCounts] = Field(description="The numbers of settings, by kind.")
    items: list[ImportItem] = Field(
        description=f"The settings, those that are left first; at most {MAX_ITEMS}."
    )
    more: int = Field(description="How many settings items leaves out.")
    advice: list[str] = Field(description="Advice on the documents.")


@router.post("/{product}", openapi_extra=_BODY)
async def preview_import(
    services: RunningServices,
    _: Administrator,
    request: Request,
    product: Literal["pihole", "adguard", "blocky", "technitium", "dnsmasq", "unbound"],
    file: Annotated[str, Query(max_length=255, description="The name of the file.")] = "",
) -> ImportPreview:
    """Converts a file of another product to documents, and stores nothing.

    The file is read within the limits of `keyhole import`. Apply the text with POST /documents.
    """
    async with _TURNS.take():
        with Upload(services.data.state, file) as upload:
            await receive_file(request, upload.file)
            pool = services.control_plane.imports
            default = await pool.run(_default_policy, services)
            try:
                found = await upload.convert(pool, product, default)
            except ImporterError as error:
                raise ApiProblem(422, "not_valid", str(error)) from None
    return _shown(found, default)


async def receive_file(request: Request, file: Path, limit: int = MAX_ARCHIVE) -> None:
    """Writes a body to a file as it comes; one that is, or says that it is, larger is refused."""
    octets = 0
    detail = f"a file has at most {show_octets(limit)} here"
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > limit:
        raise ApiProblem(413, "too_large", detail)
    try:
        async with asyncio.timeout(SECONDS):
            with file.open("wb") as written:
                async for part in request.stream():
                    octets += len(part)
                    if octets > limit:
                        raise ApiProblem(413, "too_large", detail)
                    await asyncio.to_thread(written.write, part)
    except TimeoutError:
        detail = f"the file did not arrive within {SECONDS:.0f} seconds"
        raise ApiProblem(408, "too_slow", detail) from None
    except ClientDisconnect:
        raise ApiProblem(400, "not_valid", "the file did not arrive whole") from None
    if not octets:
        raise ApiProblem(422, "not_valid", "the file is empty")


def _default_policy(services: Services) -> DefaultPolicy | None:
    places = declared_paths(services.settings, services.data)
    documents, _ = read_documents([*places, *services.data.stored_folders])
    name = next((one.name for one in documents.policies if one.spec.is_default), None)
    networks = services.settings.resolved.options.clients
    return None if name is None else DefaultPolicy(name, networks)


def _shown(found: ImportResult, default: DefaultPolicy | None) -> ImportPreview:
    order = [Disposition.LEFT, Disposition.CHANGED, Disposition.TAKEN]
    items = sorted(found.report.sorted(), key=lambda item: order.index(item.disposition))
    counts = found.report.counts().items()
    return ImportPreview(
        product=found.product,
        text=stream_of(found),
        lacks_upstream=found.lacks_upstream,
        default_policy=default.name if default else "",
        counts=[ImportCounts(kind=str(kind), **some) for kind, some in counts],
        items=[_item(one) for one in items[:MAX_ITEMS]],
        more=max(0, len(items) - MAX_ITEMS),
        advice=[str(problem) for problem in found.advice],
    )


def _item(item: Item) -> ImportItem:
    place = item.place
    return ImportItem(
        kind=item.kind,
        name=item.name,
        fate=item.disposition.value,
        why=item.why,
        file=place.file if place else "",
        path=place.path if place else "",
        line=place.line or 0 if place else 0,
    )
