"""Which Keyhole a command asks: the one of a data folder, or one on another machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keyhole.cli.global_options import GLOBAL_OPTIONS
from keyhole.errors import KeyholeError

if TYPE_CHECKING:
    import ssl

    import httpx2

SERVER, TOKEN, TOKEN_FILE, CA = (
    "KEYHOLE_SERVER",
    "KEYHOLE_TOKEN",
    "KEYHOLE_TOKEN_FILE",
    "KEYHOLE_CA",
)
_HERE = ("localhost", "127.0.0.1", "::1")


class ServerTargetError(KeyholeError):
    """The server that is meant cannot be told, or must not be asked so."""


@dataclass(frozen=True)
class ServerTarget:
    """A Keyhole that is asked over the network, and what shows who asks."""

    url: str
    token: str
    ca: str | None

    @contextmanager
    def client(self, seconds: float) -> Iterator["httpx2.Client"]:
        """A client that checks the certificate, follows nobody, and sends the token."""
        import httpx2

        is_encrypted = self.url.startswith("https://")
        with httpx2.Client(
            base_url=f"{self.url}/api/v1",
            headers={"authorization": f"Bearer {self.token}"},
            verify=_context(self.ca) if is_encrypted else True,
            follow_redirects=False,
            # On this machine no proxy may come in between and read the token.
            trust_env=is_encrypted,
            timeout=seconds,
        ) as client:
            yield client


def find_target(data: Path | None) -> ServerTarget | None:
    """The server that options or the environment name; none for the data folder, which wins where
    it is named explicitly."""
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
        raise ServerTargetError(f"{url} has more than a name and a port; write https://{host}")
    if parts.scheme == "http" and host not in _HERE:
        raise ServerTargetError(f"{url} would carry the token in the clear; write https://{host}")
    return url.rstrip("/")


def _token(url: str) -> str:
    if token := os.environ.get(TOKEN):
        return token.strip()
    file = GLOBAL_OPTIONS.token_file or os.environ.get(TOKEN_FILE)
    if file is None:
        raise ServerTargetError(
            f"{url} wants a token; keyhole api-token create makes one there, and {TOKEN} or "
            "--token-file brings it"
        )
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise ServerTargetError(f"cannot read the token in {file}: {error.strerror}") from error


def _context(ca: str | None) -> "ssl.SSLContext":
    import ssl

    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise ServerTargetError(f"cannot read the certificates in {ca}: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
