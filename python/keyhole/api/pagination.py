"""Pages of a long answer: an opaque cursor leads from one to the next."""

import base64
import binascii
import json
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from keyhole.api.problem import ApiProblem

MAX_ITEMS = 1_000
Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=MAX_ITEMS, description="At most so many items.")]
Cursor = Annotated[
    str | None,
    Query(max_length=2_048, description="The next of the page before; none begins at the start."),
]


class Page(BaseModel, Generic[Item]):
    """A part of a long answer."""

    items: list[Item]
    next: str | None = Field(
        None, description="The cursor of the next page; null where this is the last one."
    )


def write_cursor(key: Any) -> str:
    """A key (anything that JSON can hold) as a cursor."""
    text = json.dumps(key, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def read_cursor(cursor: str) -> Any:
    """The key in a cursor; raises 400 where it is none of ours."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise ApiProblem(
            400, "cursor_not_valid", "the cursor is none of ours; begin without one"
        ) from None
