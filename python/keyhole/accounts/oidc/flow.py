"""The authorization code flow with PKCE (RFC 7636)."""

import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from keyhole.accounts.oidc.error import OidcLoginError, ProviderError
from keyhole.accounts.oidc.setup import OidcSetup
from keyhole.accounts.secret import s256
from keyhole.model.role import Role

LOGIN_STATE_SECONDS = 600
"""How long a login at the provider may take."""
_MAX_NAME = 64


@dataclass(frozen=True)
class AuthorizationRequest:
    """The URL for the browser, and the encrypted login state for its cookie."""

    url: str
    sealed: str


@dataclass(frozen=True)
class AuthorizationResponse:
    """The parameters and the cookie of the browser's return."""

    state: str | None
    code: str | None
    error: str | None
    issuer: str | None
    sealed: str | None
    redirect_uri: str


@dataclass(frozen=True)
class OidcIdentity:
    """A person whom the provider authenticated: name for the audit record, and role."""

    name: str
    role: Role


class Oidc:
    """One provider. The state of a login is stored in the browser's cookie, encrypted with a key of
    this process, so that unfinished logins take no memory here."""

    def __init__(self, setup: OidcSetup, clock: Callable[[], float] = time.time) -> None:
        # Imported here: most installations have no provider, and the libraries take five megabytes.
        from cryptography.fernet import Fernet

        from keyhole.accounts.oidc.provider import Provider

        self.setup = setup
        self.provider = Provider(setup)
        self._clock = clock
        self._seal = Fernet(Fernet.generate_key())

    def begin(self, redirect_uri: str, page: str = "") -> AuthorizationRequest:
        """Starts a login that returns to ``redirect_uri``; ``page`` is what the person wanted."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        parameters = {
            "response_type": "code",
            "client_id": self.setup.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.setup.scope,
            "state": state,
            "nonce": nonce,
            # RFC 7636: an intercepted code cannot be redeemed.
            "code_challenge": s256(verifier),
            "code_challenge_method": "S256",
        }
        endpoint = self.provider.metadata().authorize
        url = f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"
        login_state = json.dumps([state, nonce, verifier, redirect_uri, page]).encode()
        sealed = self._seal.encrypt_at_time(login_state, int(self._clock()))
        return AuthorizationRequest(url, sealed.decode())

    def finish(self, response: AuthorizationResponse) -> OidcIdentity:
        """Completes a login; raises `OidcLoginError` if it failed or the person has no role."""
        from keyhole.accounts.oidc.claims import Expected, key_id, read_claims

        nonce, verifier = self._login_state(response)
        metadata = self.provider.metadata()
        # RFC 9207 section 2.4: a response of another provider is rejected.
        if response.issuer is None and metadata.sends_issuer:
            raise OidcLoginError("the response does not say which provider it is from")
        if response.issuer is not None and response.issuer != self.setup.issuer:
            raise OidcLoginError("the response is from another provider")
        if response.error is not None or not response.code:
            raise OidcLoginError("the identity provider refused the login")
        answer = self.provider.redeem(
            {
                "grant_type": "authorization_code",
                "code": response.code,
                "redirect_uri": response.redirect_uri,
                "code_verifier": verifier,
            }
        )
        token = answer.get("id_token")
        keys = self.provider.keys(key_id(token))
        expected = Expected(self.setup.issuer, self.setup.client_id, nonce, self._clock())
        return self._identity(read_claims(str(token), keys, expected))

    def _login_state(self, response: AuthorizationResponse) -> tuple[str, str]:
        """Nonce and verifier of the login that this browser started."""
        opened = self._open(response.sealed)
        if opened is None:
            raise OidcLoginError("this browser started no login, or too long ago; start again")
        state, nonce, verifier, redirect_uri, _ = opened
        if not hmac.compare_digest(state.encode(), (response.state or "").encode()):
            raise OidcLoginError("the response belongs to another login; start again")
        if redirect_uri != response.redirect_uri:
            raise OidcLoginError(
                "the login was started under another name of this server; start again"
            )
        return nonce, verifier

    def page_of(self, sealed: str | None) -> str:
        """The page that the person wanted when the login began; empty if none is known."""
        opened = self._open(sealed)
        return "" if opened is None else opened[-1]

    def _open(self, sealed: str | None) -> list[str] | None:
        from cryptography.fernet import InvalidToken

        try:
            opened = self._seal.decrypt_at_time(
                (sealed or "").encode(), LOGIN_STATE_SECONDS, int(self._clock())
            )
        except InvalidToken:
            return None
        parts: list[str] = json.loads(opened)
        return parts

    def _identity(self, claims: dict[str, Any]) -> OidcIdentity:
        name = _name(claims)
        claim = claims.get(self.setup.groups_claim, [])
        groups = [claim] if isinstance(claim, str) else claim
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
    """Includes the subject, since people can choose their displayed name."""
    called = claims.get("preferred_username") or claims.get("email")
    # Quoted, so that different subjects never look the same.
    subject = quote(str(claims["sub"]), safe="-._~@:|")
    if not isinstance(called, str) or not _sanitize(called):
        return f"oidc:{subject}"
    return f"oidc:{_sanitize(called)} ({subject})"


def _sanitize(text: str) -> str:
    kept = (one for one in text if one.isprintable() and one not in " ()")
    return "".join(kept)[:_MAX_NAME]
