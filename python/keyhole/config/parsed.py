"""Keeps what was parsed and validated: an unchanged text gives the same result again.

Reading all documents then costs little more than reading their files, however many there are. Only
what is valid is kept, by the digest of its text.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from keyhole.config.source_tree import Node
from keyhole.model.units import MIB

_MAX_OCTETS = 64 * MIB
"""Octets of the texts whose results are kept; the ones used longest ago go first."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A valid document, without its place: that changes when a line is added above it."""

    kind: str
    name: str
    spec: Any
    node: Node
    """Its lines are those in its own text, from 1."""
    names_files: bool
    """Whether it names files, which may change without it."""


class Kept(Generic[Value]):
    """Results by the digest of their text; safe to use from several threads."""

    def __init__(self, max_octets: int = _MAX_OCTETS) -> None:
        self._max_octets = max_octets
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._octets = 0
        self._lock = threading.Lock()

    def get(self, text: str, make: Callable[[], Value | None], *besides: Hashable) -> Value | None:
        """What ``make`` gives for a text, and for what it depends on ``besides``.

        None is not kept.
        """
        octets = text.encode("utf-8", "surrogatepass")
        key = (hashlib.sha256(octets).digest(), *besides)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        made = make()
        if made is not None:
            self._keep(key, made, len(octets))
        return made

    def _keep(self, key: Hashable, made: Value, size: int) -> None:
        with self._lock:
            if key in self._kept or size > self._max_octets:
                return
            self._kept[key] = (made, size)
            self._octets += size
            while self._octets > self._max_octets:
                _, (_, gone) = self._kept.popitem(last=False)
                self._octets -= gone
