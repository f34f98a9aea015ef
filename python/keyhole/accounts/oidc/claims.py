"""Validates ID tokens (OpenID Connect Core 1.0 section 3.1.3.7)."""

import hmac
import json
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.util import urlsafe_b64decode

from keyhole.accounts.oidc.error import OidcLoginError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
"""Public-key signatures only: neither ``none`` nor shared secrets prove the issuer."""

LEEWAY_SECONDS = 60
_MAX_AGE_SECONDS = 3600
_MAX_OCTETS = 64 * 1024


@dataclass(frozen=True)
class Expected:
    """The expected values of the claims."""

    issuer: str
    client_id: str
    nonce: str
    now: float


def key_id(token: object) -> str | None:
    """The key ID in the token; raises `OidcLoginError` if it is not a signed token."""
    if not isinstance(token, str) or len(token) > _MAX_OCTETS:
        raise OidcLoginError("the identity provider gave no ID token")
    try:
        header = json.loads(urlsafe_b64decode(token.partition(".")[0].encode()))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("alg") not in ALGORITHMS:
        raise OidcLoginError("the ID token is not signed with an accepted algorithm")
    kid = header.get("kid")
    return kid if isinstance(kid, str) else None


def read_claims(token: str, keys: KeySet, expected: Expected) -> dict[str, Any]:
    """The claims, after checking signature, issuer, audience, times and nonce."""
    try:
        claims = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise OidcLoginError("the signature of the ID token is wrong") from error
    _check_parties(claims, expected)
    _check_times(claims, expected.now)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode(), expected.nonce.encode()
    ):
        raise OidcLoginError("the ID token belongs to another login")
    subject = claims.get("sub")
    # Core section 2: at most 255 ASCII characters.
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise OidcLoginError("the ID token has no valid subject")
    return claims


def _check_parties(claims: dict[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise OidcLoginError("the ID token is from another issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in audiences:
        raise OidcLoginError("the ID token is for another client")
    authorized = claims.get("azp")
    if (len(audiences) > 1 or authorized is not None) and authorized != expected.client_id:
        raise OidcLoginError("the ID token was given to another client")


def _check_times(claims: dict[str, Any], now: float) -> None:
    if _time(claims, "exp") + LEEWAY_SECONDS <= now:
        raise OidcLoginError("the ID token has expired")
    issued = _time(claims, "iat")
    if issued - LEEWAY_SECONDS > now or issued + _MAX_AGE_SECONDS < now:
        raise OidcLoginError(
            "the ID token was not issued just now; check the clocks of both machines"
        )
    if "nbf" in claims and _time(claims, "nbf") - LEEWAY_SECONDS > now:
        raise OidcLoginError("the ID token is not valid yet")


def _time(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OidcLoginError(f"the ID token has no {name}")
    return float(value)
