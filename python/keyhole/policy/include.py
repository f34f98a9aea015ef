"""Policies with their included policies, flattened for the engine."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from keyhole.config.declaration import Declaration, Documents
from keyhole.errors import DocumentErrors, Problem
from keyhole.model.blocked_services import KnownService, known_services
from keyhole.model.policy import PolicySpec, Rule
from keyhole.model.safe_search import RestrictedNames, restricted

MAX_RULES = 250_000
"""Rules and parts of all policies that apply, with what they include."""
MAX_CIRCLES, MAX_SHOWN = 100, 20
"""Circles that are reported, and policies that are shown of one."""

Policies = Mapping[str, Declaration[PolicySpec]]
ListsByPolicy = Mapping[str, Sequence[str]]
"""The lists that name a policy themselves, in the order of documents."""


@dataclass(frozen=True)
class FlatPolicy:
    """A policy and all that it includes: itself first, each once."""

    policy: Declaration[PolicySpec]
    parts: tuple[Declaration[PolicySpec], ...]
    added: ListsByPolicy = field(default_factory=dict)

    def rules(self) -> Iterator[tuple[Declaration[PolicySpec], int, Rule]]:
        """Each rule, with the policy that declares it and its index there.

        The first rule of a rank decides, so a policy's own rules come before included ones.
        """
        for part in self.parts:
            for index, rule in enumerate(part.spec.rules):
                yield part, index, rule

    def services(self) -> Iterator[tuple[Declaration[PolicySpec], int, KnownService]]:
        """Each service that is blocked, once, with the first policy that names it."""
        seen: set[str] = set()
        for part in self.parts:
            for index, name in enumerate(part.spec.services):
                if name not in seen:
                    seen.add(name)
                    yield part, index, known_services()[name]

    def restricted(self) -> tuple[RestrictedNames, ...]:
        """The names of search engines that lead to their restricted entry. Of several modes of
        YouTube, the strictest one counts."""
        engines = {engine for part in self.parts for engine in part.spec.safe_search}
        modes = {part.spec.youtube for part in self.parts}
        mode = next(mode for mode in ("strict", "moderate", "off") if mode in modes)
        return tuple(restricted(engines, mode))

    def lists(self) -> list[str]:
        """The names of all lists, each once."""
        return list(
            dict.fromkeys(
                name
                for part in self.parts
                for name in (*part.spec.lists.names, *self.added.get(part.name, ()))
            )
        )


def by_name(documents: Documents) -> dict[str, Declaration[PolicySpec]]:
    """The policies by their names; of two with one name, the first."""
    found: dict[str, Declaration[PolicySpec]] = {}
    for policy in documents.policies:
        found.setdefault(policy.name, policy)
    return found


def lists_by_policy(documents: Documents) -> ListsByPolicy:
    """The lists whose own documents name the policies that use them, by policy."""
    found: dict[str, list[str]] = {}
    for one in documents.lists:
        for policy in one.spec.policies:
            found.setdefault(policy, []).append(one.name)
    return found


def applied_policies(documents: Documents) -> list[FlatPolicy]:
    """Every policy that applies to somebody, flattened, in the order of documents.

    Raises `DocumentErrors` where together they have too many rules: a chain of a thousand policies
    that each apply would be half a million.
    """
    policies, added = by_name(documents), lists_by_policy(documents)
    found, count = [], 0
    for one in documents.policies:
        if one.spec.applies:
            found.append(flatten(one, policies, added))
            count += sum(1 + _rules_of(part.spec) for part in found[-1].parts)
            if count > MAX_RULES:
                why = (
                    f"with what they include, policies have more than {MAX_RULES:,} rules in all; "
                    "include less, or put the names into a List"
                )
                problem = one.problem(["spec", "include"], why)
                raise DocumentErrors([replace(problem, is_shared=True)])
    return found


def _rules_of(spec: PolicySpec) -> int:
    return len(spec.rules) + len(spec.services)


def flatten(
    policy: Declaration[PolicySpec], policies: Policies, added: ListsByPolicy
) -> FlatPolicy:
    """The policy with what it includes, and what that includes, depth first; ``added`` as
    `lists_by_policy`.

    Missing policies are left out, and a circle ends after one round: other checks report both.
    """
    parts = {policy.name: policy}
    waiting = [*reversed(policy.spec.include)]
    while waiting:
        name = waiting.pop()
        part = policies.get(name)
        if part is not None and name not in parts:
            parts[name] = part
            waiting += reversed(part.spec.include)
    return FlatPolicy(policy, tuple(parts.values()), added)


def check_includes(documents: Documents) -> Iterator[Problem]:
    """Circles of inclusions, and policies that are neither applied nor included."""
    policies = by_name(documents)
    circles = _circles(policies)
    left = MAX_CIRCLES
    for policy in documents.policies:
        circle = circles.get(policy.name)
        for index, name in enumerate(policy.spec.include):
            if circle is None or circles.get(name) != circle or not left:
                continue
            left -= 1
            path = _path(policies, name, policy.name)
            shown = path if len(path) <= MAX_SHOWN else [*path[:MAX_SHOWN], f"... ({len(path)})"]
            why = f"the policies include each other: {' -> '.join([policy.name, *shown])}"
            yield policy.problem(["spec", "include", index], why)
    if len(documents.of_kind("Policy")) == len(documents.policies):
        yield from _unused(documents)


def _circles(policies: Policies) -> dict[str, int]:
    """A number for each policy on a circle: those that lead to each other have the same one.

    Tarjan's algorithm for strongly connected components, without recursion: each inclusion is
    followed once.
    """
    found: dict[str, int] = {}
    low: dict[str, int] = {}
    order: dict[str, int] = {}
    open_: list[str] = []
    for start in policies:
        if start in order:
            continue
        order[start] = low[start] = len(order)
        open_.append(start)
        work = [(start, iter(policies[start].spec.include))]
        while work:
            name, rest = work[-1]
            into = next((one for one in rest if one in policies and one not in found), None)
            if into is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == order[name]:
                    _close(name, open_, found, len(found) + 1)
            elif into in order:
                low[name] = min(low[name], order[into])
            else:
                order[into] = low[into] = len(order)
                open_.append(into)
                work.append((into, iter(policies[into].spec.include)))
    alone = {name for name in policies if name not in policies[name].spec.include} - _shared(found)
    return {name: number for name, number in found.items() if name not in alone}


def _close(name: str, open_: list[str], found: dict[str, int], number: int) -> None:
    """Numbers all policies from this one on, which lead to each other."""
    while True:
        one = open_.pop()
        found[one] = number
        if one == name:
            return


def _shared(found: Mapping[str, int]) -> set[str]:
    """The policies whose number another one has, too."""
    counts = Counter(found.values())
    return {name for name, number in found.items() if counts[number] > 1}


def _path(policies: Policies, start: str, end: str) -> list[str]:
    """The shortest chain of inclusions from one policy to another, between which there is one."""
    came_from: dict[str, str | None] = {start: None}
    for name in (waiting := [start]):
        if name == end:
            break
        part = policies.get(name)
        for into in part.spec.include if part else ():
            if into not in came_from:
                came_from[into] = name
                waiting.append(into)
    path: list[str] = []
    at: str | None = end
    while at is not None:
        path.append(at)
        at = came_from.get(at)
    return path[::-1]


def _unused(documents: Documents) -> Iterator[Problem]:
    included = {name for policy in documents.policies for name in policy.spec.include}
    for policy in documents.policies:
        if not policy.spec.applies and policy.name not in included:
            why = "it applies to nobody and no policy includes it; name subjects, or take it out"
            yield policy.problem(["spec", "subjects"], why, is_advice=True)
