"""What the files hold that decide something, and how that differs from an earlier time."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keyhole.config.files import Source, read_text
from keyhole.control.changes.audit_detail import MAX_DIFFERENCE, MAX_DOCUMENTS, difference
from keyhole.control.changes.document_record import FileRecords, declared_files
from keyhole.control.data_folder import DataFolder
from keyhole.control.declared import KUBERNETES_FILE, declared_paths
from keyhole.control.settings import Settings
from keyhole.identity.journal import user_name
from keyhole.store.observed import ObservedItem
from keyhole.system.regular_file import open_regular

_PASSWORD = re.compile(r"://[^/@\s]*@")


@dataclass
class FileChange:
    """What has changed in one file; documents in it by kind and name."""

    place: str
    items: list[str] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    """The digest of each item that was there before."""
    after: dict[str, str] = field(default_factory=dict)
    """The digest of each item that is there now."""
    difference: str = ""

    @property
    def owner(self) -> str:
        """The system's user to whom the file belongs; for a removed one, its folder."""
        path = Path(self.place)
        for candidate in (path, *path.parents):
            try:
                return f"local:{user_name(candidate.stat().st_uid)}"
            except OSError:
                continue
        return "local:unknown"

    def detail(self) -> dict[str, Any]:
        """As the audit record keeps it."""
        labels = sorted({*self.before, *self.after})[:MAX_DOCUMENTS]
        return {
            "file": self.place,
            "documents": {one: self._word(one) for one in labels},
            "before": {one: self.before[one] for one in labels if one in self.before},
            "after": {one: self.after[one] for one in labels if one in self.after},
            **({"difference": self.difference[:MAX_DIFFERENCE]} if self.difference else {}),
        }

    def _word(self, item: str) -> str:
        if item not in self.before:
            return "created"
        return "changed" if item in self.after else "deleted"


class ObservedFiles:
    """The files of one Keyhole that decide something."""

    def __init__(self, settings: Settings, data: DataFolder) -> None:
        self._settings = settings
        self._data = data
        self._read_last: tuple[object, dict[str, ObservedItem]] | None = None
        """The documents of the last time, and the files that they are from."""

    def read(self, watched: Iterable[Path]) -> dict[str, ObservedItem]:
        """What they hold now: documents and settings with their text, other files by their
        digest alone."""
        folder = self._settings.documents
        by_file, _ = declared_files(declared_paths(self._settings, self._data))
        base = folder if folder.is_dir() else folder.parent
        if self._read_last is None or self._read_last[0] != (base, by_file):
            self._read_last = ((base, by_file), dict(_items(base, by_file)))
        found = dict(self._read_last[1])
        for path in {*self._own_files(), *watched} - {folder}:
            if digest := _digest_of(path):
                text = _settings_text(path) if path == self._settings.file else ""
                found[str(path)] = ObservedItem(str(path), digest, str(path), text)
        return found

    def _own_files(self) -> Iterator[Path]:
        """The settings, and the files that they name beside those that are watched."""
        resolved = self._settings.resolved
        api = resolved.api
        yield self._settings.file
        named = (api.certificate, api.key, api.client_secret, resolved.downloads_ca)
        yield from (path for path in named if path is not None)

    def is_of_authority(self, change: FileChange) -> bool:
        """Whether the file lies in the folder of our authority."""
        return Path(change.place).parent == self._data.identity


def _items(base: Path, by_file: Iterable[FileRecords]) -> Iterator[tuple[str, ObservedItem]]:
    for one in (one for records in by_file for one in records):
        digest, place = _digest(one.text.encode()), _place(base, one.file)
        yield one.label, ObservedItem(one.label, digest, place, one.text)


def _place(base: Path, file: str) -> str:
    return file if file.startswith(KUBERNETES_FILE) else str(base / file)


def changes_between(
    before: Mapping[str, ObservedItem], now: Mapping[str, ObservedItem]
) -> list[FileChange]:
    """What has changed, file by file. A document that has moved has changed in both files."""
    found: dict[str, FileChange] = {}
    for item in sorted({*before, *now}):
        old, new = before.get(item), now.get(item)
        if old == new:
            continue
        place = (new or old).place  # type: ignore[union-attr]  # one of them is there
        change = found.setdefault(place, FileChange(place))
        if old is not None:
            change.before[item] = old.digest
        if new is not None:
            change.after[item] = new.digest
            change.items.append(item)
        change.difference += _difference(item, old, new)
    return list(found.values())


def _difference(item: str, old: ObservedItem | None, new: ObservedItem | None) -> str:
    return difference(item, old.text if old else "", new.text if new else "")


def _settings_text(path: Path) -> str:
    """The settings without passwords in URLs; empty if they cannot be read."""
    text, _ = read_text(Source(path, path.name))
    return _PASSWORD.sub("://***@", text)


def _digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def _digest_of(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
