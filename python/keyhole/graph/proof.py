"""What proves who is at the other end of an edge, and why its lock is open where nothing does."""

from dataclasses import dataclass

from keyhole.graph.source import EMPTY_POLICY, Source, UpstreamInfo
from keyhole.querylog.history import EdgeRow
from keyhole.querylog.history.protection import ENCRYPTED, IN_THE_CLEAR, NO_TLS, TLS_UNKNOWN

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
    "cleartext": "came over udp, tcp or http, which are not encrypted",
    "mesh": "came through a mesh, which Keyhole cannot check",
    "perhaps_http": "came over DoH, perhaps to the listener without TLS",
    "network_only": "showed neither certificate nor token: only the network is known",
    "anonymous": "had no client in the log, under a policy that serves networks too",
    "expired": "showed a certificate that had expired",
    "upstream_cleartext": "went out without TLS: the mesh has to encrypt it",
    "upstream_in_the_clear": "went out over tcp, and nothing encrypts it",
    "upstream_unknown": "went to an upstream that is not in the documents any more",
}
"""Why a lock is open, by word; what is refused has its own reason as the word."""


@dataclass(frozen=True)
class Proof:
    """What is known of the way of alike queries; ``why`` are the words why a lock is open."""

    how: str
    tls: str
    """The version of TLS, `NO_TLS` or `TLS_UNKNOWN`."""
    is_encrypted: bool
    is_authenticated: bool
    why: tuple[str, ...]
    is_known: bool = True
    """Whether it is known if these queries were protected. What is not known is proved by nothing,
    and is no open lock either."""

    @property
    def is_protected(self) -> bool:
        """Whether encryption and proof are known."""
        return self.is_known and not self.why


def is_unproved(row: EdgeRow, source: Source) -> bool:
    """Whether the identity of a query is only claimed."""
    is_expired = source.expired_policy is not None and row.policy == source.expired_policy
    return row.reason in UNPROVED or is_expired


def client_proof(row: EdgeRow, source: Source) -> Proof:
    """What proves who the client is."""
    if row.origin != "row":
        return _without_row(row, source)
    how, why = _client(row, source)
    tls = _client_tls(row)
    is_encrypted = row.transport in ENCRYPTED and tls != NO_TLS
    # Over HTTP without TLS, only a sidecar can say who the client is.
    is_mesh = row.transport == "mesh" or (row.transport == "doh" and row.identity is not None)
    cleartext = "mesh" if is_mesh else "cleartext"
    return Proof(
        how=how,
        tls=tls,
        is_encrypted=is_encrypted,
        is_authenticated=not why,
        why=tuple(word for word in ("" if is_encrypted else cleartext, why) if word),
    )


def upstream_proof(row: EdgeRow, upstream: UpstreamInfo | None) -> Proof:
    """What proves who the upstream is. Its certificate is checked before anything is sent; where
    the check fails nothing is sent at all."""
    tls = row.upstream_tls or TLS_UNKNOWN
    if upstream is None:
        why = ("upstream_unknown",)
        return Proof("unknown", tls, is_encrypted=False, is_authenticated=False, why=why)
    if upstream.is_clear:
        why = ("upstream_in_the_clear",)
        return Proof("unproved", NO_TLS, is_encrypted=False, is_authenticated=False, why=why)
    if not upstream.is_encrypted:
        why = ("upstream_cleartext",)
        return Proof("mesh", NO_TLS, is_encrypted=False, is_authenticated=False, why=why)
    how = "unproved" if row.reason == "upstream_untrusted" else "certificate"
    return Proof(how, tls, is_encrypted=True, is_authenticated=True, why=())


def open_text(word: str, queries: int) -> str:
    """Why a lock is open, as a sentence."""
    noun = "query" if queries == 1 else "queries"
    return f"{queries:,} {noun} {TEXTS.get(word, f'proved nothing: {word}')}"


def _without_row(row: EdgeRow, source: Source) -> Proof:
    """Of a query without a row only the transport is known: it says enough where it is open."""
    is_clear = row.transport in IN_THE_CLEAR
    why = "cleartext" if is_clear else "mesh" if row.transport == "mesh" else ""
    if row.transport == "doh" and source.has_plain_doh:
        why = "perhaps_http"
    return Proof(
        how="unknown",
        tls=NO_TLS if is_clear else TLS_UNKNOWN,
        is_encrypted=False,
        is_authenticated=False,
        why=(why,) if why else (),
        is_known=why != "",
    )


def _client_tls(row: EdgeRow) -> str:
    """What is known of the TLS of the client. That of a mesh ends at the sidecar."""
    if row.transport in IN_THE_CLEAR:
        return NO_TLS
    return row.tls or TLS_UNKNOWN


def _client(row: EdgeRow, source: Source) -> tuple[str, str]:
    """By what the client is known, and why this is no proof; empty where it is one."""
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
