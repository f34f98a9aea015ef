"""The Keyhole on another machine that a command connects to, if any."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keyhole.cli.global_options import GLOBAL_OPTIONS
from keyhole.errors import KeyholeError
from keyhole.system.no_tls import trusting_nobody
from keyhole.system.secret_input import read_secret

if TYPE_CHECKING:
    import ssl

    import httpx2

SERVER, TOKEN, TOKEN_FILE, CA = (
    "KEYHOLE_SERVER",
    "KEYHOLE_TOKEN",
    "KEYHOLE_TOKEN_FILE",
    "KEYHOLE_CA",
)
INSECURE = "KEYHOLE_INSECURE"
_BY_THE_MESH = "mesh"
"""The value of `INSECURE` with which a mesh is trusted to encrypt, as ``insecure: mesh`` of an
upstream."""
_HERE = ("localhost", "127.0.0.1", "::1")


class ServerTargetError(KeyholeError):
    """The URL, the token or the certificates of the server cannot be used."""


@dataclass(frozen=True)
class ServerTarget:
    """A Keyhole on the network, the token for it, and the file of its root certificate."""

    url: str
    token: str
    ca: str | None

    @contextmanager
    def client(self, seconds: float) -> Iterator["httpx2.Client"]:
        """An HTTP client that verifies the certificate, sends the token, and never redirects."""
        import httpx2

        is_encrypted = self.url.startswith("https://")
        with httpx2.Client(
            base_url=f"{self.url}/api/v1",
            headers={"authorization": f"Bearer {self.token}"},
            verify=_context(self.ca) if is_encrypted else trusting_nobody(),
            follow_redirects=False,
            # Without TLS a proxy could read the token.
            trust_env=is_encrypted,
            timeout=seconds,
        ) as client:
            yield client


def find_target(data: Path | None) -> ServerTarget | None:
    """The server of the options or the environment; ``None`` without one, and if a data folder is
    given."""
    server = GLOBAL_OPTIONS.server
    if server is not None and data is not None:
        raise ServerTargetError("give --server or --data, not both")
    url = server or os.environ.get(SERVER)
    if data is not None or not url:
        return None
    ca = GLOBAL_OPTIONS.ca or os.environ.get(CA)
    return ServerTarget(_checked(url), _token(url), ca or None)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("https", "http"):
        raise ServerTargetError(f"{url} is not a server; write https://keyhole.example.org:8080")
    if parts.path not in ("", "/") or parts.query or parts.username:
        raise ServerTargetError(f"{url} has more than a host and a port; write https://{host}")
    is_covered = host in _HERE or os.environ.get(INSECURE) == _BY_THE_MESH
    if parts.scheme == "http" and not is_covered:
        raise ServerTargetError(f"{url} would carry the token in the clear; write https://{host}")
    return url.rstrip("/")


def _token(url: str) -> str:
    if token := os.environ.get(TOKEN):
        return token.strip()
    file = GLOBAL_OPTIONS.token_file or os.environ.get(TOKEN_FILE)
    if file is None:
        raise ServerTargetError(
            f"{url} needs a token; make one there with keyhole api-token create, and give it with "
            f"{TOKEN} or --token-file"
        )
    try:
        return read_secret(file, "Token")
    except OSError as error:
        # The text is not repeated: it may be the token itself.
        raise ServerTargetError(f"cannot read the token: {error.strerror}") from None


def _context(ca: str | None) -> "ssl.SSLContext":
    import ssl

    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise ServerTargetError(f"cannot read the certificates in {ca}: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
