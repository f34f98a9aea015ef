"""Which local records the clients of each policy see (split horizon)."""

from collections.abc import Iterable

from keyhole.config.declaration import Declaration, Documents
from keyhole.model.record import RecordSpec

View = tuple[int, ...]
"""Places in ``documents.records``, ascending."""


def view_of(documents: Documents, policy: str) -> View:
    """What the clients of a policy see: its own records, and those for all whose name it does not
    have as well."""
    own = {one.spec.name for one in documents.records if policy in (one.spec.policies or ())}
    return tuple(
        index
        for index, one in enumerate(documents.records)
        if (one.spec.name not in own if one.spec.policies is None else policy in one.spec.policies)
    )


def view_of_all(documents: Documents) -> View:
    """What the clients of a policy see that has no records of its own."""
    return tuple(index for index, one in enumerate(documents.records) if one.spec.policies is None)


def views(documents: Documents, policies: Iterable[str]) -> dict[str, View]:
    """The view of each policy."""
    special = {name for one in documents.records for name in one.spec.policies or ()}
    for_all = view_of_all(documents)
    return {name: view_of(documents, name) if name in special else for_all for name in policies}


def distinct_views(documents: Documents) -> list[list[Declaration[RecordSpec]]]:
    """The records that are ever seen together, each set of them once."""
    found = views(documents, (one.name for one in documents.policies if one.spec.applies))
    distinct = dict.fromkeys([view_of_all(documents), *found.values()])
    return [[documents.records[index] for index in view] for view in distinct]
