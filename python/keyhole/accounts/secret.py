"""Random secrets, and their stored digests."""

import base64
import hashlib
import secrets

_SESSION_OCTETS = 32
_ONE_TIME_OCTETS = 15
_RECOVERY_OCTETS = 10
_GROUP = 4

TOKEN_PREFIX = "khp_"  # noqa: S105  (the public prefix of each secret)


def new_session_secret() -> str:
    """256 bits for a cookie."""
    return secrets.token_urlsafe(_SESSION_OCTETS)


def new_token_secret() -> str:
    """256 bits with a prefix that secret scanners recognize."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_SESSION_OCTETS)


def new_id() -> str:
    """A public session ID, independent of the session's secret."""
    return secrets.token_hex(8)


def new_one_time_password() -> str:
    """120 bits in readable groups: ``k3zq-...``."""
    return _grouped(_ONE_TIME_OCTETS)


def new_recovery_code() -> str:
    """80 bits in four groups."""
    return _grouped(_RECOVERY_OCTETS)


def digest(secret: str) -> str:
    """The stored digest of a random secret. A fast hash is enough for 80 bits or more. The time of
    a lookup by digest reveals nothing about the secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _grouped(octets: int) -> str:
    text = base64.b32encode(secrets.token_bytes(octets)).decode().lower()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def s256(verifier: str) -> str:
    """The challenge of a PKCE verifier (RFC 7636 section 4.2)."""
    octets = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
