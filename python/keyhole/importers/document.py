"""Documents before they are written: values with the remarks that stand beside them."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Noted:
    """A value, and a remark behind it."""

    value: str
    note: str


@dataclass(frozen=True)
class Document:
    """One document; ``spec`` is of mappings, lists, texts, numbers, flags and `Noted`."""

    kind: str
    name: str
    spec: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    """Remarks above it."""
    is_remark: bool = False
    """Whether all of it is commented out: something to choose."""
