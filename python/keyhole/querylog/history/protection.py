"""How a query was protected on its way in: a condition on rows, and the same of a line.

Both decide as the lock of the graph does; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keyhole.querylog.history.condition import Condition

ENCRYPTED = ("dot", "doh")
"""Transports that TLS protects (RFC 7858, RFC 8484), unless a proxy has ended it before."""
NO_TLS = "none"
"""Stands in place of a version of TLS: there was none."""
IN_THE_CLEAR = ("udp", "tcp")
"""Transports that are never encrypted, and whose clients cannot prove anything."""
TLS_UNKNOWN = "unknown"
"""Stands in place of a version of TLS: which one it was is not known."""
TLS_VERSIONS = ("1.3", "1.2", NO_TLS, TLS_UNKNOWN)
TLS_IN = (
    f"CASE WHEN transport IN {IN_THE_CLEAR} THEN '{NO_TLS}' ELSE coalesce(tls, '{TLS_UNKNOWN}') END"
)
"""An expression in SQL: one of `TLS_VERSIONS`."""
TLS_OUT = f"CASE WHEN upstream IS NOT NULL THEN coalesce(upstream_tls, '{NO_TLS}') END"
"""The same of the upstream, of which a row has no more than a version."""
PROOFS = ("certificate", "token", "network", "unproved", "unknown")
"""What may prove who a client is; only the first two do."""
PROTECTIONS = {
    "protected": ("protected",),
    "open": ("encrypted_only", "authenticated_only", "neither"),
    "unencrypted": ("authenticated_only", "neither"),
    "unauthenticated": ("encrypted_only", "neither"),
    "encrypted_only": ("encrypted_only",),
    "authenticated_only": ("authenticated_only",),
    "neither": ("neither",),
}
"""The words that can be searched for, and the states that each stands for. Each query has one of
the states; ``protected`` is both encrypted and authenticated."""


def tls_in(line: Mapping[str, Any]) -> str:
    """The version of TLS of a line, as `TLS_IN`. That of a mesh ends at the sidecar."""
    if line.get("transport") in IN_THE_CLEAR:
        return NO_TLS
    return str(line.get("tls") or TLS_UNKNOWN)


def tls_out(line: Mapping[str, Any]) -> str | None:
    """The version of TLS to the upstream of a line, as `TLS_OUT`."""
    if line.get("upstream") is None:
        return None
    return str(line.get("upstream_tls") or NO_TLS)


@dataclass(frozen=True)
class ProofRules:
    """What proves who a client is, by the documents in force."""

    unproved: tuple[str, ...] = ()
    """Reasons with which a client has proved nothing."""
    expired_policy: str | None = None
    """The policy under which an identity is only claimed: its certificate has expired."""
    by_certificate: tuple[str, ...] = ()
    """Policies that apply to none but clients with a proof, certificates among them: it counts
    where the log hides the client."""
    by_token: tuple[str, ...] = ()
    """The same of those for clients with a token alone."""

    @property
    def claimed(self) -> Condition:
        """The condition that an identity is only claimed."""
        words = "(list_contains(?, reason) OR coalesce(policy = ?, false))"
        return Condition([words], [list(self.unproved), self.expired_policy])

    @property
    def proof(self) -> Condition:
        """An expression in SQL: one of `PROOFS`."""
        claimed = self.claimed
        words = (
            f"CASE WHEN identity IS NOT NULL THEN "
            f"CASE WHEN {claimed.sql} THEN 'unproved' ELSE 'certificate' END "
            "WHEN token IS NOT NULL THEN 'token' WHEN client IS NOT NULL THEN "
            "CASE WHEN list_contains(?, reason) THEN 'unproved' ELSE 'network' END "
            "WHEN list_contains(?, policy) THEN 'token' "
            "WHEN list_contains(?, policy) THEN 'certificate' ELSE 'unknown' END"
        )
        rest = [list(self.unproved), list(self.by_token), list(self.by_certificate)]
        return Condition([words], [*claimed.values, *rest])

    @property
    def protection(self) -> Condition:
        """An expression in SQL: one of the states of `PROTECTIONS`."""
        proof = self.proof
        encrypted = ", ".join(f"'{word}'" for word in ENCRYPTED)
        is_encrypted = f"(transport IN ({encrypted}) AND coalesce(tls, '') != '{NO_TLS}')"
        words = (
            f"CASE WHEN {is_encrypted} THEN CASE WHEN {proof.sql} IN ('certificate', 'token') "
            "THEN 'protected' ELSE 'encrypted_only' END "
            f"WHEN {proof.sql} IN ('certificate', 'token') THEN 'authenticated_only' "
            "ELSE 'neither' END"
        )
        return Condition([words], [*proof.values, *proof.values])

    def is_claimed(self, line: Mapping[str, Any]) -> bool:
        """Whether the identity of a line is only claimed."""
        is_expired = self.expired_policy is not None and line.get("policy") == self.expired_policy
        return line.get("reason") in self.unproved or is_expired

    def proof_of(self, line: Mapping[str, Any]) -> str:
        """What proves who the client of a line is."""
        if line.get("identity") is not None:
            return "unproved" if self.is_claimed(line) else "certificate"
        if line.get("token") is not None:
            return "token"
        if line.get("client") is not None:
            return "unproved" if line.get("reason") in self.unproved else "network"
        policy = line.get("policy")
        if policy in self.by_token:
            return "token"
        return "certificate" if policy in self.by_certificate else "unknown"

    def protection_of(self, line: Mapping[str, Any]) -> str:
        """The state of a line."""
        is_authenticated = self.proof_of(line) in ("certificate", "token")
        if line.get("transport") in ENCRYPTED and line.get("tls") != NO_TLS:
            return "protected" if is_authenticated else "encrypted_only"
        return "authenticated_only" if is_authenticated else "neither"
