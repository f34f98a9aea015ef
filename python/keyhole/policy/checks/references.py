"""Cross-checks of references: each name in use exists, each document is used, none is declared
twice."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from keyhole.config.declaration import Declaration, Documents, Heading
from keyhole.config.source_tree import Location
from keyhole.errors import Problem
from keyhole.model.list import ListSpec
from keyhole.model.policy import PolicySpec
from keyhole.model.record import RecordSpec
from keyhole.model.suggestion import suggest
from keyhole.policy.include import applied_policies


def check_references(documents: Documents, *, is_whole: bool = True) -> Iterator[Problem]:
    """Duplicate, missing and unused documents.

    Without ``is_whole`` the documents are a part of a set, and a missing one is only advice.
    """
    yield from _same_names(documents)
    for problem in _missing(documents):
        yield problem if is_whole else replace(problem, is_advice=True)
    yield from _unused(documents)


def _same_names(documents: Documents) -> Iterator[Problem]:
    first: dict[str, Heading] = {}
    for heading in documents.headings:
        other = first.setdefault(heading.label, heading)
        if other is not heading and heading.name:
            where = f"{other.file}:{other.line}"
            why = f"{heading.label} is declared already at {where}; give this one another name"
            yield heading.problem("metadata.name", why)


def _missing(documents: Documents) -> Iterator[Problem]:
    if not documents.of_kind("Policy"):
        why = "there is no Policy, so every query would be refused; declare one"
        yield Problem("", 0, "", "", why)
    if not documents.of_kind("Upstream"):
        why = "there is no Upstream, so nothing can be answered; declare one"
        yield Problem("", 0, "", "", why)
    existing = {
        kind: dict.fromkeys(documents.names(kind)) for kind in ("Policy", "List", "Upstream")
    }
    for policy in documents.policies:
        for kind, place, names in _used(policy.spec):
            yield from _uses(policy, kind, place, names, existing[kind])
    place = ["spec", "policies"]
    for record in documents.records:
        yield from _uses(record, "Policy", place, record.spec.policies or [], existing["Policy"])
    for one in documents.lists:
        yield from _uses(one, "Policy", place, one.spec.policies, existing["Policy"])


def _used(spec: PolicySpec) -> Iterator[tuple[str, Location, list[str]]]:
    yield "Policy", ["spec", "include"], spec.include
    yield "List", ["spec", "lists", "names"], spec.lists.names
    yield "Upstream", ["spec", "upstreams", "names"], spec.upstreams.names


def _uses(
    user: Declaration[PolicySpec] | Declaration[RecordSpec] | Declaration[ListSpec],
    kind: str,
    place: Location,
    names: list[str],
    existing: Mapping[str, None],
) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name not in existing:
            why = f"there is no {kind} {name}; {suggest(name, list(existing))}"
            yield user.problem([*place, index], why)


def _unused(documents: Documents) -> Iterator[Problem]:
    # With an invalid policy it is unknown what is used.
    if not documents.policies or len(documents.of_kind("Policy")) != len(documents.policies):
        return
    flat = applied_policies(documents)
    lists = {name for policy in flat for name in policy.lists()}
    for one in documents.lists:
        if one.name not in lists:
            why = (
                "no policy uses this list; add its name to spec.lists of a policy, or the name of "
                "a policy to its spec.policies"
            )
            yield one.problem(["metadata", "name"], why, is_advice=True)
        for index, url in enumerate(one.spec.urls):
            if url.startswith("http:"):
                why = "over http, anyone on the network path can change the list; https is better"
                yield one.problem(["spec", "urls", index], why, is_advice=True)
    named = [one.policy.spec.upstreams.names for one in flat]
    if not all(named):
        return  # a policy that names none uses all
    upstreams = {name for names in named for name in names}
    for upstream in documents.upstreams:
        if upstream.name not in upstreams:
            why = "no policy uses this upstream; add its name to spec.upstreams of a policy"
            yield upstream.problem(["metadata", "name"], why, is_advice=True)
