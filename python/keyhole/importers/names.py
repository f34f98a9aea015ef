"""Makes valid and unique document names from untrusted names."""

import re
import unicodedata

_MAX_NAME = 58
"""Characters; leaves room for a number."""


def slug(text: str, fallback: str) -> str:
    """The closest valid document name."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9.]+", "-", plain)
    name = re.sub(r"\.{2,}", ".", name)[:_MAX_NAME].strip("-.")
    return name or fallback


def names_above(name: str) -> list[str]:
    """All names above one, the closest first, without the root."""
    labels = name.split(".")
    return [".".join(labels[at:]) for at in range(1, len(labels))]


class DocumentNames:
    """The names assigned so far, by kind of document."""

    def __init__(self) -> None:
        self._given: set[tuple[str, str]] = set()
        self._numbers: dict[tuple[str, str], int] = {}

    def assign(self, kind: str, text: str, fallback: str) -> str:
        """A name that no other document of the kind has."""
        wanted = name = slug(text, fallback)
        while (kind, name) in self._given:
            number = self._numbers.get((kind, wanted), 1) + 1
            self._numbers[kind, wanted] = number
            name = f"{wanted}-{number}"
        self._given.add((kind, name))
        return name


def list_name(url: str, title: str = "") -> str:
    """A list's name: its title if that is short, else the distinctive parts of its URL."""
    title = title.strip()
    if title and len(title) <= 40 and "://" not in title:
        return title
    parts = [part for part in re.split(r"[/?#&=]+", url.partition("://")[2]) if part]
    telling = [part for part in parts[1:] if part.lower() not in _COMMON]
    if len(telling) > 1 and telling[-1].lower().partition(".")[0] in _GENERIC:
        telling.pop()
    host = parts[0].removeprefix("www.") if parts else "list"
    if host in _HOSTERS and len(telling) > 1:
        return "-".join([telling[0], *telling[-1:]])
    return "-".join([host, *telling[-1:]])


_COMMON = ("master", "main", "raw", "refs", "heads", "blob", "latest", "assets", "gh")
_GENERIC = ("hosts", "list", "domains", "blocklist", "filter", "index")
_HOSTERS = (
    "raw.githubusercontent.com",
    "github.com",
    "cdn.jsdelivr.net",
    "gitlab.com",
    "codeberg.org",
    "gist.githubusercontent.com",
)
