"""Pagination: an opaque cursor leads from one page to the next."""

import base64
import binascii
import json
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from keyhole.api.problem import ApiProblem

MAX_ITEMS = 1_000
MAX_NUMBER = 2**53 - 1
"""The largest number of an entry or a version: every program reads it exactly (RFC 8259 section 6),
and every database can hold it."""
Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=MAX_ITEMS, description="Maximum number of items.")]
Cursor = Annotated[
    str | None,
    Query(
        max_length=2_048, description="The `next` of the previous page; omit it for the first page."
    ),
]


class Page(BaseModel, Generic[Item]):
    """One page of items."""

    items: list[Item] = Field(description="The items of this page.")
    next: str | None = Field(None, description="Cursor of the next page; null on the last page.")


def write_cursor(key: Any) -> str:
    """Encodes a key (any JSON value) as a cursor."""
    text = json.dumps(key, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def read_cursor(cursor: str) -> Any:
    """Decodes the key in a cursor; raises 400 if the cursor is not valid."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
        key = json.loads(text)
        # Half a character outside the basic plane, escaped: no database takes it.
        json.dumps(key, ensure_ascii=False).encode()
        return key
    except (binascii.Error, ValueError, RecursionError):
        raise ApiProblem(
            400, "cursor_not_valid", "the cursor is not valid; begin without one"
        ) from None
