"""HTTP requests to the provider: over TLS, with limits, without following redirects."""

import json
from typing import Any

import httpx2

from keyhole.accounts.oidc.error import ProviderError
from keyhole.system.no_tls import trusting_nobody

_SECONDS = 10.0
_MAX_OCTETS = 512 * 1024
# Uncompressed: a compressed part would be unpacked whole before anybody counts its octets.
_HEADERS = {"accept": "application/json", "accept-encoding": "identity"}


class HttpClient:
    """Requests to the URLs of one provider; ``is_local`` allows URLs without TLS."""

    def __init__(self, *, is_local: bool) -> None:
        self._is_local = is_local

    def get(self, url: str) -> dict[str, Any]:
        """The JSON object at a URL; raises `ProviderError` if there is none."""
        return self._ask("GET", url, None, None)

    def post(self, url: str, form: dict[str, str], basic: tuple[str, str] | None) -> dict[str, Any]:
        """The JSON response to a form."""
        return self._ask("POST", url, form, basic)

    def check(self, url: object) -> str:
        """Returns an allowed URL; raises `ProviderError` for others."""
        schemes = ("https://", "http://") if self._is_local else ("https://",)
        if not isinstance(url, str) or not url.startswith(schemes):
            raise ProviderError("the identity provider names a URL that is not https")
        return url

    def _ask(
        self, method: str, url: str, form: dict[str, str] | None, basic: tuple[str, str] | None
    ) -> dict[str, Any]:
        self.check(url)
        is_encrypted = url.startswith("https://")
        try:
            with (
                httpx2.Client(
                    verify=True if is_encrypted else trusting_nobody(),
                    timeout=_SECONDS,
                    follow_redirects=False,
                    trust_env=not self._is_local,
                ) as client,
                client.stream(method, url, data=form, auth=basic, headers=_HEADERS) as answer,
            ):
                body = bytearray()
                for chunk in answer.iter_raw():
                    body += chunk
                    if len(body) > _MAX_OCTETS:
                        raise ProviderError("the response of the identity provider is too large")
                return _read(answer, bytes(body))
        except (httpx2.TransportError, httpx2.DecodingError, httpx2.InvalidURL) as error:
            raise ProviderError(f"the identity provider cannot be reached: {error}") from error


def _read(answer: httpx2.Response, body: bytes) -> dict[str, Any]:
    if answer.status_code != 200:
        raise ProviderError(f"the identity provider answers with status {answer.status_code}")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ProviderError("the response of the identity provider is not a JSON object")
    return document
