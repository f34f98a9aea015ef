"""Restores a backup: all of it, or nothing.

It is checked as a whole, unpacked into a folder beside the data folder, made ready there, and then
takes its name. What was there before is kept.
"""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from keyhole.control.backup.carried_over import ENROLLMENTS, CarriedOver
from keyhole.control.backup.carry_over import carry_over
from keyhole.control.backup.drafts import draft_beside, remove_stale_drafts
from keyhole.control.backup.error import BackupError
from keyhole.control.backup.manifest import DATA, ELSEWHERE, POSTGRESQL, SETTINGS, Manifest
from keyhole.control.backup.paths import write_paths
from keyhole.control.backup.place import Placing
from keyhole.control.backup.reader import read_backup
from keyhole.control.backup.unpack import Unpacker, check_room, give_to
from keyhole.control.data_folder import ENGINE_LOCK, DataFolder
from keyhole.control.restore_record import RestoreRecord, write_restore_record
from keyhole.control.settings import read_settings
from keyhole.control.withdrawals import keep_for_start
from keyhole.errors import KeyholeError
from keyhole.identity.files import locked
from keyhole.identity.journal import Author, note
from keyhole.system import durable
from keyhole.system.end_signals import EndSignals, SignalExit, ended_by_exception
from keyhole.system.lock import is_held
from keyhole.system.regular_file import open_regular

_KEYHOLE_YAML = "keyhole.yaml"


@dataclass(frozen=True)
class RestoreRequest:
    """Where to restore: a data folder, and a file for settings that lay elsewhere."""

    data: DataFolder
    config: Path | None = None
    replace: bool = False
    author: Author | None = None


@dataclass
class Restored:
    """What was restored. ``replaced`` are the places where what was there before is kept, and
    ``notes`` what a person should know."""

    manifest: Manifest
    data: Path
    settings: Path
    replaced: list[Path] = field(default_factory=list)
    carried_over: CarriedOver = field(default_factory=CarriedOver)
    notes: list[str] = field(default_factory=list)


def restore(source: BinaryIO, name: str, request: RestoreRequest) -> Restored:
    """Restores the backup in an open file that can be read twice, ``name`` in messages. Raises
    `BackupError` and other ``KeyholeError``; then everything is as it was."""
    with ended_by_exception() as signals:
        try:
            return _restore(source, name, request, signals)
        except SignalExit as error:
            raise BackupError(f"{error.name} ended it; everything is as it was") from error


def _restore(source: BinaryIO, name: str, request: RestoreRequest, signals: EndSignals) -> Restored:
    target = Path(os.path.realpath(request.data.path))
    _check_target(target, request)
    manifest = read_backup(source, name)
    source.seek(0)
    config = _config(manifest, target, request)
    with _claimed(DataFolder(target)):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target if config.parent == target else config
            beside.parent.mkdir(parents=True, exist_ok=True)
            for place in (target, beside):
                remove_stale_drafts(place)
            check_room(manifest, target.parent)
            with draft_beside(target) as draft, draft_beside(beside) as settings:
                if read_backup(source, name, Unpacker(draft).take) != manifest:
                    raise BackupError(f"{name} changed while it was read")
                drafts = _Drafts(draft, settings)
                with _as_if_in(target, draft):
                    return _Restore(manifest, target, config, drafts, request).run(signals)
        except OSError as error:
            raise BackupError(
                f"cannot restore into {target}: {error.strerror or error}"
                f"{f' ({error.filename})' if error.filename else ''}; everything is as it was"
            ) from error


@dataclass(frozen=True)
class _Drafts:
    """What is unpacked, and settings for a folder of their own, which may be on another disk."""

    unpacked: Path
    settings: Path


def _check_target(target: Path, request: RestoreRequest) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise BackupError(f"{target} is not a folder")
    if os.path.ismount(target):
        raise BackupError(
            f"{target} is a mount point, which cannot be replaced in one step; give --data a "
            "folder in it"
        )
    if any(target.iterdir()) and not request.replace:
        raise BackupError(
            f"{target} is not empty; give --data another folder, or --replace, which keeps what is "
            "there under another name"
        )


def _config(manifest: Manifest, target: Path, request: RestoreRequest) -> Path:
    """Where the settings will be."""
    if not manifest.has(SETTINGS) or request.config is None:
        return target / _KEYHOLE_YAML
    given = request.config.absolute()
    # Where it really is: compared with the data folder, whose links are followed as well.
    config = Path(os.path.realpath(given.parent)) / given.name
    if target.is_relative_to(config) or given.name == "..":
        raise BackupError(f"{request.config} is a folder; give --config a file for the settings")
    if config.is_relative_to(target) and config != target / _KEYHOLE_YAML:
        raise BackupError(
            f"{request.config} lies in the data folder, which is restored as a whole; give "
            f"--config {target / _KEYHOLE_YAML}, or a file outside of it"
        )
    return config


@contextmanager
def _claimed(data: DataFolder) -> Iterator[None]:
    """Keeps every Keyhole out of the folder. Raises ``ControlError`` while one runs."""
    if not data.state.is_dir():
        yield
        return
    with asyncio.run(data.claim()):
        with suppress(OSError):
            if is_held(data.state / ENGINE_LOCK):
                raise BackupError(f"an engine still runs with the data folder {data.path}; stop it")
        yield


@contextmanager
def _as_if_in(target: Path, draft: Path) -> Iterator[None]:
    """Errors name the folder that will be there, and not the draft, which is gone by then."""
    try:
        yield
    except BackupError:
        raise
    except (KeyholeError, OSError) as error:
        why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        where = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
        text = _without_draft(f"{why}{where}", draft, target)
        raise BackupError(
            f"cannot restore into {target}: {text}; everything is as it was"
        ) from error


def _without_draft(text: str, draft: Path, target: Path) -> str:
    return text.replace(str(draft / DATA), str(target)).replace(str(draft), str(target))


class _Restore:
    """One restore, from the unpacked backup in ``draft`` on."""

    def __init__(
        self,
        manifest: Manifest,
        target: Path,
        config: Path,
        drafts: _Drafts,
        request: RestoreRequest,
    ) -> None:
        self._manifest = manifest
        self._target = target
        self._config = config
        self._draft = drafts.unpacked
        self._settings = drafts.settings
        self._request = request
        self._now = datetime.now(UTC)
        self._new = DataFolder(self._draft / DATA)
        self._done = Restored(manifest, target, config)

    def run(self, signals: EndSignals) -> Restored:
        """Makes the folder ready, and puts it in place."""
        for one in (DATA, f"{DATA}/state", f"{DATA}/identity"):
            (self._draft / one).mkdir(exist_ok=True, mode=0o700)
        self._place_settings()
        self._place_elsewhere()
        old = DataFolder(self._target)
        written = self._written()
        write_paths(self._new.path, self._moved(), self._manifest.documents, self._config, written)
        self._done.carried_over = carry_over(
            self._new,
            old if old.identity.is_dir() else None,
            self._request.config or old.config,
            is_postgresql=self._manifest.database == POSTGRESQL,
        )
        with suppress(KeyholeError):  # an authority that was not whole when it was backed up
            keep_for_start(self._new)
        self._record()
        self._check_settings(written)
        self._new.protect()
        self._give()
        durable.sync_tree(self._draft)
        signals.ignore()
        self._place()
        self._explain()
        return self._done

    @property
    def _has_settings_elsewhere(self) -> bool:
        return self._config.parent != self._target

    def _written(self) -> Path:
        if self._has_settings_elsewhere:
            return self._settings / _KEYHOLE_YAML
        return self._new.config

    def _place_settings(self) -> None:
        """Settings that lay beside the data folder go into it, unless a place is given."""
        settings = self._draft / SETTINGS
        if self._has_settings_elsewhere:
            shutil.copytree(settings, self._settings, dirs_exist_ok=True)
            return
        if not settings.is_dir():
            return
        # File by file: a folder such as ``secrets`` may lie beside the settings and in the data.
        shutil.copytree(settings, self._new.path, dirs_exist_ok=True)
        shutil.rmtree(settings)

    def _place_elsewhere(self) -> None:
        """Nothing is written to a place that an archive names: it lies in the data folder, and the
        person is told."""
        for name, original in self._manifest.elsewhere.items():
            unpacked = self._draft / ELSEWHERE / name
            if not unpacked.exists() or _is_same(unpacked, Path(original)):
                continue
            place = self._new.path / ELSEWHERE / name
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            durable.rename(unpacked, place)
            kept = self._target / ELSEWHERE / name
            how = "differs from the backup" if _is_there(Path(original)) else "is not there"
            self._done.notes.append(f"{original} {how}; its content of then is in {kept}")

    def _moved(self) -> dict[str, Path]:
        old = self._manifest
        return {
            str(Path(old.settings).parent): self._config.parent,
            old.data: self._target,
            old.data_resolved: self._target,
        }

    def _record(self) -> None:
        done = self._done.carried_over
        record = RestoreRecord(
            restored=self._now,
            backup=self._manifest.time,
            keyhole=self._manifest.keyhole,
            has_later_revocations=done.is_known,
            not_known=tuple(done.unknown),
        )
        write_restore_record(self._new.path, record)
        author = self._request.author or Author.of_command()
        detail = {"backup": self._manifest.when, "taken_away": done.detail()}
        with locked(self._new.identity):
            note(self._new.identity, author, "restore", detail)

    def _check_settings(self, written: Path) -> None:
        try:
            read_settings(written)
        except KeyholeError as error:
            why = str(error).replace(str(written), str(self._config))
            text = f"the settings were not valid when they were backed up: {why}"
            self._done.notes.append(_without_draft(text, self._draft, self._target))

    def _give(self) -> None:
        place = self._target if self._target.exists() else self._target.parent
        give_to(self._new.path, place.stat())
        if self._has_settings_elsewhere:
            for one in self._settings.iterdir():
                place = self._place_of(one)
                owner = (place if place.exists() else place.parent).stat()
                give_to(one, owner)
                for path in (one, *one.rglob("*")):
                    if path.is_dir():
                        path.chmod(place.parent.stat().st_mode & 0o777)
            durable.sync_tree(self._settings)

    def _place(self) -> None:
        """Gives everything its name, the data folder last."""
        pairs = [(self._new.path, self._target)]
        if self._has_settings_elsewhere:
            found = sorted(self._settings.iterdir())
            pairs = [*((one, self._place_of(one)) for one in found), *pairs]
        placing = Placing(self._now, may_replace=self._request.replace)
        placing.put(pairs)
        self._done.replaced = placing.replaced

    def _place_of(self, one: Path) -> Path:
        """Where a file or folder beside the settings will be."""
        name = self._config.name if one.name == _KEYHOLE_YAML else one.name
        return self._config.with_name(name)

    def _explain(self) -> None:
        done, manifest = self._done.carried_over, self._manifest
        notes = self._done.notes
        if self._request.config is not None and not manifest.has(SETTINGS):
            notes.append(f"the settings were in the data folder, and are in {self._config}")
        if manifest.database == POSTGRESQL:
            notes.append("the database is not in it: restore it with pg_restore")
        notes.extend(done.notes)
        # Enrollments that may have been used were removed: none is trusted again.
        if trusted := [one for one in done.unknown if one != ENROLLMENTS]:
            notes.append(
                f"what was revoked after {manifest.when} is not in it, and trusted again: revoke "
                f"that once more ({', '.join(trusted)}; keyhole identity revoke, keyhole token "
                "revoke)"
            )
        if self._now < manifest.time:
            notes.append("the clock of this machine says a time before the backup; set it")


def _is_same(one: Path, other: Path) -> bool:
    try:
        with open_regular(one) as first, open_regular(other) as second:
            while (octets := first.read(2**18)) == second.read(2**18):
                if not octets:
                    return True
    except OSError:
        pass
    return False


def _is_there(path: Path) -> bool:
    """Whether there is anything, as far as this process can see: the path may be one of another
    machine, too long here or in a folder of somebody else."""
    with suppress(OSError):
        return path.exists()
    return False
