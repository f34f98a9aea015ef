"""How a finding grows with what the query log says, within its bounds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from keyhole.control.findings.signal import Signal
from keyhole.store.findings import Evidence, StoredFinding

Finding = StoredFinding
LEVELS = ("alert", "throttle", "block")
"""How far a budget was used up, in their order."""
MAX_FINDINGS = 1_000
MAX_OF_CLIENT = 50
"""Findings of one client that are not muted; what it invents takes no room from others."""
MAX_ANONYMOUS = 200
"""Findings that have no client: they may be of many."""
NOBODY = ("anonymous", "several")
"""Kinds of clients of findings that name none."""
EVERYBODY = ("", "")
"""In place of a client."""
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
    highest: int = 0
    """The highest number that was ever given."""
    full: set[tuple[str, str]] = field(default_factory=set)
    """Clients that made more findings than are kept, by kind and value; ``EVERYBODY`` where all
    together did."""
    crowded: set[tuple[str, str]] = field(default_factory=set)
    """Clients that may have no more; ``EVERYBODY`` where all together may not."""


def grow(known: Mapping[int, Finding], signals: Iterable[Signal], highest: int) -> Growth:
    """Adds signals to the findings that they belong to, and makes findings of the others, with
    numbers above ``highest``. One that was closed stays as it is: what comes after it is a finding
    of its own."""
    growth = Growth()
    by_key = {_key(one): one for one in known.values() if one.state != "closed"}
    number = highest
    for signal in signals:
        found = by_key.get(signal.key)
        if found is None:
            number += 1
            found = _new(number, signal)
            growth.new.append(number)
        found = _with(found, signal)
        by_key[signal.key] = growth.changed[found.number] = found
    _bound({**known, **growth.changed}, growth)
    # The number of one that went before anybody saw it may be given again.
    growth.highest = max(growth.new, default=highest)
    return growth


def aged(one: Finding, now: float, age: float, anonymous_after: float | None) -> Finding | None:
    """What may be kept of a finding, by the ages of the log in seconds; none where nothing may.

    As long as it has its client, its names and times are no older than the log has clients:
    otherwise it would say who asked them, where the log itself no longer does.
    """
    if one.last < now - age:
        return None
    if anonymous_after is None or one.client_kind in NOBODY:
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
        blocked=one.evidence.blocked if one.evidence.blocked >= oldest else 0,
    )
    kept = [second for _, second in evidence.names] + [second for second, _ in evidence.curve]
    return replace(one, first=min(kept, default=one.last), evidence=evidence)


def _bound(every: Mapping[int, Finding], growth: Growth) -> None:
    """The least important ones go: first of each client that has too many, then of those that have
    the most."""
    free: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str, str]] = Counter()
    gone: list[int] = []
    places: list[tuple[int, ...]] = []
    for one in sorted(every.values(), key=_importance, reverse=True):
        client = (one.client_kind, one.client)
        if one.state != "muted":
            free[client] += 1
            if free[client] > _most(client):
                growth.full.add(client)
                gone.append(one.number)
                continue
        counts[*client, one.state] += 1
        is_muted, is_open, *rest = _importance(one)
        places.append((is_muted, is_open, -counts[*client, one.state], *rest))
    growth.crowded = {client for client in free if free[client] >= _most(client)}
    over = len(places) - MAX_FINDINGS
    if over >= 0:
        growth.crowded.add(EVERYBODY)
    if over > 0:
        growth.full.add(EVERYBODY)
        gone += [place[-1] for place in sorted(places)[:over]]
    for number in gone:
        growth.gone.add(number)
        growth.changed.pop(number, None)
    growth.new = [number for number in growth.new if number not in growth.gone]


def _most(client: tuple[str, str]) -> int:
    return MAX_ANONYMOUS if client[0] in NOBODY else MAX_OF_CLIENT


def _importance(one: Finding) -> tuple[bool, bool, int, int, int]:
    """What a person has muted would come back open; what is closed nobody waits for."""
    return (one.state == "muted", one.state == "open", _level(one.level), one.last, one.number)


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
    names, curve = _names(evidence.names, signal), _curve(evidence.curve, signal)
    is_blocked = signal.is_refused and signal.level == "block"
    blocked = max(evidence.blocked, signal.second) if is_blocked else evidence.blocked
    clients = max(evidence.clients, signal.clients)
    evidence = replace(evidence, names=names, curve=curve, blocked=blocked, clients=clients)
    if signal.is_refused:
        return replace(evidence, refused=counts)
    return replace(evidence, observed=counts)


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
