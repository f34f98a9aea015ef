"""Documents before they are written, with their comments."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CommentedValue:
    """A value with a comment on the same line."""

    value: str
    comment: str
    title: str = ""
    """Its name in the report."""


@dataclass(frozen=True, eq=False)
class Document:
    """A document; ``spec`` holds dicts, lists, strings, numbers, flags and `CommentedValue`."""

    kind: str
    name: str
    spec: dict[str, Any]
    comments: list[str] = field(default_factory=list)
    """Comment lines above it."""
    titles: tuple[str, ...] = ()
    """The names in the report of what it holds."""
    is_commented_out: bool = False
    """Whether the whole document is commented out, as a suggestion."""
