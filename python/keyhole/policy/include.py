"""Policies with their included policies, flattened for the engine."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from keyhole.config.declaration import Declaration, Documents
from keyhole.errors import Problem
from keyhole.model.policy import PolicySpec, Rule

Policies = Mapping[str, Declaration[PolicySpec]]


@dataclass(frozen=True)
class FlatPolicy:
    """A policy and all that it includes: itself first, each once."""

    policy: Declaration[PolicySpec]
    parts: tuple[Declaration[PolicySpec], ...]

    def rules(self) -> Iterator[tuple[Declaration[PolicySpec], int, Rule]]:
        """Each rule, with the policy that declares it and its index there.

        The first rule of a rank decides, so a policy's own rules come before included ones.
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
    """Every policy that applies to somebody, flattened, in the order of documents."""
    policies = by_name(documents)
    return [flatten(one, policies) for one in documents.policies if one.spec.applies]


def flatten(policy: Declaration[PolicySpec], policies: Policies) -> FlatPolicy:
    """The policy with what it includes, and what that includes, depth first.

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
    return FlatPolicy(policy, tuple(parts.values()))


def check_includes(documents: Documents) -> Iterator[Problem]:
    """Circles of inclusions, and policies that are neither applied nor included."""
    policies = by_name(documents)
    for policy in documents.policies:
        for index, name in enumerate(policy.spec.include):
            path = _path(policies, name, policy.name)
            if path is not None:
                why = f"the policies include each other: {' -> '.join([policy.name, *path])}"
                yield policy.problem(["spec", "include", index], why)
    if len(documents.of_kind("Policy")) == len(documents.policies):
        yield from _unused(documents)


def _path(policies: Policies, start: str, end: str) -> list[str] | None:
    """The shortest chain of inclusions from one policy to another; none if there is none."""
    paths, seen = [[start]], {start}
    for path in paths:
        if path[-1] == end:
            return path
        part = policies.get(path[-1])
        for name in part.spec.include if part else ():
            if name not in seen:
                seen.add(name)
                paths.append([*path, name])
    return None


def _unused(documents: Documents) -> Iterator[Problem]:
    included = {name for policy in documents.policies for name in policy.spec.include}
    for policy in documents.policies:
        if not policy.spec.applies and policy.name not in included:
            why = "it applies to nobody and no policy includes it; name subjects, or take it out"
            yield policy.problem(["spec", "subjects"], why, is_advice=True)
