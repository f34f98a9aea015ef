"""Names that Keyhole itself needs; a rule that blocks one of them is refused."""

from collections.abc import Iterable, Iterator

from keyhole.config.declaration import Declaration, Documents
from keyhole.errors import Problem
from keyhole.model.address import is_address
from keyhole.model.policy import PolicySpec, Rule
from keyhole.policy.include import FlatPolicy, applied_policies


def protected_names(documents: Documents, own_names: Iterable[str] = ()) -> dict[str, str]:
    """Names that must stay reachable, each with its owner: the server names of upstreams, and
    ``own_names``, the names of the listeners."""
    found = dict.fromkeys(own_names, "a name of this Keyhole")
    for upstream in documents.upstreams:
        server_name = upstream.spec.server_name
        if server_name is not None and not is_address(server_name):
            found.setdefault(server_name, f"the name of {upstream.label}")
    return found


def check_own_names(documents: Documents, own_names: Iterable[str] = ()) -> Iterator[Problem]:
    """Every rule that blocks a name that Keyhole itself needs."""
    protected = protected_names(documents, own_names)
    for flat in applied_policies(documents):
        if flat.policy.spec.mode == "enforce":
            for policy, index, rule in flat.rules():
                yield from _check_rule(flat, policy, index, rule, protected)
            for policy, index, service in flat.services():
                for name, owner in protected.items():
                    blocks = any(match.covers(name) for match in service.matches)
                    if blocks and not _is_allowed(flat, name):
                        yield policy.problem(
                            ["spec", "services", index], _cut_off(service.name, name, owner)
                        )


def _check_rule(
    flat: FlatPolicy,
    policy: Declaration[PolicySpec],
    index: int,
    rule: Rule,
    protected: dict[str, str],
) -> Iterator[Problem]:
    if rule.block is None or rule.mode == "observe":
        return
    for name, owner in protected.items():
        if not rule.important and _is_allowed(flat, name):
            continue
        for place, match in enumerate(rule.block):
            if match.covers(name):
                why = _cut_off(match, name, owner)
                yield policy.problem(["spec", "rules", index, "block", place], why)


def _cut_off(what: object, name: str, owner: str) -> str:
    return (
        f"{what} blocks {name}, {owner}, and Keyhole would cut itself off; "
        "take it out, or allow that name in a rule"
    )


def _is_allowed(flat: FlatPolicy, name: str) -> bool:
    return any(
        match.covers(name)
        for _, _, rule in flat.rules()
        if rule.mode == "enforce" and not rule.types and rule.when is None
        for match in rule.allow or ()
    )
