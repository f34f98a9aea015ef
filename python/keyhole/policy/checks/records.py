"""Cross-checks of local records: the records of one name must not contradict each other.

Only records that the clients of one policy see together can contradict each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyhole.config.declaration import Declaration, Documents
from keyhole.errors import Problem
from keyhole.model.record import RecordSpec
from keyhole.policy.views import distinct_views


@dataclass(frozen=True)
class _RecordData:
    kind: str
    value: str | tuple[str, ...]
    ttl: int
    by: Declaration[RecordSpec]


_MAX_SHOWN = 20
"""Names of a circle in one message."""


def check_records(documents: Documents) -> Iterator[Problem]:
    """Records that contradict an earlier one, and circles of aliases."""
    for view in distinct_views(documents):
        yield from _check_view(view)
    yield from _unseen(documents)


def _check_view(records: Sequence[Declaration[RecordSpec]]) -> Iterator[Problem]:
    by_name: dict[str, list[_RecordData]] = {}
    for declared in records:
        before = by_name.setdefault(declared.spec.name, [])
        new = list(_record_data(declared))
        yield from _contradictions(declared, before, new)
        before += new
    yield from _circles(records)


def _record_data(declared: Declaration[RecordSpec]) -> Iterator[_RecordData]:
    for kind, value in declared.spec.data():
        fixed = value if isinstance(value, str) else tuple(value)
        yield _RecordData(kind, fixed, declared.spec.ttl, declared)


def _contradictions(
    declared: Declaration[RecordSpec], before: list[_RecordData], new: list[_RecordData]
) -> Iterator[Problem]:
    name = declared.spec.name
    for index, one in enumerate(new):
        for other in [*before, *new[:index]]:
            why = _contradiction(name, one, other)
            if why is not None:
                yield declared.problem(["spec", one.kind], why)
                break


def _contradiction(name: str, one: _RecordData, other: _RecordData) -> str | None:
    where = other.by.place
    if "cname" in (one.kind, other.kind) and one.by is not other.by:
        # RFC 1034 section 3.6.2
        return f"{name} has records in {where}, and an alias has no other data; keep one of them"
    if (one.kind, one.value) == (other.kind, other.value):
        return f"{name} has the same record in {where}; keep one of them"
    if one.kind == other.kind == "ptr":
        return f"{name} has another ptr in {where}; keep one of them"
    if one.kind == other.kind and one.ttl != other.ttl:
        # RFC 2181 section 5.2
        return f"{name} has another ttl in {where}; one name and type have one ttl"
    return None


def _circles(records: Sequence[Declaration[RecordSpec]]) -> Iterator[Problem]:
    aliases = {one.spec.name: one.spec.cname for one in records if one.spec.cname is not None}
    circles = _circles_of(aliases)
    for declared in records:
        name = declared.spec.name
        if declared.spec.cname is not None and (circle := circles.get(name)) is not None:
            why = f"the aliases go in a circle: {_shown(circle, name)}"
            yield declared.problem(["spec", "cname"], why)


def _circles_of(aliases: Mapping[str, str]) -> dict[str, list[str]]:
    """The circle that each name is a part of, if any; each alias is followed once."""
    found: dict[str, list[str]] = {}
    walked: dict[str, int] = {}
    for walk, start in enumerate(aliases):
        path: list[str] = []
        name = start
        while name in aliases and name not in walked:
            walked[name] = walk
            path.append(name)
            name = aliases[name]
        if walked.get(name) == walk and name in path:
            circle = path[path.index(name) :]
            found.update(dict.fromkeys(circle, circle))
    return found


def _shown(circle: list[str], name: str) -> str:
    """The circle from a name on, shortened where it is long."""
    at = circle.index(name) if len(circle) <= _MAX_SHOWN else 0
    turned = [*circle[at:], *circle[:at]]
    if len(turned) <= _MAX_SHOWN:
        return " -> ".join([*turned, name])
    return f"{' -> '.join(turned[:_MAX_SHOWN])} -> ... ({len(turned)} names)"


def _unseen(documents: Documents) -> Iterator[Problem]:
    unused = {policy.name for policy in documents.policies if not policy.spec.applies}
    for record in documents.records:
        for index, name in enumerate(record.spec.policies or ()):
            if name in unused:
                why = (
                    f"Policy/{name} applies to nobody, so nobody sees this record by it; name the "
                    "policies that include it"
                )
                yield record.problem(["spec", "policies", index], why, is_advice=True)
