"""The authorization code flow with PKCE: out to the provider, and back by the same browser."""

import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from cryptography.fernet import Fernet, InvalidToken

from keyhole.accounts.oidc.claims import Expected, key_id, read_claims
from keyhole.accounts.oidc.error import OidcLoginError, ProviderError
from keyhole.accounts.oidc.provider import Provider
from keyhole.accounts.oidc.setup import OidcSetup
from keyhole.accounts.secret import s256
from keyhole.model.role import Role

LOGIN_STATE_SECONDS = 600
"""How long somebody may take at the provider."""
_MAX_NAME = 64


@dataclass(frozen=True)
class AuthorizationRequest:
    """Where the browser goes, and what it has to bring back: sealed, for its cookie."""

    url: str
    sealed: str


@dataclass(frozen=True)
class AuthorizationResponse:
    """What the browser brings back."""

    state: str | None
    code: str | None
    error: str | None
    issuer: str | None
    sealed: str | None
    redirect_uri: str


@dataclass(frozen=True)
class OidcIdentity:
    """Somebody whom the provider knows: the name for lists and the audit record, and the role."""

    name: str
    role: Role


class Oidc:
    """One provider. What a login needs to be finished travels in the cookie of the browser that
    began it, sealed with a key of this process, so that nobody can fill our memory."""

    def __init__(self, setup: OidcSetup, clock: Callable[[], float] = time.time) -> None:
        self.setup = setup
        self.provider = Provider(setup)
        self._clock = clock
        self._seal = Fernet(Fernet.generate_key())

    def begin(self, redirect_uri: str) -> AuthorizationRequest:
        """Begins a login that returns to ``redirect_uri``."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code",
            "client_id": self.setup.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.setup.scope,
            "state": state,
            "nonce": nonce,
            # RFC 7636: whoever catches the code cannot redeem it.
            "code_challenge": s256(verifier),
            "code_challenge_method": "S256",
        }
        where = self.provider.metadata().authorize
        url = f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"
        way = json.dumps([state, nonce, verifier, redirect_uri]).encode()
        sealed = self._seal.encrypt_at_time(way, int(self._clock()))
        return AuthorizationRequest(url, sealed.decode())

    def finish(self, returned: AuthorizationResponse) -> OidcIdentity:
        """Who has logged in; raises `OidcLoginError` where nobody has, or nobody who may."""
        nonce, verifier = self._way(returned)
        metadata = self.provider.metadata()
        # RFC 9207 section 2.4: an answer of another provider is none.
        if returned.issuer is None and metadata.names_itself:
            raise OidcLoginError("the answer does not say which provider it is of")
        if returned.issuer is not None and returned.issuer != self.setup.issuer:
            raise OidcLoginError("the answer is of another provider")
        if returned.error is not None or not returned.code:
            raise OidcLoginError("the identity provider refused the login")
        answer = self.provider.redeem(
            {
                "grant_type": "authorization_code",
                "code": returned.code,
                "redirect_uri": returned.redirect_uri,
                "code_verifier": verifier,
            }
        )
        token = answer.get("id_token")
        keys = self.provider.keys(key_id(token))
        expected = Expected(self.setup.issuer, self.setup.client_id, nonce, self._clock())
        return self._admit(read_claims(str(token), keys, expected))

    def _way(self, returned: AuthorizationResponse) -> tuple[str, str]:
        """Nonce and verifier of the login that this browser began."""
        try:
            opened = self._seal.decrypt_at_time(
                (returned.sealed or "").encode(), LOGIN_STATE_SECONDS, int(self._clock())
            )
        except InvalidToken:
            raise OidcLoginError(
                "this browser began no login, or too long ago; begin again"
            ) from None
        state, nonce, verifier, redirect_uri = json.loads(opened)
        if not hmac.compare_digest(state.encode(), (returned.state or "").encode()):
            raise OidcLoginError("the answer belongs to another login; begin again")
        if redirect_uri != returned.redirect_uri:
            raise OidcLoginError(
                "the login was begun under another name of this server; begin again"
            )
        return nonce, verifier

    def _admit(self, claims: dict[str, Any]) -> OidcIdentity:
        name = _name(claims)
        said = claims.get(self.setup.groups_claim, [])
        groups = [said] if isinstance(said, str) else said
        if not isinstance(groups, list):
            raise ProviderError(f"the claim {self.setup.groups_claim} holds no list of groups")
        roles = [
            self.setup.roles[one]
            for one in groups
            if isinstance(one, str) and one in self.setup.roles
        ]
        if not roles:
            raise OidcLoginError(
                "none of your groups has a role here; an administrator can add one to "
                "api.oidc.roles",
                name,
            )
        return OidcIdentity(name, max(roles))


def _name(claims: dict[str, Any]) -> str:
    """The subject decides who it is, since anybody may choose what they are called."""
    called = claims.get("preferred_username") or claims.get("email")
    # Quoted, so that no two subjects are spelled alike.
    subject = quote(str(claims["sub"]), safe="-._~@:|")
    if not isinstance(called, str) or not _sanitize(called):
        return f"oidc:{subject}"
    return f"oidc:{_sanitize(called)} ({subject})"


def _sanitize(text: str) -> str:
    kept = (one for one in text if one.isprintable() and one not in " ()")
    return "".join(kept)[:_MAX_NAME]
