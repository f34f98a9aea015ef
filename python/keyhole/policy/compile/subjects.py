"""The policy of each subject, as tables in which the most specific entry decides.

An identity has the policy of its own subject, else of its client, else of a group of its client,
else of the longest path above it. An address has the policy of the client with the smallest network
around it that has a policy, else of the smallest network that is a subject. All other clients have
the policy without subjects. Clients and groups are resolved here, so the engine looks up only
identities, tokens and networks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from keyhole.config.declaration import Documents
from keyhole.model.address import Network
from keyhole.model.snapshot_identity import (
    Identity,
    IdentityPrefix,
    SubjectNetwork,
    Subjects,
    Token,
)
from keyhole.model.subject import Subject, SubjectKind
from keyhole.policy.checks.clients import Client, NamedAssignments
from keyhole.policy.checks.subjects import first_assignments
from keyhole.policy.longest_prefix import NetworkTable
from keyhole.policy.trust_context import TrustContext


@dataclass(frozen=True)
class _PolicyEntry:
    """A policy by its index, and its subject."""

    policy: int
    subject: str


def compile_subjects(
    documents: Documents, context: TrustContext, policies: Mapping[str, int]
) -> Subjects:
    """The tables; ``policies`` gives the index of each policy by its name."""
    tables = _Tables(documents, policies)
    return Subjects(
        identities=tables.identities(),
        below=tables.below(),
        tokens=tables.tokens(context.tokens or {}),
        networks=tables.networks(),
        expired=tables.expired(),
    )


class _Tables:
    def __init__(self, documents: Documents, policies: Mapping[str, int]) -> None:
        self._clients = documents.clients
        assigned = first_assignments(documents)
        self._entries = {
            subject: _PolicyEntry(policies[assignment.policy.name], str(subject))
            for subject, assignment in assigned.items()
        }
        named = NamedAssignments(assigned)
        own = ((one, named.of(one)) for one in documents.clients)
        self._of_client = {
            client.name: self._entries[assignment.subject]
            for client, assignment in own
            if assignment is not None
        }

    def identities(self) -> list[Identity]:
        """Every identity that a policy or a client names, sorted."""
        named = {id_: client for client in self._clients for id_ in client.spec.identities}
        wanted = {*named, *(subject.value for subject in self._of_kind("identity"))}
        return [
            Identity(id=one, **self._entry("identity", one, named.get(one)))
            for one in sorted(wanted)
        ]

    def below(self) -> list[IdentityPrefix]:
        """The path prefixes of identities, sorted."""
        return [
            IdentityPrefix(prefix=subject.value, policy=entry.policy, subject=entry.subject)
            for subject, entry in sorted(
                self._of_kind("below").items(), key=lambda pair: pair[0].value
            )
        ]

    def tokens(self, digests: Mapping[str, str]) -> list[Token]:
        """Every existing token, sorted by name; a token of no policy has the policy without
        subjects."""
        named = {token: client for client in self._clients for token in client.spec.tokens}
        return [
            Token(name=one, sha256=sha256, **self._entry("token", one, named.get(one)))
            for one, sha256 in sorted(digests.items())
        ]

    def networks(self) -> list[SubjectNetwork]:
        """Every network that a policy or a client names, sorted, each with the policy for the
        addresses in none of the smaller networks."""
        names, of_clients, of_cidrs = (
            NetworkTable[str](),
            NetworkTable[_PolicyEntry](),
            NetworkTable[_PolicyEntry](),
        )
        wanted: set[Network] = set()
        for client in self._clients:
            for network in client.spec.addresses:
                wanted.add(network)
                names.add(network, client.name)
                if client.name in self._of_client:
                    of_clients.add(network, self._of_client[client.name])
        for subject, entry in self._of_kind("cidr").items():
            wanted.add(subject.network)
            of_cidrs.add(subject.network, entry)
        return [
            _network(
                network,
                next(names.covering(network), None),
                next(chain(of_clients.covering(network), of_cidrs.covering(network)), None),
            )
            for network in sorted(wanted, key=_order)
        ]

    def expired(self) -> int | None:
        """The policy of clients whose certificate has expired."""
        entry = self._entries.get(Subject("expired", ""))
        return None if entry is None else entry.policy

    def _of_kind(self, kind: SubjectKind) -> dict[Subject, _PolicyEntry]:
        return {subject: by for subject, by in self._entries.items() if subject.kind == kind}

    def _entry(self, kind: SubjectKind, value: str, client: Client | None) -> dict[str, Any]:
        name = client.name if client else None
        by = self._entries.get(Subject(kind, value))
        if by is None and name is not None:
            by = self._of_client.get(name)
        # An identity without a client is here only because a policy names it.
        plain = f"client:{name}" if name else f"token:{value}"
        return {
            "client": name,
            "policy": None if by is None else by.policy,
            "subject": plain if by is None else by.subject,
        }


# Kept: most networks have the same policy as the last time.
@lru_cache(maxsize=65_536)
def _network(network: Network, client: str | None, by: _PolicyEntry | None) -> SubjectNetwork:
    return SubjectNetwork(
        network=str(network),
        client=client,
        policy=None if by is None else by.policy,
        subject=f"client:{client}" if by is None else by.subject,
    )


def _order(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen
