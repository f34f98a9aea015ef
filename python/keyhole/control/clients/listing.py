"""The list of clients: those that asked, and those that are only declared."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from keyhole.control.clients.asked import AskedClient, AskedClients, ClientKey
from keyhole.control.clients.certificates import IssuedCertificates
from keyhole.control.clients.model import ClientSummary, PolicyChoice
from keyhole.graph.clients import short
from keyhole.model.snapshot_identity import Subjects
from keyhole.policy.client_names import ClientName, ClientNames
from keyhole.policy.subject_match import PolicyMatch, SubjectTables, why

_MICROS = 1_000_000
_NOBODY = AskedClient()
_UNCOUNTED = {
    "deleted": "queries whose rows are deleted",
    "unlogged": "queries kept out of the log",
    "lost": "queries that were lost before they could be stored",
}


@dataclass(frozen=True)
class Known:
    """What is known of clients besides their queries: by documents, certificates and tokens.

    ``tables`` and ``subjects`` are none before the first snapshot. ``admits_networks``: whether a
    listener serves clients without credentials.
    """

    tables: SubjectTables | None
    subjects: Subjects | None
    certificates: IssuedCertificates
    tokens: tuple[str, ...]
    admits_networks: bool
    names: ClientNames

    def summary(self, key: ClientKey, asked: AskedClient = _NOBODY) -> ClientSummary:
        """One client with its counts."""
        traffic, counts = asked.counts.traffic(_MICROS), asked.counts
        match = self._match(key, asked)
        name = self._name(key, match, asked)
        is_identity = key.kind == "identity"  # who only claims it does not hold its certificates
        return ClientSummary(
            id=key.id,
            kind=key.kind,
            label=name.beside(label_of(key)) if name else label_of(key),
            value=key.value,
            client=match.client if match else None,
            client_name=name.name if name else None,
            client_name_source=name.source if name else None,
            last_seen=None if asked.last is None else moment(asked.last),
            queries=counts.queries,
            blocked=counts.outcomes["blocked"],
            refused=counts.outcomes["refused"] + counts.outcomes["dropped"],
            blocked_share=traffic.blocked_share,
            encrypted_share=traffic.encrypted_share,
            authenticated_share=traffic.authenticated_share,
            unknown=counts.unknown,
            reasons=counts.lock().reasons,
            policy=self._policy(key, match),
            certificate_ends=self.certificates.end(key.value) if is_identity else None,
            revoked=self.certificates.revoked_since(key.value) if is_identity else None,
        )

    def _name(
        self, key: ClientKey, match: PolicyMatch | None, asked: AskedClient
    ) -> ClientName | None:
        """Who only claims an identity is called by no name."""
        if match is not None and match.client is not None and key.kind != "claimed":
            return ClientName(match.client, "document")
        if key.kind != "address":
            return None
        at = None if asked.last is None else asked.last / _MICROS
        return self.names.named(None, None, key.value, at)

    def _match(self, key: ClientKey, asked: AskedClient) -> PolicyMatch | None:
        tables = self.tables
        if tables is None:
            return None
        match key.kind:
            case "identity":
                return tables.identity(key.value)
            case "claimed":
                return tables.expired(key.value) if asked.expired else None
            case "token":
                return tables.token(key.value)
            case "address" | "network":
                return _by_address(tables, key.value)
        return None

    def _policy(self, key: ClientKey, match: PolicyMatch | None) -> PolicyChoice | None:
        if key.kind in ("address", "network") and not self.admits_networks:
            reason = "no listener serves clients without certificate or token: refused"
            return _choice(PolicyMatch(None, None, None), reason)
        if key.kind == "token" and match is None and self.tables is not None:
            return _choice(PolicyMatch(None, None, None), "there is no such token: refused")
        if key.kind == "anonymous":
            return self._hidden(key.value)
        return None if match is None else _choice(match, why(match, key.value))

    def _hidden(self, policy: str) -> PolicyChoice:
        reason = "the policy hides its clients, or their queries are too old to name them"
        origin = self.tables.policy(policy) if self.tables else None
        return _choice(PolicyMatch(origin, None, None), reason, policy)

    def only_declared(self, asked: AskedClients) -> Iterator[ClientKey]:
        """Clients that have not asked: of documents, certificates and tokens."""
        yield from (one for one in self._named() if one not in asked.clients)
        seen = {
            match.client
            for key in asked.clients
            if key.kind == "address" and (match := self._match(key, _NOBODY)) is not None
        }
        for network in self.subjects.networks if self.subjects else ():
            if network.client is not None and network.client not in seen:
                yield ClientKey("network", network.network)

    def _named(self) -> Iterator[ClientKey]:
        issued, revoked = self.certificates, self.certificates.revoked
        identities = {one for one in issued.by_identity if issued.end(one) is not None}
        identities |= {one.id for one in revoked.identities}
        if self.subjects is not None:
            identities |= {one.id for one in self.subjects.identities if one.client is not None}
        yield from (ClientKey("identity", one) for one in sorted(identities))
        yield from (ClientKey("token", one) for one in self.tokens)


def summaries(asked: AskedClients, known: Known) -> list[ClientSummary]:
    """All clients, the busiest first."""
    found = [known.summary(key, one) for key, one in asked.clients.items()]
    found += [known.summary(key) for key in known.only_declared(asked)]
    return sorted(found, key=lambda one: (-one.queries, one.id))


def moment(micros: int) -> datetime:
    """Microseconds of Unix time as a time in UTC."""
    return datetime.fromtimestamp(micros / _MICROS, UTC)


def label_of(key: ClientKey) -> str:
    """A short name of a client."""
    match key.kind:
        case "identity":
            return short(key.value)
        case "claimed":
            return f"{short(key.value)} (claimed)"
        case "anonymous":
            return f"anonymous ({key.value or 'no policy'})"
        case "uncounted":
            return _UNCOUNTED.get(key.value, key.value)
    return key.value


def _by_address(tables: SubjectTables, text: str) -> PolicyMatch | None:
    try:
        return tables.address(text)
    except ValueError:
        return None


def _choice(match: PolicyMatch, reason: str, name: str | None = None) -> PolicyChoice:
    policy = match.policy
    return PolicyChoice(
        name=policy.name if policy else name,
        subject=match.subject,
        why=reason,
        origin=policy.origin if policy else None,
        mode=policy.mode if policy else None,
        log=policy.log if policy else None,
    )
