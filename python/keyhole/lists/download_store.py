"""Stores downloaded lists and their state in the state folder.

Each URL has a file with the list and one with its state, both named after the URL. If they are
lost, the lists are downloaded again.
"""

import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from keyhole.model.field_types import Boundary
from keyhole.system import durable
from keyhole.system.regular_file import read_whole

_FOLDER = "downloads"


class DownloadState(Boundary):
    """The state of one URL; times are seconds of Unix time."""

    url: str
    etag: str | None = None
    modified: str | None = None
    sha256: str | None = None
    """Digest of the stored list; none before the first download."""
    octets: int = 0
    fetched_at: float | None = None
    """When the stored list was downloaded."""
    checked_at: float | None = None
    """When the server last answered successfully."""
    next_at: float = 0.0
    """When the next request is due."""
    error: str | None = None
    """Why the last attempt failed; none after a success."""
    failing_since: float | None = None
    failures: int = 0
    """Failed attempts in a row."""


class DownloadStore:
    """The folder of downloads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _FOLDER

    def path(self, url: str) -> Path:
        """The path of a URL's list. Its name begins with host and file name, for people."""
        parts = urlsplit(url)
        digest = hashlib.sha256(url.encode()).hexdigest()[:12]
        last = parts.path.rstrip("/").rpartition("/")[2] or "list"
        word = re.sub(r"[^A-Za-z0-9._-]", "_", f"{parts.hostname}-{last}")[:80]
        return self._folder / f"{word}-{digest}.txt"

    def load(self, url: str) -> DownloadState:
        """The state of a URL; empty where it is missing or damaged, or the list is missing."""
        try:
            state = DownloadState.model_validate_json(read_whole(self._state_file(url)))
        except (OSError, ValidationError):
            return DownloadState(url=url)
        if state.url != url or (state.sha256 is not None and not self.path(url).is_file()):
            return DownloadState(url=url)
        return state

    def save(self, state: DownloadState) -> None:
        """Writes the state atomically; raises ``OSError``."""
        self.create_folder()
        durable.write_text(self._state_file(state.url), state.model_dump_json(indent=1) + "\n")

    def create_folder(self) -> None:
        """Creates the folder; raises ``OSError``."""
        self._folder.mkdir(parents=True, exist_ok=True)

    def remove_unused(self, urls: Collection[str]) -> None:
        """Removes files of URLs that no list names; drafts of running downloads stay."""
        named = {self.path(url).name for url in urls} | {self._state_file(url).name for url in urls}
        for file in self._folder.glob("[!.]*"):
            if file.name not in named:
                file.unlink(missing_ok=True)

    def remove_drafts(self) -> None:
        """Removes drafts of a killed process; no download may be running."""
        durable.remove_drafts(self._folder)

    def _state_file(self, url: str) -> Path:
        return self.path(url).with_suffix(".json")
