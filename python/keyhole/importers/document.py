"""Documents before they are written, with their comments."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CommentedValue:
    """A value with a comment on the same line."""

    value: str
    comment: str


@dataclass(frozen=True)
class Document:
    """A document; ``spec`` holds dicts, lists, strings, numbers, flags and `CommentedValue`."""

    kind: str
    name: str
    spec: dict[str, Any]
    comments: list[str] = field(default_factory=list)
    """Comment lines above it."""
    is_commented_out: bool = False
    """Whether the whole document is commented out, as a suggestion."""
