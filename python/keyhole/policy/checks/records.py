"""Cross-checks of local records: what one name says may not contradict itself.

Records contradict each other only where somebody sees both.
"""

from collections.abc import Iterator, Sequence
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


def check_records(documents: Documents) -> Iterator[Problem]:
    """Everything that contradicts an earlier record, and aliases that go round in circles."""
    for view in distinct_views(documents):
        yield from _check_together(view)
    yield from _for_nobody(documents)


def _check_together(records: Sequence[Declaration[RecordSpec]]) -> Iterator[Problem]:
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
        return f"{name} has records in {where}, and an alias goes beside nothing; keep one of them"
    if (one.kind, one.value) == (other.kind, other.value):
        return f"{name} says the same in {where}; say it once"
    if one.kind == other.kind == "ptr":
        return f"{name} points elsewhere in {where}; keep one of them"
    if one.kind == other.kind and one.ttl != other.ttl:
        # RFC 2181 section 5.2
        return f"{name} has another ttl in {where}; one name and type have one ttl"
    return None


def _circles(records: Sequence[Declaration[RecordSpec]]) -> Iterator[Problem]:
    aliases = {one.spec.name: one.spec.cname for one in records if one.spec.cname is not None}
    for declared in records:
        name, way = declared.spec.name, [declared.spec.name]
        while (target := aliases.get(way[-1])) is not None and target not in way:
            way.append(target)
        if declared.spec.cname is not None and target == name:
            why = f"the aliases go in a circle: {' -> '.join([*way, name])}"
            yield declared.problem(["spec", "cname"], why)


def _for_nobody(documents: Documents) -> Iterator[Problem]:
    silent = {policy.name for policy in documents.policies if not policy.spec.applies}
    for record in documents.records:
        for index, name in enumerate(record.spec.policies or ()):
            if name in silent:
                why = (
                    f"Policy/{name} speaks for nobody, so nobody sees this through it; name the "
                    "policies that include it"
                )
                yield record.problem(["spec", "policies", index], why, is_advice=True)
