"""Documents before they are written: values with the comments that stand beside them."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CommentedValue:
    """A value, and a comment behind it."""

    value: str
    comment: str


@dataclass(frozen=True)
class Document:
    """One document; ``spec`` is of mappings, lists, texts, numbers, flags and `CommentedValue`."""

    kind: str
    name: str
    spec: dict[str, Any]
    comments: list[str] = field(default_factory=list)
    """Remarks above it."""
    is_commented_out: bool = False
    """Whether all of it is commented out: something to choose."""
