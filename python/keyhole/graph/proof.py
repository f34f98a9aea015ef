"""What proves who is at the other end of an edge, and why its lock is open where nothing does."""

from dataclasses import dataclass

from keyhole.graph.source import EMPTY_POLICY, Source, UpstreamInfo
from keyhole.querylog.history import EdgeRow

ENCRYPTED = ("dot", "doh")
"""Transports that TLS protects (RFC 7858, RFC 8484)."""
UNPROVED = frozenset(
    {
        "certificate_untrusted",
        "certificate_expired",
        "certificate_not_yet_valid",
        "certificate_revoked",
        "certificate_invalid",
        "unreadable_identity",
        "unknown_token",
        "identity_revoked",
        "identity_untrusted",
        "identity_expired",
    }
)
"""Reasons to refuse a client whose certificate or token proves nothing."""
TEXTS = {
    "cleartext": "came over udp or tcp, which are not encrypted",
    "mesh": "came through a mesh, which Keyhole cannot check",
    "network_only": "showed neither certificate nor token: only the network is known",
    "anonymous": "had no client in the log, under a policy that serves networks too",
    "no_row": "had no row in the log: nothing is known of the client",
    "expired": "showed a certificate that had expired",
    "upstream_cleartext": "went out over tcp: the mesh has to encrypt it",
    "upstream_unknown": "went to an upstream that is not in the documents any more",
}
"""Why a lock is open, by word; what is refused has its own reason as the word."""


@dataclass(frozen=True)
class Proof:
    """What is known of the way of alike queries; ``why`` are the words why a lock is open."""

    how: str
    is_encrypted: bool
    is_authenticated: bool
    why: tuple[str, ...]


def is_unproved(row: EdgeRow, source: Source) -> bool:
    """Whether the identity of a query is only claimed."""
    is_expired = source.expired_policy is not None and row.policy == source.expired_policy
    return row.reason in UNPROVED or is_expired


def client_proof(row: EdgeRow, source: Source) -> Proof:
    """What proves who the client is."""
    how, why = _client(row, source)
    is_encrypted = row.transport in ENCRYPTED
    cleartext = "mesh" if row.transport == "mesh" else "cleartext"
    return Proof(
        how=how,
        is_encrypted=is_encrypted,
        is_authenticated=not why,
        why=tuple(word for word in ("" if is_encrypted else cleartext, why) if word),
    )


def upstream_proof(row: EdgeRow, upstream: UpstreamInfo | None) -> Proof:
    """What proves who the upstream is. Its certificate is checked before anything is sent; where
    the check fails nothing is sent at all."""
    if upstream is None:
        return Proof(
            "unknown", is_encrypted=False, is_authenticated=False, why=("upstream_unknown",)
        )
    if not upstream.is_encrypted:
        return Proof(
            "mesh", is_encrypted=False, is_authenticated=False, why=("upstream_cleartext",)
        )
    how = "unproved" if row.reason == "upstream_untrusted" else "certificate"
    return Proof(how, is_encrypted=True, is_authenticated=True, why=())


def open_text(word: str, queries: int) -> str:
    """Why a lock is open, as a sentence."""
    noun = "query" if queries == 1 else "queries"
    return f"{queries:,} {noun} {TEXTS.get(word, f'proved nothing: {word}')}"


def _client(row: EdgeRow, source: Source) -> tuple[str, str]:
    """By what the client is known, and why this is no proof; empty where it is one."""
    if row.origin != "row":
        return "unknown", "no_row"
    if row.identity is not None:
        if not is_unproved(row, source):
            return "certificate", ""
        return "unproved", row.reason if row.reason in UNPROVED else "expired"
    if row.token is not None:
        return "token", ""
    if row.client is not None:
        return ("unproved", row.reason) if row.reason in UNPROVED else ("network", "network_only")
    return _anonymous(row, source)


def _anonymous(row: EdgeRow, source: Source) -> tuple[str, str]:
    """A policy that has no networks among its subjects applies only to clients with a proof."""
    known = source.credentials.get(row.policy or "", EMPTY_POLICY)
    if not known or not known <= {"certificate", "token"}:
        return "unknown", "anonymous"
    return ("token" if known == {"token"} else "certificate"), ""
