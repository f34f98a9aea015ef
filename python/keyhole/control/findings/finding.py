"""How a finding grows with what the query log says, within its bounds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from keyhole.control.findings.signal import Signal
from keyhole.store.findings import Evidence, StoredFinding

Finding = StoredFinding
LEVELS = ("alert", "throttle", "block")
"""How far a budget was used up, in their order."""
MAX_FINDINGS = 1_000
MAX_NAMES = 20
"""Names that a finding keeps: half of them the first ones, half the last ones."""
MAX_POINTS = 60
"""Points of a curve; then every other one is dropped."""


@dataclass
class Growth:
    """What signals changed of the findings that were known."""

    changed: dict[int, Finding] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    new: list[int] = field(default_factory=list)


def grow(known: Mapping[int, Finding], signals: Iterable[Signal]) -> Growth:
    """Adds signals to the findings that they belong to, and makes findings of the others. One that
    was closed stays as it is: what comes after it is a finding of its own."""
    growth = Growth()
    by_key = {_key(one): one for one in known.values() if one.state != "closed"}
    number = max(known, default=0)
    for signal in signals:
        found = by_key.get(signal.key)
        if found is None:
            number += 1
            found = _new(number, signal)
            growth.new.append(number)
        found = _with(found, signal)
        by_key[signal.key] = growth.changed[found.number] = found
    _bound({**known, **growth.changed}, growth)
    return growth


def aged(one: Finding, now: float, age: float, anonymous_after: float | None) -> Finding | None:
    """What may be kept of a finding, by the ages of the log in seconds; none where nothing may.

    As long as it has its client, its names and times are no older than the log has clients:
    otherwise it would say who asked them, where the log itself no longer does.
    """
    if one.last < now - age:
        return None
    if anonymous_after is None or one.client_kind == "anonymous":
        return _since(one, now - age)
    if one.last < now - anonymous_after:
        return _since(replace(one, client_kind="anonymous", client=""), now - age)
    return _since(one, now - min(age, anonymous_after))


def _since(one: Finding, oldest: float) -> Finding:
    """Without names and points from before that second; counts have none."""
    if one.first >= oldest:
        return one
    evidence = replace(
        one.evidence,
        names=tuple(name for name in one.evidence.names if name[1] >= oldest),
        curve=tuple(point for point in one.evidence.curve if point[0] >= oldest),
    )
    kept = [second for _, second in evidence.names] + [second for second, _ in evidence.curve]
    return replace(one, first=min(kept, default=one.last), evidence=evidence)


def _bound(every: Mapping[int, Finding], growth: Growth) -> None:
    """The least important ones go when there are too many, but not the newest: no number is given
    twice."""
    too_many = len(every) - MAX_FINDINGS
    if too_many <= 0:
        return
    newest = max(every)
    ranked = sorted((one for one in every.values() if one.number != newest), key=_rank)
    for one in ranked[:too_many]:
        growth.gone.add(one.number)
        growth.changed.pop(one.number, None)
    growth.new = [number for number in growth.new if number not in growth.gone]


def _rank(one: Finding) -> tuple[bool, int, int]:
    return (one.state != "closed", _level(one.level), one.last)


def _key(one: Finding) -> tuple[str, str, str, str]:
    return (one.kind, one.client_kind, one.client, one.domain)


def _level(word: str) -> int:
    return LEVELS.index(word) if word in LEVELS else -1


def _new(number: int, signal: Signal) -> Finding:
    return Finding(
        number,
        signal.kind,
        signal.client_kind,
        signal.client,
        signal.domain,
        signal.policy,
        None,
        signal.level,
        signal.second,
        signal.second,
        signal.octets,
    )


def _with(found: Finding, signal: Signal) -> Finding:
    return replace(
        found,
        policy=signal.policy or found.policy,
        level=max(found.level, signal.level, key=_level),
        first=min(found.first, signal.second),
        last=max(found.last, signal.second),
        octets=max(found.octets, signal.octets),
        evidence=_evidence(found.evidence, signal),
    )


def _evidence(evidence: Evidence, signal: Signal) -> Evidence:
    counts = dict(evidence.refused if signal.is_refused else evidence.observed)
    counts[signal.level] = counts.get(signal.level, 0) + signal.count
    which = "refused" if signal.is_refused else "observed"
    names, curve = _names(evidence.names, signal), _curve(evidence.curve, signal)
    return replace(evidence, names=names, curve=curve, **{which: counts})


def _names(names: tuple[tuple[str, int], ...], signal: Signal) -> tuple[tuple[str, int], ...]:
    new = (signal.name, signal.second)
    for at, (name, second) in enumerate(names):
        if name == signal.name:
            return (*names[:at], (name, max(second, signal.second)), *names[at + 1 :])
    half = MAX_NAMES // 2
    return (*names, new) if len(names) < MAX_NAMES else (*names[:half], *names[half + 1 :], new)


def _curve(curve: tuple[tuple[int, int], ...], signal: Signal) -> tuple[tuple[int, int], ...]:
    """A flat piece keeps its two ends."""
    point = (signal.second, signal.octets)
    if len(curve) >= 2 and curve[-1][1] == curve[-2][1] == signal.octets:
        curve = curve[:-1]
    curve = (*curve, point)
    return curve if len(curve) <= MAX_POINTS else (*curve[:-1:2], point)
