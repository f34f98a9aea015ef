"""The policies that a pause or a decision applies to."""

from collections.abc import Iterable
from dataclasses import dataclass

from keyhole.model.overrides import Decision
from keyhole.model.snapshot import Snapshot
from keyhole.model.suggestion import nearest
from keyhole.policy.overrides.overlay import acts_on
from keyhole.policy.overrides.tables import Tables


@dataclass(frozen=True)
class Scope:
    """Names of policies, each once."""

    policies: tuple[str, ...]
    """Policies that it applies to."""
    left_out: tuple[str, ...] = ()
    """Policies that it does not apply to: they deny by default, and it names no client."""


def scope_of(snapshot: Snapshot, decision: Decision) -> Scope:
    """The scope of a decision; empty if no policy applies to the client."""
    policies = snapshot.policies
    if decision.client is not None:
        found = Tables(snapshot, [decision]).policies()
        return Scope(_names(policies[index].name for index in found))
    return Scope(
        _names(one.name for one in policies if acts_on(one, decision)),
        _names(one.name for one in policies if not acts_on(one, decision)),
    )


def unknown_policy(snapshot: Snapshot, policy: str) -> str | None:
    """The error for a policy that cannot be paused; none if it can."""
    names = _names(one.name for one in snapshot.policies)
    if policy in names:
        return None
    meant = nearest(policy, names)
    hint = f"did you mean {meant}?" if meant else f"there are {', '.join(names)}"
    return f"no policy {policy} applies to anybody; {hint}"


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
