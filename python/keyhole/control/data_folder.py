"""The data folder: all files of one Keyhole."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from keyhole.control.error import ControlError, UnwritableError
from keyhole.system import durable
from keyhole.system.durable import PRIVATE_FILE, Mode
from keyhole.system.folders import mend, mend_alone
from keyhole.system.installation import Installation
from keyhole.system.lock import is_held, try_lock
from keyhole.system.regular_file import read_whole

if TYPE_CHECKING:
    from keyhole.model.overrides import Overrides

_LOCK_RETRY_SECONDS = 0.05
_LOOK_SECONDS = 0.2
"""Longer than a command holds the lock that only wants to know whether somebody else does."""
UPLOAD = "import-"
"""The beginning of the names of folders with files that are uploaded, in the state folder."""
_PROBE_OCTETS = 4096
ENGINE_LOCK = "engine.lock"
"""Held by an engine process as long as it runs; beside its launch document."""


def default_data_folder() -> Path:
    """``$KEYHOLE_DATA``, else ``/var/lib/keyhole`` for root, else below the home folder."""
    if given := os.environ.get("KEYHOLE_DATA"):
        return Path(given)
    if os.geteuid() == 0:
        return Path("/var/lib/keyhole")
    return Path.home() / ".local" / "share" / "keyhole"


@dataclass(frozen=True)
class DataFolder:
    """The paths in one data folder; only the methods access the disk."""

    path: Path
    assumed: frozenset[str] = frozenset()
    """What it is taken to have had where there is no record of that."""

    @property
    def config(self) -> Path:
        """The process settings, unless ``--config`` names another file."""
        return self.path / "keyhole.yaml"

    @property
    def identity(self) -> Path:
        """Keyhole's own authority and its records."""
        return self.path / "identity"

    @property
    def state(self) -> Path:
        """Files that Keyhole can make again: compiled forms of the documents."""
        return self.path / "state"

    @property
    def snapshot(self) -> Path:
        """The last good snapshot; an engine starts from it without control."""
        return self.state / "snapshot.json"

    @property
    def snapshot_copy(self) -> Path:
        """The same once more, for an engine that finds the first one damaged."""
        return self.state / "snapshot-copy.json"

    @property
    def settings_copy(self) -> Path:
        """The last good settings, for a start without a good ``keyhole.yaml``."""
        return self.state / "settings.yaml"

    @property
    def clock(self) -> Path:
        """The last known good time; see ``keyhole.control.clock``."""
        return self.state / "clock.json"

    @property
    def installation(self) -> Installation:
        """What this folder has had."""
        return Installation(self.path, self.assumed)

    @property
    def last_good(self) -> Path:
        """The same as documents alone gave it, so that pauses and decisions can be laid over it
        while the documents are not valid."""
        return self.state / "last-good.json"

    @property
    def withdrawn(self) -> Path:
        """What was taken away since; an engine lays it over the last good snapshot."""
        return self.state / "withdrawn.json"

    @property
    def draft(self) -> Path:
        """A compiled snapshot that is not committed yet."""
        return self.state / "draft.json"

    @property
    def launch(self) -> Path:
        """The launch document of the engine; see ``keyhole.engine.launch``."""
        return self.state / "launch.json"

    @property
    def first_password(self) -> Path:
        """The hash of the password that ``keyhole setup`` was given, until the first start."""
        return self.path / "first-password"

    @property
    def client_names(self) -> Path:
        """Names of clients that were learned; see ``keyhole.control.learning``."""
        return self.state / "client-names.json"

    @property
    def query_log(self) -> Path:
        """The query log; the engine writes it, and its older half beside it."""
        return self.path / "log" / "queries.jsonl"

    @property
    def database(self) -> Path:
        """The database: documents in all versions, and the audit record."""
        return self.path / "control.db"

    @property
    def stored(self) -> Path:
        """A copy of the stored documents as files, for compiling; the database is authoritative."""
        return self.state / "stored"

    @property
    def stored_folders(self) -> list[Path]:
        """The folder of stored documents, if there are any."""
        return [self.stored] if self.stored.is_dir() else []

    @property
    def kubernetes(self) -> Path:
        """A copy of the documents that are objects of Kubernetes, as they are in force."""
        return self.state / "kubernetes"

    @property
    def overrides(self) -> Path:
        """A copy of the pauses and decisions, for compiling; the database is authoritative."""
        return self.state / "standing.json"

    def read_overrides(self) -> "Overrides":
        """Reads that copy; without a readable copy there are no overrides, so that all blocking
        rules apply."""
        # Imported here, so that most commands need no pydantic.
        from keyhole.model.overrides import Overrides

        try:
            return Overrides.model_validate_json(read_whole(self.overrides))
        except (OSError, ValueError):
            return Overrides()

    @property
    def api_socket(self) -> Path:
        """The socket for commands on this machine."""
        return self.path / "run" / "api.sock"

    @property
    def link_socket(self) -> Path:
        """The socket between control and the local engine."""
        return self.path / "run" / "link.sock"

    @property
    def history(self) -> Path:
        """The searchable query history, built from the query log."""
        return self.path / "log" / "history"

    @property
    def evidence(self) -> Path:
        """The evidence chain, and the key that signs it."""
        return self.path / "evidence"

    @property
    def evidence_head(self) -> Path:
        """How far the evidence chain reached."""
        return self.state / "evidence-head.json"

    def protect(self) -> None:
        """Takes the rights of others away from what only Keyhole reads: an older version, a restore
        or a copy may have given them."""
        mend_alone(self.path)
        for folder in (
            self.state,
            self.query_log.parent,
            self.api_socket.parent,
            self.secrets,
            self.evidence,
        ):
            mend(folder)
        mend_alone(self.identity)
        for file in self.path.glob(f"{self.database.name}*"):
            mend_alone(file)

    @property
    def secrets(self) -> Path:
        """A folder for each secret that documents name."""
        return self.path / "secrets"

    def make(self) -> None:
        """Creates missing folders, for this user alone."""
        self.protect()
        try:
            self.state.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ControlError(
                f"cannot make the data folder {self.path}: {error.strerror}; "
                "give --data with a folder that this user may write"
            ) from error

    def is_claimed(self) -> bool:
        """Whether a Keyhole runs with this folder, or an engine that outlived it."""
        return any(is_held(self.state / name) for name in ("lock", ENGINE_LOCK))

    async def claim(self, seconds: float = _LOOK_SECONDS) -> BinaryIO:
        """Keeps a second Keyhole out of this folder for as long as the result is open.

        The system releases it when the process dies, however it dies. Waits at most ``seconds`` for
        one that is ending; raises :class:`ControlError` where it does not.
        """
        # Imported here, so that most commands need no event loop.
        import asyncio

        last = time.monotonic() + seconds
        while (lock := self._try_lock()) is None:
            if time.monotonic() >= last:
                raise ControlError(
                    f"another keyhole already runs with the data folder {self.path}; "
                    "stop it, or give --data with another folder"
                )
            await asyncio.sleep(_LOCK_RETRY_SECONDS)
        with suppress(OSError):  # they cost room only
            durable.remove_drafts(self.state)
            for upload in self.state.glob(f"{UPLOAD}*"):
                shutil.rmtree(upload, ignore_errors=True)
        return lock

    def _try_lock(self) -> BinaryIO | None:
        try:
            return try_lock(self.state / "lock")
        except OSError as error:
            raise ControlError(f"cannot lock {self.state}: {error.strerror}") from error


def check_exists(data: DataFolder) -> None:
    """Raises ``ControlError`` for a folder that does not exist: what a misspelled path holds is not
    nothing, and nothing must be made there."""
    if not data.path.is_dir():
        raise ControlError(
            f"{data.path} does not exist; run keyhole up once, or give --data with the folder of a "
            "Keyhole"
        )


def unwritable(data: DataFolder) -> str | None:
    """Why nothing can be written into the state folder, or where it is to be; none if it can. A
    command may look at the same time as control."""
    try:
        durable.try_to_write(data.state if data.state.is_dir() else data.path, _PROBE_OCTETS)
    except OSError as error:
        return (
            f"{data.path} cannot be written: {error.strerror}; queries are answered, and no change "
            "is kept until there is room"
        )
    return None


def write_durably(path: Path, content: bytes, mode: Mode = PRIVATE_FILE) -> None:
    """As `durable.write_bytes`; raises :class:`UnwritableError`."""
    with _write_errors(path):
        durable.write_bytes(path, content, mode)


def rename_durably(source: Path, target: Path) -> None:
    """As `durable.rename`; raises :class:`UnwritableError`."""
    with _write_errors(target):
        durable.rename(source, target)


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnwritableError(f"cannot write {path}: {error.strerror}") from error
