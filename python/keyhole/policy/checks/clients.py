"""Cross-checks of clients: nobody is two clients, and no client has two policies."""

from collections.abc import Iterator, Mapping, Sequence

from keyhole.config.declaration import Declaration, Documents
from keyhole.config.source_tree import Location
from keyhole.errors import Problem
from keyhole.model.client import ClientSpec
from keyhole.model.subject import Subject
from keyhole.policy.checks.subjects import (
    Assignment,
    first_assignments,
    unknown_token,
    unused_network,
)
from keyhole.policy.longest_prefix import NetworkTable, paths_above
from keyhole.policy.trust_context import TrustContext

Client = Declaration[ClientSpec]


def check_clients(documents: Documents, context: TrustContext) -> Iterator[Problem]:
    """Problems of clients, and advice on clients without a policy."""
    yield from _shared(documents)
    assigned = first_assignments(documents)
    named = NamedAssignments(assigned)
    for client in documents.clients:
        yield from _ambiguous(client, named)
        yield from _unknown_credentials(client, context)
    # With an invalid policy it is unknown what is used.
    if documents.policies and len(documents.of_kind("Policy")) == len(documents.policies):
        yield from _unused(documents, assigned, named)


class NamedAssignments:
    """The policies of clients and of groups, by their names."""

    def __init__(self, assigned: Mapping[Subject, Assignment]) -> None:
        self.clients = {one.value: by for one, by in assigned.items() if one.kind == "client"}
        self.groups = {one.value: by for one, by in assigned.items() if one.kind == "group"}

    def of(self, client: Client) -> Assignment | None:
        """The policy of a client by its name, or else by one of its groups."""
        own = self.clients.get(client.name)
        if own is not None:
            return own
        for group in client.spec.groups:
            if (found := self.groups.get(group)) is not None:
                return found
        return None

    def by_group(self, client: Client) -> dict[int, Assignment]:
        """The policies of a client by its groups; keys are the indices of the groups."""
        groups = [self.groups.get(group) for group in client.spec.groups]
        return {index: by for index, by in enumerate(groups) if by is not None}


def _shared(documents: Documents) -> Iterator[Problem]:
    first: dict[tuple[str, object], Client] = {}
    for client in documents.clients:
        for key, values in _credentials(client):
            for index, value in enumerate(values):
                other = first.setdefault((key, value), client)
                if other is not client:
                    why = f"{value} is {other.place}; one of them has it, or both are one client"
                    yield client.problem(["spec", key, index], why)


def _credentials(client: Client) -> Iterator[tuple[str, Sequence[object]]]:
    spec = client.spec
    yield "identities", spec.identities
    yield "tokens", spec.tokens
    yield "addresses", spec.addresses


def _ambiguous(client: Client, named: NamedAssignments) -> Iterator[Problem]:
    if len(client.spec.groups) < 2 or client.name in named.clients:
        return
    by_group = named.by_group(client)
    for index, other in by_group.items():
        first = next(iter(by_group.values()))
        if other.policy is not first.policy:
            why = (
                f"{first.subject} has {first.place} and {other.subject} has {other.place}, so its "
                f"policy is ambiguous; name client:{client.name} in one policy, or take it out of "
                "a group"
            )
            yield client.problem(["spec", "groups", index], why)


def _unknown_credentials(client: Client, context: TrustContext) -> Iterator[Problem]:
    for index, token in enumerate(client.spec.tokens):
        why = unknown_token(token, context)
        if why is not None:
            yield client.problem(["spec", "tokens", index], why, is_advice=True)
    if client.spec.addresses and context.admits_networks is False:
        why = unused_network(str(client.spec.addresses[0]))
        yield client.problem(["spec", "addresses", 0], why, is_advice=True)


def _unused(
    documents: Documents, assigned: Mapping[Subject, Assignment], named: NamedAssignments
) -> Iterator[Problem]:
    has_default = any(policy.spec.is_default for policy in documents.policies)
    who = "only the policy without subjects" if has_default else "no policy"
    subjects = _PolicySubjects(assigned)
    reported: set[str] = set()
    for client in documents.clients:
        if named.of(client) is None and not subjects.match(client.spec):
            why = f"{who} applies to this client; name client:{client.name} or a group of it"
            yield client.problem(["metadata", "name"], why, is_advice=True)
        for index, group in enumerate(client.spec.groups):
            if group not in named.groups and group not in reported:
                reported.add(group)
                place: Location = ["spec", "groups", index]
                why = f"no policy has the subject group:{group}; name it, or take the group out"
                yield client.problem(place, why, is_advice=True)


class _PolicySubjects:
    """Subjects of policies other than clients and groups."""

    def __init__(self, assigned: Mapping[Subject, Assignment]) -> None:
        self._assigned = assigned
        self._networks = NetworkTable[Subject]()
        for subject in assigned:
            if subject.kind == "cidr":
                self._networks.add(subject.network, subject)

    def match(self, spec: ClientSpec) -> bool:
        """Whether a subject matches any credential of the client."""
        return (
            any(Subject("token", token) in self._assigned for token in spec.tokens)
            or any(self._match_identity(identity) for identity in spec.identities)
            or any(True for one in spec.addresses for _ in self._networks.covering(one))
        )

    def _match_identity(self, identity: str) -> bool:
        return Subject("identity", identity) in self._assigned or any(
            Subject("below", path) in self._assigned for path in paths_above(identity)
        )
