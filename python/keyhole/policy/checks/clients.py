"""Cross-checks of clients: nobody is two clients, and no client has two policies."""

from collections.abc import Iterator, Mapping

from keyhole.config.declaration import Declaration, Documents
from keyhole.config.source_tree import Location
from keyhole.errors import Problem
from keyhole.model.client import ClientSpec
from keyhole.model.subject import Subject
from keyhole.policy.checks.subjects import Assignment, by_network, first_assignments, unknown_token
from keyhole.policy.longest_prefix import NetworkTable, paths_above
from keyhole.policy.trust_context import TrustContext

Client = Declaration[ClientSpec]


def check_clients(documents: Documents, context: TrustContext) -> Iterator[Problem]:
    """Everything that is wrong with clients, and those that no policy means."""
    yield from _shared(documents)
    assigned = first_assignments(documents)
    for client in documents.clients:
        yield from _ambiguous(client, assigned)
        yield from _means_nobody(client, context)
    # With an unreadable policy nobody knows what is used.
    if documents.policies and len(documents.of_kind("Policy")) == len(documents.policies):
        yield from _unused(documents, assigned)


def client_assignment(client: Client, assigned: Mapping[Subject, Assignment]) -> Assignment | None:
    """The policy that a client has by its name or, failing that, by one of its groups."""
    own = assigned.get(Subject("client", client.name))
    if own is not None:
        return own
    return next(iter(_group_assignments(client, assigned).values()), None)


def _group_assignments(
    client: Client, assigned: Mapping[Subject, Assignment]
) -> dict[int, Assignment]:
    """The policies that a client has by its groups, by the place of the group."""
    groups = [assigned.get(Subject("group", group)) for group in client.spec.groups]
    return {index: assignment for index, assignment in enumerate(groups) if assignment is not None}


def _shared(documents: Documents) -> Iterator[Problem]:
    first: dict[tuple[str, str], Client] = {}
    for client in documents.clients:
        for key, values in _shown(client):
            for index, value in enumerate(values):
                other = first.setdefault((key, value), client)
                if other is not client:
                    why = f"{value} is {other.place}; one of them has it, or both are one client"
                    yield client.problem(["spec", key, index], why)


def _shown(client: Client) -> Iterator[tuple[str, list[str]]]:
    spec = client.spec
    yield "identities", spec.identities
    yield "tokens", spec.tokens
    yield "addresses", [str(network) for network in spec.addresses]


def _ambiguous(client: Client, assigned: Mapping[Subject, Assignment]) -> Iterator[Problem]:
    if Subject("client", client.name) in assigned:
        return
    by_group = _group_assignments(client, assigned)
    for index, other in by_group.items():
        first = next(iter(by_group.values()))
        if other.policy is not first.policy:
            why = (
                f"{first.subject} has {first.place} and {other.subject} has {other.place}, so "
                f"nobody can tell which is meant; name client:{client.name} in one policy, or take "
                "it out of a group"
            )
            yield client.problem(["spec", "groups", index], why)


def _means_nobody(client: Client, context: TrustContext) -> Iterator[Problem]:
    for index, token in enumerate(client.spec.tokens):
        why = unknown_token(token, context)
        if why is not None:
            yield client.problem(["spec", "tokens", index], why, is_advice=True)
    if client.spec.addresses and context.admits_networks is False:
        why = by_network(str(client.spec.addresses[0]))
        yield client.problem(["spec", "addresses", 0], why, is_advice=True)


def _unused(documents: Documents, assigned: Mapping[Subject, Assignment]) -> Iterator[Problem]:
    has_default = any(policy.spec.is_default for policy in documents.policies)
    who = "only the policy without subjects" if has_default else "no policy"
    subjects = _PolicySubjects(assigned)
    reported: set[str] = set()
    for client in documents.clients:
        if client_assignment(client, assigned) is None and not subjects.means(client.spec):
            why = f"{who} speaks for this client; name client:{client.name} or a group of it"
            yield client.problem(["metadata", "name"], why, is_advice=True)
        for index, group in enumerate(client.spec.groups):
            if Subject("group", group) not in assigned and group not in reported:
                reported.add(group)
                place: Location = ["spec", "groups", index]
                why = f"no policy has the subject group:{group}; name it, or take the group out"
                yield client.problem(place, why, is_advice=True)


class _PolicySubjects:
    """What policies mean without naming a client."""

    def __init__(self, assigned: Mapping[Subject, Assignment]) -> None:
        self._assigned = assigned
        self._networks = NetworkTable[Subject]()
        for subject in assigned:
            if subject.kind == "cidr":
                self._networks.add(subject.network, subject)

    def means(self, spec: ClientSpec) -> bool:
        """Whether any policy means anything that the client may show."""
        return (
            any(Subject("token", token) in self._assigned for token in spec.tokens)
            or any(self._means_identity(identity) for identity in spec.identities)
            or any(True for one in spec.addresses for _ in self._networks.covering(one))
        )

    def _means_identity(self, identity: str) -> bool:
        return Subject("identity", identity) in self._assigned or any(
            Subject("below", path) in self._assigned for path in paths_above(identity)
        )
