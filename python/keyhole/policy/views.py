"""The local records that the clients of each policy see (split horizon)."""

from collections.abc import Iterable

from keyhole.config.declaration import Declaration, Documents
from keyhole.model.record import RecordSpec

View = tuple[int, ...]
"""Indices of ``documents.records``, ascending."""


def view_of_all(documents: Documents) -> View:
    """The records for all, as the clients of a policy without own records see them."""
    return tuple(index for index, one in enumerate(documents.records) if one.spec.policies is None)


def views(documents: Documents, policies: Iterable[str]) -> dict[str, View]:
    """The view of each policy."""
    for_all = view_of_all(documents)
    own: dict[str, list[int]] = {}
    for index, one in enumerate(documents.records):
        for name in dict.fromkeys(one.spec.policies or ()):
            own.setdefault(name, []).append(index)
    return {
        name: _over(documents, for_all, own[name]) if name in own else for_all for name in policies
    }


def _over(documents: Documents, for_all: View, own: list[int]) -> View:
    """A policy's own records, and the records for all of other names."""
    names = {documents.records[index].spec.name for index in own}
    others = (index for index in for_all if documents.records[index].spec.name not in names)
    return tuple(sorted([*own, *others]))


def distinct_views(documents: Documents) -> list[list[Declaration[RecordSpec]]]:
    """The sets of records that clients see, each once."""
    found = views(documents, (one.name for one in documents.policies if one.spec.applies))
    distinct = dict.fromkeys([view_of_all(documents), *found.values()])
    return [[documents.records[index] for index in view] for view in distinct]
