"""The document of each object, made once for each version of it."""

from collections.abc import Iterable

from keyhole.errors import Problem
from keyhole.mesh.documents.delegation import Delegation
from keyhole.mesh.documents.resource import Key, Resource


class Written:
    """What was made of each object."""

    def __init__(self, delegation: Delegation) -> None:
        self._delegation = delegation
        self._made: dict[Key, tuple[str, int, str | Problem]] = {}

    def of(self, one: Resource) -> str | Problem:
        """The document, or why there is none."""
        known = self._made.get(one.key)
        if known is not None and known[:2] == (one.uid, one.generation):
            return known[2]
        made = self._make(one)
        self._made[one.key] = (one.uid, one.generation, made)
        return made

    def _make(self, one: Resource) -> str | Problem:
        refused = self._delegation.problems(one)
        if refused:
            return refused[0]
        try:
            return self._delegation.text_of(one)
        except Exception as error:  # noqa: BLE001  (one object must not stop all others)
            why = f"it cannot be written as YAML ({type(error).__name__}); write it more simply"
            return Problem(one.key.file, 0, self._delegation.label_of(one.key), "spec", why)

    def forget_all_but(self, kept: Iterable[Key]) -> None:
        """Drops what was made of objects that are gone."""
        keys = frozenset(kept)
        self._made = {key: made for key, made in self._made.items() if key in keys}
