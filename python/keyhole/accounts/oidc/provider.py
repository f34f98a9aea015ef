"""The provider's metadata and signing keys, both cached."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from keyhole.accounts.oidc.error import ProviderError
from keyhole.accounts.oidc.http_client import HttpClient
from keyhole.accounts.oidc.setup import OidcSetup

METADATA_SECONDS = 3600.0
KEYS_SECONDS = 3600.0
REFETCH_SECONDS = 30.0
"""For an unknown key the keys are fetched again, at most this often."""

# Asymmetric keys only: with a shared secret others could sign as well.
_KINDS = {"RSA", "EC", "OKP"}


@dataclass(frozen=True)
class Metadata:
    """The endpoints of the provider (OpenID Connect Discovery 1.0 section 3)."""

    authorize: str
    token: str
    keys: str
    sends_issuer: bool
    """Whether its authorization responses have the ``iss`` parameter (RFC 9207 section 3)."""
    wants_secret_in_body: bool


class Provider:
    """Thread-safe client of one provider."""

    def __init__(self, setup: OidcSetup, clock: Callable[[], float] = time.monotonic) -> None:
        self._setup = setup
        self._clock = clock
        self._http = HttpClient(is_local=setup.is_local)
        self._lock = threading.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def metadata(self) -> Metadata:
        """The metadata; raises `ProviderError` if it cannot be fetched."""
        with self._lock:
            now = self._clock()
            if self._metadata is None or now - self._metadata[0] > METADATA_SECONDS:
                self._metadata = (now, self._discover())
            return self._metadata[1]

    def keys(self, kid: str | None) -> KeySet:
        """The signing keys; fetched again if ``kid`` is unknown."""
        where = self.metadata().keys
        with self._lock:
            now = self._clock()
            if self._keys is None or self._is_old(self._keys, kid, now):
                self._keys = (now, _read_keys(self._http.get(where)))
            return self._keys[1]

    def redeem(self, form: dict[str, str]) -> dict[str, Any]:
        """Exchanges a code for tokens (RFC 6749 section 4.1.3)."""
        metadata, setup = self.metadata(), self._setup
        if setup.client_secret is None:
            return self._http.post(metadata.token, {**form, "client_id": setup.client_id}, None)
        if metadata.wants_secret_in_body:
            own = {"client_id": setup.client_id, "client_secret": setup.client_secret}
            return self._http.post(metadata.token, {**form, **own}, None)
        # RFC 6749 section 2.3.1: both are form-encoded first.
        basic = (quote_plus(setup.client_id), quote_plus(setup.client_secret))
        return self._http.post(metadata.token, form, basic)

    def _discover(self) -> Metadata:
        issuer = self._setup.issuer
        document = self._http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        # Discovery section 4.3: must be identical to the configured issuer.
        if document.get("issuer") != issuer:
            raise ProviderError(
                f"the issuer of the identity provider is {str(document.get('issuer'))[:200]}; "
                "write that into api.oidc.issuer, if it is correct"
            )
        ways = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Metadata(
            authorize=self._http.check(document.get("authorization_endpoint")),
            token=self._http.check(document.get("token_endpoint")),
            keys=self._http.check(document.get("jwks_uri")),
            sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
            wants_secret_in_body=isinstance(ways, list) and "client_secret_basic" not in ways,
        )

    def _is_old(self, known: tuple[float, KeySet], kid: str | None, now: float) -> bool:
        age = now - known[0]
        is_known = kid is None or any(key.kid == kid for key in known[1])
        return age > KEYS_SECONDS or (not is_known and age > REFETCH_SECONDS)


def _read_keys(document: dict[str, Any]) -> KeySet:
    listed = document.get("keys")
    wanted = [
        one
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and one.get("kty") in _KINDS and one.get("use", "sig") == "sig"
    ]
    try:
        keys = KeySet.import_key_set({"keys": wanted})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ProviderError(f"the keys of the identity provider cannot be read: {error}") from error
    if not keys:
        raise ProviderError("the identity provider has no key to sign with")
    return keys
