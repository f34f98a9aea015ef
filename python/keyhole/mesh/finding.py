"""A trap that was found: where, what happens, and what would be right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from keyhole.mesh.objects import Manifest, World


@dataclass(frozen=True)
class Finding:
    """One trap in one object."""

    trap: str
    """Its word, the same in text, JSON and guide."""
    file: str
    object: str
    why: str
    cure: str


Rule = Callable[[World], Iterator[Finding]]


def found(trap: str, one: Manifest, why: str, cure: str) -> Finding:
    """A trap in an object."""
    return Finding(trap, one.file, f"{one.kind} {one.namespace}/{one.name}", why, cure)
