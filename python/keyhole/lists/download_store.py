"""What was downloaded, and what is known about it, in the state folder.

For each URL there is a file with the list and one with what is known, both named after the URL. All
of it may be lost: then it is downloaded again.
"""

import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from keyhole.model.field_types import Boundary
from keyhole.system import durable

_FOLDER = "downloads"


class DownloadState(Boundary):
    """What is known about one URL; times are seconds of Unix time."""

    url: str
    etag: str | None = None
    modified: str | None = None
    sha256: str | None = None
    """Of the list that is there; none before the first."""
    octets: int = 0
    fetched_at: float | None = None
    """When the list that is there came."""
    checked_at: float | None = None
    """When the server was last asked with success."""
    next_at: float = 0.0
    """When it is to be asked again."""
    error: str | None = None
    """Why the last try failed; none where it did not."""
    failing_since: float | None = None
    failures: int = 0
    """How many tries in a row have failed."""


class DownloadStore:
    """The folder of downloads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _FOLDER

    def path(self, url: str) -> Path:
        """Where the list of a URL lies. A person can tell by its name where it comes from."""
        parts = urlsplit(url)
        digest = hashlib.sha256(url.encode()).hexdigest()[:12]
        last = parts.path.rstrip("/").rpartition("/")[2] or "list"
        word = re.sub(r"[^A-Za-z0-9._-]", "_", f"{parts.hostname}-{last}")[:80]
        return self._folder / f"{word}-{digest}.txt"

    def load(self, url: str) -> DownloadState:
        """What is known about a URL; nothing where that is missing or damaged, or the list is."""
        try:
            state = DownloadState.model_validate_json(self._state_file(url).read_bytes())
        except (OSError, ValidationError):
            return DownloadState(url=url)
        if state.url != url or (state.sha256 is not None and not self.path(url).is_file()):
            return DownloadState(url=url)
        return state

    def save(self, state: DownloadState) -> None:
        """Writes down what is known, whole or not at all; raises ``OSError``."""
        self.create_folder()
        durable.write_text(self._state_file(state.url), state.model_dump_json(indent=1) + "\n")

    def create_folder(self) -> None:
        """Makes the folder; raises ``OSError``."""
        self._folder.mkdir(parents=True, exist_ok=True)

    def remove_unused(self, urls: Collection[str]) -> None:
        """Removes what no list names any more; downloads that are under way are left in peace."""
        named = {self.path(url).name for url in urls} | {self._state_file(url).name for url in urls}
        for file in self._folder.glob("[!.]*"):
            if file.name not in named:
                file.unlink(missing_ok=True)

    def remove_drafts(self) -> None:
        """Removes what a killed process left half done; nothing may be under way."""
        durable.remove_drafts(self._folder)

    def _state_file(self, url: str) -> Path:
        return self.path(url).with_suffix(".json")
