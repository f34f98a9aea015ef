"""Which files of a Keyhole belong into a backup.

A restored Keyhole must filter at once and without the internet. So the last good snapshot, the
compiled lists and the downloads belong to it; locks, sockets, drafts and logs do not.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from keyhole.config import read_documents
from keyhole.config.files import EXTENSIONS
from keyhole.control.backup.error import BackupError
from keyhole.control.backup.manifest import DATA, ELSEWHERE, SETTINGS, LeftOut
from keyhole.control.data_folder import ENGINE_LOCK, UPLOAD, DataFolder
from keyhole.control.events.files import files_of
from keyhole.control.settings import Settings

_TRIES = 5
_KEYHOLE_YAML = "keyhole.yaml"
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
    _taken: set[Path] = field(default_factory=set)
    """Where every file lies that was found so far."""

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
        for _ in range(_TRIES):
            folder = self.data.stored.resolve()
            found = list(self._walk(folder, f"{DATA}/state/{folder.name}"))
            if folder == self.data.stored.resolve():
                break  # else a change has just put another folder in its place
        if self.data.stored.is_symlink():
            yield from found

    def identity(self) -> Iterator[tuple[str, Path]]:
        """Authority, keys, certificates, tokens, revocations, enrollments, journal."""
        yield from self._walk(self.data.identity, f"{DATA}/identity")

    def evidence(self) -> Iterator[tuple[str, Path]]:
        """The evidence chain and its key. Read before the history, so that no record speaks of
        queries that are not in the backup."""
        yield from self._walk(self.data.evidence, f"{DATA}/{self.data.evidence.name}")

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
        own = {"state", "identity", "log", "run", self.data.database.name, self.data.evidence.name}
        own.add(self.data.installation.path.name)  # was read first, or is newer than all the rest
        own |= {f"{self.data.database.name}{end}" for end in ("-wal", "-shm", "-journal")}
        for name in (one.name for one in _entries(self.data.path)):
            path = self.data.path / name
            if name in own or name.startswith(".") or self._is_unused(path):
                continue
            yield from self._walk(path, f"{DATA}/{name}")
        if self.has_settings_beside:
            self._taken.add(_place_of(self.settings.file))
            yield f"{SETTINGS}/{_KEYHOLE_YAML}", self.settings.file
        yield from self._named()

    def _is_unused(self, path: Path) -> bool:
        """Whether this is in the data folder what lies beside the settings in truth; then it is
        named as left out."""
        if path not in self._unused:
            return False
        self._leave(path, f"not in use: the settings are in {self._settings_folder}")
        return True

    @cached_property
    def _unused(self) -> set[Path]:
        if not self.has_settings_beside:
            return set()
        names = [Path(_KEYHOLE_YAML)]
        documents = _relative(self.settings.documents, self._settings_folder)
        if documents is not None and not _is_below(self.settings.documents, self.data.path):
            names.append(documents)
        return {self.data.path / one for one in names} - {self.data.path}

    @property
    def _settings_folder(self) -> Path:
        return self.settings.file.absolute().parent

    def _named(self) -> Iterator[tuple[str, Path]]:
        """What settings and documents name, and nothing has yielded yet."""
        folder = self.settings.documents
        # Those by command and by API, too: each may name files of its own.
        places = [one for one in (folder, *self.data.stored_folders) if one.exists()]
        documents, _ = read_documents(places)
        number = 0
        for path in dict.fromkeys([folder, *_files_of(self.settings), *documents.watched_files()]):
            name = self._name_beside(path) or f"{ELSEWHERE}/{number + 1}/{path.name}"
            found = [(member, file) for member, file in self._walk(path, name, is_new=True)]
            if found and name.startswith(f"{ELSEWHERE}/"):
                number += 1
                self.elsewhere[f"{number}/{path.name}"] = str(path)
            yield from found

    def _name_beside(self, path: Path) -> str | None:
        """The name of what lies in the data folder or beside the settings."""
        places = [(self.data.path, DATA)]
        if self.has_settings_beside:
            places.append((self._settings_folder, SETTINGS))
        for place, root in places:
            inner = _relative(path, place)
            if inner is not None:
                return "/".join((root, *inner.parts))
        return None

    def _walk(self, path: Path, name: str, *, is_new: bool = False) -> Iterator[tuple[str, Path]]:
        """The regular files below a path, which may itself be a link to a folder. ``is_new``: only
        those that were not found before."""
        try:
            kind = path.stat().st_mode
        except FileNotFoundError:
            if path.is_symlink():
                self._leave(path, "a link that leads nowhere")
            return
        except NotADirectoryError:
            return  # a document may name what cannot be
        except OSError as error:
            raise _unreadable(path, error) from error
        if not _is_utf8(name):
            self._leave(path, "its name is not UTF-8")
        elif stat.S_ISDIR(kind):
            for one in _entries(path):
                yield from self._entry(one, f"{name}/{one.name}", is_new=is_new)
        elif stat.S_ISREG(kind):
            place = _place_of(path)
            if not is_new or place not in self._taken:
                self._taken.add(place)
                yield name, path
        else:
            self._leave(path, _KINDS.get(stat.S_IFMT(kind), "not a regular file"))

    def _entry(
        self, one: "os.DirEntry[str]", name: str, *, is_new: bool
    ) -> Iterator[tuple[str, Path]]:
        if one.name.startswith(".") or Path(one.path) == self.data.stored:
            return  # drafts, locks, and what editors and config maps keep for themselves
        if self._is_unused(Path(one.path)):
            return
        if one.is_symlink() and (one.is_dir() or self._is_document(one)):
            self._leave(Path(one.path), f"a link to {Path(one.path).readlink()}")
            return
        yield from self._walk(Path(one.path), name, is_new=is_new)

    def _is_document(self, one: "os.DirEntry[str]") -> bool:
        """Documents that are links are not read; as files they would be. Any other file is what its
        link leads to."""
        places = (self.settings.documents, self.data.stored.resolve())
        return one.name.endswith(EXTENSIONS) and any(
            _is_below(Path(one.path), place) for place in places
        )

    def _leave(self, path: Path, why: str) -> None:
        shown = str(path).encode(errors="backslashreplace").decode()
        text = why.encode(errors="backslashreplace").decode()
        found = LeftOut(path=shown, why=text)
        if found not in self.left_out:
            self.left_out.append(found)


def check_names(names: Iterable[str]) -> None:
    """Raises `BackupError` where two files would have one place once what lies beside the settings
    is restored into the data folder."""
    inner = [one.partition("/") for one in names]
    beside = {name for root, _, name in inner if root == SETTINGS}
    within = {name for root, _, name in inner if root == DATA}
    for some, others in ((beside, within), (within, beside)):
        for name in sorted(some):
            for place in (name, *map(str, Path(name).parents)):
                if place in others:
                    raise BackupError(
                        f"{place} is in the data folder and beside the settings, and a restore "
                        "into one folder has room for one of them; move or rename the one that is "
                        "not in use"
                    )


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """What is in a folder, by name; nothing where a running Keyhole has just removed it."""
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda one: one.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(path: Path, error: OSError) -> BackupError:
    return BackupError(f"cannot read {path}: {error.strerror}; call it as the user of Keyhole")


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
        *files_of(settings),
        control.identity if control else None,
    )
    yield from dict.fromkeys(one for one in found if one is not None)


def _is_below(path: Path, folder: Path) -> bool:
    """Whether a path lies in a folder, as written or once links are followed."""
    return _relative(path, folder) is not None


def _relative(path: Path, folder: Path) -> Path | None:
    """The path within a folder in which it lies, as written or once links are followed."""
    plain = Path(os.path.normpath(path.absolute()))
    for place in (Path(os.path.normpath(folder.absolute())), folder.resolve()):
        if plain.is_relative_to(place):
            return plain.relative_to(place)
    return None


def _place_of(path: Path) -> Path:
    """One place for all paths to a name. Two names of a file are two places: each is needed."""
    return path.parent.resolve() / path.name


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
