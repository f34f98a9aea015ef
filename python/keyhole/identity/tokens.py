"""``tokens.json``: digests of the secrets of devices that have no certificate."""

import base64
import hashlib
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, Field

from keyhole.identity.error import IdentityError, TakenError
from keyhole.identity.files import locked, make_private_folder
from keyhole.identity.journal import Author, noted
from keyhole.identity.json_file import read_document, write_document
from keyhole.model.field_types import Boundary

FILE = "tokens.json"
OCTETS = 20  # 160 bits, which are 32 characters of base32

_TOKEN = re.compile(r"[a-z2-7]{32}")
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?", re.IGNORECASE)


class Token(Boundary):
    """One token."""

    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    created: AwareDatetime


class Tokens(Boundary):
    """The whole file."""

    tokens: tuple[Token, ...] = ()

    def find(self, name: str) -> Token | None:
        """The token of that name."""
        return next((one for one in self.tokens if one.name == name), None)


def new_secret() -> str:
    """32 characters of lower-case base32, valid as a DNS label and as a URL path segment."""
    return base64.b32encode(secrets.token_bytes(OCTETS)).decode().lower()


def digest(secret: str) -> str:
    """The stored digest of a secret. A fast hash is enough for 160 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_token(text: str) -> bool:
    """Whether the text has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


def read_tokens(folder: Path) -> dict[str, str]:
    """The SHA-256 of each token by its name; raises :class:`IdentityError` if unreadable."""
    return {one.name: one.sha256 for one in list_tokens(folder)}


def list_tokens(folder: Path) -> tuple[Token, ...]:
    """All tokens, oldest first."""
    return read_document(folder / FILE, Tokens).tokens


def create_token(
    folder: Path,
    name: str,
    *,
    replace: bool = False,
    author: Author | None = None,
    now: datetime | None = None,
) -> str:
    """Creates a token and returns its secret; only the digest is stored.

    Raises :class:`IdentityError` if the name is taken, unless ``replace`` is set.
    """
    if not _NAME.fullmatch(name):
        raise IdentityError(
            f"{name!r} is not a name for a token; write living-room-tv, of letters, digits, dots, "
            "- and _"
        )
    make_private_folder(folder)
    with locked(folder):
        tokens = read_document(folder / FILE, Tokens)
        if tokens.find(name) is not None and not replace:
            raise TakenError(f"there is a token {name} already; replace it, or give another name")
        secret = new_secret()
        old = tokens.find(name)
        new = Token(name=name, sha256=digest(secret), created=now or datetime.now(UTC))
        others = tuple(one for one in tokens.tokens if one.name != name)
        detail = {"token": name, "before": _shown(old), "after": _shown(new)}
        with noted(folder, author or Author.of_command(), "create_token", detail):
            write_document(folder / FILE, Tokens(tokens=(*others, new)))
        return secret


def revoke_token(folder: Path, name: str, author: Author | None = None) -> None:
    """Removes a token; raises :class:`IdentityError` if there is none of that name."""
    make_private_folder(folder)
    with locked(folder):
        tokens = read_document(folder / FILE, Tokens)
        old = tokens.find(name)
        if old is None:
            known = ", ".join(one.name for one in tokens.tokens) or "none so far"
            raise IdentityError(f"there is no token {name}; there are: {known}")
        others = tuple(one for one in tokens.tokens if one.name != name)
        detail = {"token": name, "before": _shown(old), "after": None}
        with noted(folder, author or Author.of_command(), "revoke_token", detail):
            write_document(folder / FILE, Tokens(tokens=others))


def _shown(token: Token | None) -> str | None:
    """Which of several tokens of one name it was."""
    return None if token is None else f"created {token.created:%Y-%m-%dT%H:%M:%SZ}"
