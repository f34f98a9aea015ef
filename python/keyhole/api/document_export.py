"""``/documents/export``: all documents as one file."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from keyhole.api.dependencies import StoredDocuments
from keyhole.api.principal import Viewer

router = APIRouter(prefix="/documents", tags=["documents"])

MEDIA_TYPE = "application/yaml"
_FILE = "keyhole-documents.yaml"


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"description": "A stream of YAML documents.", "content": {MEDIA_TYPE: {}}}},
)
def export_documents(
    changes: StoredDocuments,
    _: Viewer,
    origin: Annotated[
        Literal["declared", "stored"] | None, Query(description="Only documents of this origin.")
    ] = None,
) -> Response:
    """Exports all documents in force as one YAML stream, which POST /documents takes back. Stored
    documents that a file overrides are left out."""
    found = [
        # Spaces before the first key are its indentation.
        "---\n" + one.text.strip("\n") + "\n"
        for one in changes.documents()[0]
        if not one.is_shadowed and origin in (None, one.origin)
    ]
    headers = {"content-disposition": f'attachment; filename="{_FILE}"'}
    return Response("".join(found), media_type=MEDIA_TYPE, headers=headers)
