"""Advice on local records that a block rule of the same policy hides.

A rule hides an alias by the name that it leads to as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from keyhole.config.declaration import Declaration, Documents
from keyhole.errors import Problem
from keyhole.model.match import Match
from keyhole.model.policy import PolicySpec, Rule
from keyhole.model.record import RecordSpec
from keyhole.model.record_type import RECORD_TYPES, show_record_type
from keyhole.policy.include import FlatPolicy, applied_policies
from keyhole.policy.views import View, views

Record = Declaration[RecordSpec]


@dataclass(frozen=True)
class _Place:
    """A rule, with the policy that declares it and its index there."""

    policy: Declaration[PolicySpec]
    index: int
    rule: Rule

    def speaks_of(self, record: Record, name: str) -> bool:
        """Whether it matches the name of the record, or the one that it leads to, and a type that
        the record answers."""
        types = {RECORD_TYPES[kind.upper()] for kind, _ in record.spec.data()}
        is_typed = bool(self.rule.types) and record.spec.cname is None
        if is_typed and not types & set(self.rule.types):
            return False
        return any(_covers(match, name) for match in self.rule.matches)


def check_shadowed(documents: Documents) -> Iterator[Problem]:
    """Records whose clients do not get them; lists and ``default: deny`` never hide one."""
    flat = applied_policies(documents)
    seen = views(documents, (one.policy.name for one in flat))
    known: dict[View, _Index] = {}
    told: set[tuple[str, str, int]] = set()
    for one in flat:
        blocking = [] if one.policy.spec.mode == "observe" else _acting(one, "block")
        if not blocking:
            continue
        view = seen[one.policy.name]
        index = known.setdefault(view, _Index(documents.records[place] for place in view))
        allowing = _acting(one, "allow")
        for record in index.matched(blocking):
            place, name = _hides(record, blocking, allowing)
            if place is None or (key := (record.label, place.policy.name, place.index)) in told:
                continue
            told.add(key)
            yield _problem(record, one, place, name)


def _acting(policy: FlatPolicy, key: str) -> list[_Place]:
    return [
        _Place(declared, index, rule)
        for declared, index, rule in policy.rules()
        if rule.mode == "enforce" and (rule.allow is None) == (key == "block")
    ]


def _hides(
    record: Record, blocking: list[_Place], allowing: list[_Place]
) -> tuple[_Place | None, str]:
    """The block rule that wins over the record, in the order of precedence, and the name that it
    blocks. Whoever allows a name allows what it leads to."""
    is_allowed = False
    for name in _names(record):
        hits = [place for place in blocking if place.speaks_of(record, name)]
        is_allowed = is_allowed or any(place.speaks_of(record, name) for place in allowing)
        important = (place for place in hits if place.rule.important)
        found = next(important, None if is_allowed else next(iter(hits), None))
        if found is not None:
            return found, name
    return None, ""


def _names(record: Record) -> list[str]:
    """The name of a record, and the one that it leads to."""
    return [record.spec.name, *([record.spec.cname] if record.spec.cname is not None else [])]


def _covers(match: Match, name: str) -> bool:
    """Whether a match covers a name; ``*.`` and a name stands for all names below."""
    if not name.startswith("*."):
        return bool(match.covers(name))
    return match.kind == "below" and f".{name.removeprefix('*.')}".endswith(f".{match.text}")


class _Index:
    """Records by name and by what lies above, so that few rules find few among many."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._all = list(records)
        self._exact: dict[str, list[Record]] = defaultdict(list)
        self._below: dict[str, list[Record]] = defaultdict(list)
        for record in self._all:
            for name in _names(record):
                self._exact[name].append(record)
                labels = name.split(".")
                for above in range(1, len(labels)):
                    self._below[".".join(labels[above:])].append(record)

    def matched(self, rules: list[_Place]) -> list[Record]:
        """The records that a match of a rule may cover, each once."""
        found: dict[int, Record] = {}
        for match in (match for place in rules for match in place.rule.matches):
            by_kind = {"exact": self._exact, "below": self._below}
            named = by_kind[match.kind].get(match.text, []) if match.kind in by_kind else self._all
            found |= {id(record): record for record in named}
        return list(found.values())


def _lost(record: Record, place: _Place) -> str:
    """What the rule hides of the record: all of it, or some types."""
    types = set(place.rule.types)
    own = {RECORD_TYPES[kind.upper()] for kind, _ in record.spec.data()}
    if not types or (record.spec.cname is None and own <= types):
        return "it"
    lost = types if record.spec.cname is not None else types & own
    return f"its {', '.join(map(show_record_type, sorted(lost)))}"


def _problem(record: Record, policy: FlatPolicy, place: _Place, name: str) -> Problem:
    times = " at some times" if place.rule.when is not None else ""
    is_own = name == record.spec.name
    what = "it" if is_own else f"{name}, to which it leads"
    why = (
        f"clients of Policy/{policy.policy.name} do not get {_lost(record, place)}{times}: "
        f"{place.policy.origin('spec', 'rules', place.index)} blocks {what}; take the name out of "
        "the rule, or allow it by a rule"
    )
    return record.problem(["spec", "name" if is_own else "cname"], why, is_advice=True)
