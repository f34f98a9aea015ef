"""Which files of a Keyhole belong into a backup.

A restored Keyhole must filter at once and without the internet. So the last good snapshot, the
compiled lists and the downloads belong to it; locks, sockets, drafts and logs do not.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from keyhole.config import read_documents
from keyhole.config.files import EXTENSIONS
from keyhole.control.backup.manifest import DATA, ELSEWHERE, SETTINGS, LeftOut
from keyhole.control.data_folder import ENGINE_LOCK, UPLOAD, DataFolder
from keyhole.control.settings import Settings

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_OF_A_RUN = {"lock", ENGINE_LOCK, "clock.json", "draft.json", "probe", "stored"}
"""In the state folder: what belongs to one run or one machine. The link ``stored`` is made again.
A clock is not compared with the one of the machine before."""


@dataclass
class Contents:
    """The files of one Keyhole, by their name in the backup, in groups; and what is left out."""

    settings: Settings
    data: DataFolder
    left_out: list[LeftOut] = field(default_factory=list)
    elsewhere: dict[str, str] = field(default_factory=dict)

    @property
    def has_settings_beside(self) -> bool:
        """Whether the settings lie outside of the data folder."""
        return not _is_below(self.settings.file, self.data.path)

    def state(self) -> Iterator[tuple[str, Path]]:
        """The state folder; lists and snapshots are found by whoever reads them together."""
        for name, path in self._walk(self.data.state, f"{DATA}/state"):
            first = name.split("/")[2]
            if first in _OF_A_RUN or first.startswith((UPLOAD, "documents-", "draft")):
                continue
            yield name, path
        if self.data.stored.is_symlink():
            folder = self.data.stored.resolve()
            yield from self._walk(folder, f"{DATA}/state/{folder.name}")

    def identity(self) -> Iterator[tuple[str, Path]]:
        """Authority, keys, certificates, tokens, revocations, enrollments, journal."""
        yield from self._walk(self.data.identity, f"{DATA}/identity")

    def history(self) -> Iterator[tuple[str, Path]]:
        """The query log and its history. What says how far the log was read comes first: rows that
        are newer are read again, and none is lost."""
        found = sorted(
            self._walk(self.data.query_log.parent, f"{DATA}/log"),
            key=lambda one: (one[1].suffix == ".parquet", one[1].suffix == ".jsonl", one[0]),
        )
        yield from found

    def rest(self) -> Iterator[tuple[str, Path]]:
        """All else in the data folder, documents and files beside settings that lie elsewhere, and
        what settings and documents name anywhere else."""
        own = {"state", "identity", "log", "run", self.data.database.name}
        own |= {f"{self.data.database.name}{end}" for end in ("-wal", "-shm", "-journal")}
        beside = dict(self._beside()) if self.has_settings_beside else {}
        hidden = {name.split("/")[1] for name in beside}
        for name in sorted(_names(self.data.path)):
            if name in own or name.startswith("."):
                continue
            if name in hidden:
                why = f"not in use: the settings are in {self.settings.file.absolute().parent}"
                self.left_out.append(LeftOut(path=str(self.data.path / name), why=why))
                continue
            yield from self._walk(self.data.path / name, f"{DATA}/{name}")
        yield from beside.items()
        yield from self._named()

    def _beside(self) -> Iterator[tuple[str, Path]]:
        folder = self.settings.file.absolute().parent
        yield f"{SETTINGS}/keyhole.yaml", self.settings.file
        for path in (self.settings.documents, *_files_of(self.settings)):
            if _is_below(path, folder) and not _is_below(path, self.data.path):
                yield from self._walk(path, f"{SETTINGS}/{path.relative_to(folder)}")

    def _named(self) -> Iterator[tuple[str, Path]]:
        places = [self.data.path]
        if self.has_settings_beside:
            places.append(self.settings.file.absolute().parent)
        wanted = [*_files_of(self.settings)]
        folder = self.settings.documents
        if not any(_is_below(folder, place) for place in places):
            wanted.insert(0, folder)
        places.append(folder)
        documents, _ = read_documents([one for one in (folder,) if one.exists()])
        outside = [
            path
            for path in dict.fromkeys([*wanted, *documents.watched_files()])
            if path == folder or not any(_is_below(path, place) for place in places)
        ]
        for number, path in enumerate(outside, start=1):
            if path == folder and _is_below(folder, places[0]):
                continue
            name = f"{ELSEWHERE}/{number}/{path.name}"
            found = list(self._walk(path, name))
            if found:
                self.elsewhere[f"{number}/{path.name}"] = str(path)
            yield from found

    def _walk(self, path: Path, name: str) -> Iterator[tuple[str, Path]]:
        """The regular files below a path, which may itself be a link to a folder."""
        try:
            kind = path.stat().st_mode
        except FileNotFoundError:
            if path.is_symlink():
                self._leave(path, "a link that leads nowhere")
            return
        if not _is_utf8(name):
            self._leave(path, "its name is not UTF-8")
        elif stat.S_ISDIR(kind):
            for one in sorted(os.scandir(path), key=lambda entry: entry.name):
                yield from self._entry(one, f"{name}/{one.name}")
        elif stat.S_ISREG(kind):
            yield name, path
        else:
            self._leave(path, _KINDS.get(stat.S_IFMT(kind), "not a regular file"))

    def _entry(self, one: "os.DirEntry[str]", name: str) -> Iterator[tuple[str, Path]]:
        if one.name.startswith(".") or Path(one.path) == self.data.stored:
            return  # drafts, locks, and what editors and config maps keep for themselves
        if one.is_symlink() and (one.is_dir() or one.name.endswith(EXTENSIONS)):
            # Documents that are links are not read; as files they would be.
            self._leave(Path(one.path), f"a link to {Path(one.path).readlink()}")
            return
        yield from self._walk(Path(one.path), name)

    def _leave(self, path: Path, why: str) -> None:
        shown = str(path).encode(errors="backslashreplace").decode()
        text = why.encode(errors="backslashreplace").decode()
        self.left_out.append(LeftOut(path=shown, why=text))


def _names(folder: Path) -> list[str]:
    return [one.name for one in os.scandir(folder)]


def _files_of(settings: Settings) -> Iterator[Path]:
    """The files that settings name, and the folder with the certificate of a linked engine."""
    resolved, folder = settings.resolved, settings.file.absolute().parent
    traces = settings.written.traces.ca
    control = resolved.control_server
    found = (
        resolved.tls.certificate,
        resolved.tls.key,
        resolved.api.certificate,
        resolved.api.key,
        resolved.api.client_secret,
        resolved.downloads_ca,
        resolved.database if isinstance(resolved.database, Path) else None,
        folder / Path(traces).expanduser() if traces else None,
        control.identity if control else None,
    )
    yield from dict.fromkeys(one for one in found if one is not None)


def _is_below(path: Path, folder: Path) -> bool:
    """Whether a path lies in a folder, as written or once links are followed."""
    plain = Path(os.path.normpath(path.absolute()))
    return plain.is_relative_to(folder.absolute()) or plain.is_relative_to(folder.resolve())


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
