"""Policies that include others: flattened, so that the engine knows of no inclusion."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from keyhole.config.declaration import Declaration, Documents
from keyhole.errors import Problem
from keyhole.model.policy import PolicySpec, Rule

Policies = Mapping[str, Declaration[PolicySpec]]


@dataclass(frozen=True)
class FlatPolicy:
    """A policy and all that it includes, itself first, each once."""

    policy: Declaration[PolicySpec]
    parts: tuple[Declaration[PolicySpec], ...]

    def rules(self) -> Iterator[tuple[Declaration[PolicySpec], int, Rule]]:
        """Each rule, with the policy that declares it and its place there.

        The first rule of a rank decides, so one's own come before included ones.
        """
        for part in self.parts:
            for index, rule in enumerate(part.spec.rules):
                yield part, index, rule

    def lists(self) -> list[str]:
        """The names of all lists, each once."""
        return list(dict.fromkeys(name for part in self.parts for name in part.spec.lists.names))


def by_name(documents: Documents) -> dict[str, Declaration[PolicySpec]]:
    """The policies by their names; of two with one name, the first."""
    found: dict[str, Declaration[PolicySpec]] = {}
    for policy in documents.policies:
        found.setdefault(policy.name, policy)
    return found


def applied_policies(documents: Documents) -> list[FlatPolicy]:
    """Every policy that speaks for somebody, flattened, in the order of documents."""
    policies = by_name(documents)
    return [flatten(one, policies) for one in documents.policies if one.spec.applies]


def flatten(policy: Declaration[PolicySpec], policies: Policies) -> FlatPolicy:
    """The policy with what it includes, and what that includes, depth first.

    What does not exist is left out, and a circle is gone around once: both are told elsewhere.
    """
    parts = {policy.name: policy}
    waiting = [*reversed(policy.spec.include)]
    while waiting:
        name = waiting.pop()
        part = policies.get(name)
        if part is not None and name not in parts:
            parts[name] = part
            waiting += reversed(part.spec.include)
    return FlatPolicy(policy, tuple(parts.values()))


def check_includes(documents: Documents) -> Iterator[Problem]:
    """Every inclusion that leads back to where it started, and what is there only to be included
    and is not."""
    policies = by_name(documents)
    for policy in documents.policies:
        for index, name in enumerate(policy.spec.include):
            way = _way(policies, name, policy.name)
            if way is not None:
                why = f"the policies include each other: {' -> '.join([policy.name, *way])}"
                yield policy.problem(["spec", "include", index], why)
    if len(documents.of_kind("Policy")) == len(documents.policies):
        yield from _for_nobody(documents)


def _way(policies: Policies, start: str, end: str) -> list[str] | None:
    """The names from one policy to another along inclusions, shortest first."""
    ways, seen = [[start]], {start}
    for way in ways:
        if way[-1] == end:
            return way
        part = policies.get(way[-1])
        for name in part.spec.include if part else ():
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return None


def _for_nobody(documents: Documents) -> Iterator[Problem]:
    included = {name for policy in documents.policies for name in policy.spec.include}
    for policy in documents.policies:
        if not policy.spec.applies and policy.name not in included:
            why = "it speaks for nobody and no policy includes it; name subjects, or take it out"
            yield policy.problem(["spec", "subjects"], why, is_advice=True)
