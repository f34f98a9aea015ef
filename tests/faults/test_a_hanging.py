"""Section A, security: work that does not end holds up nothing else."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from keyhole.config import read_config_text
from keyhole.control import import_upload
from keyhole.control.changes import change
from keyhole.control.changes.change import Changes
from keyhole.control.clock import ClockRecord
from keyhole.control.compile import read_last_good
from keyhole.control.data_folder import DataFolder
from keyhole.control.document_pool import DocumentPool, StuckError
from keyhole.control.import_upload import Upload
from keyhole.control.lists import search_name
from keyhole.engine.launch import Launch
from keyhole.engine.runtime import Refusal
from keyhole.engine.withdrawal import Withdrawal
from keyhole.identity.error import IdentityError
from keyhole.identity.issuance_log import read_issued
from keyhole.identity.journal import read_journal
from keyhole.identity.revoked import read_revoked
from keyhole.querylog.counts import read_count_files
from keyhole.querylog.tail import Tail
from keyhole.system.installation import Installation
from tests.world import own_authority as own
from tests.world.planted import HANGING_FILES, plant
from tests.world.process import Program
from tests.world.resolver import Resolver, document
from tests.world.waiting import PATIENCE, until

NAMES = ("one", "two", "three")


class Hanging:
    """A resolver with a list on a system that hangs on demand."""

    def __init__(self, resolver: Resolver, place: Path) -> None:
        self.resolver = resolver
        self._gate = place / "gate"
        folder = resolver.documents / "hangs"
        folder.mkdir()
        (folder / "list.txt").write_text("ads.example.org\n")
        resolver.configure()
        resolver.write(
            document("List", "far", files=["hangs/list.txt"]),
            document("Policy", "home", default="allow", upstreams=["test"], lists=["far"]),
        )
        self._environment = {**plant(place / "plant", HANGING_FILES), "HANG": str(self._gate)}
        for name in NAMES:
            own.create_token(resolver, name)

    def start(self) -> None:
        data = str(self.resolver.folder)
        log = self._gate.parent / "hanging.log"
        program = Program.keyhole("up", "--data", data, log=log, **self._environment)
        self.resolver.run(program)

    def hang(self) -> None:
        self._gate.touch()

    def go_on(self) -> None:
        self._gate.unlink()

    def revoke(self, name: str) -> None:
        """Takes a token away: the command ends well only when the engine has it."""
        done = self.resolver.command("token", "revoke", name)
        assert done.returncode == 0, done.stdout + done.stderr

    def says(self, part: str) -> Callable[[], bool]:
        return lambda: f"{part}: stuck" in self.resolver.command("status").stdout


@pytest.fixture
def hanging(resolver: Resolver, tmp_path: Path) -> Hanging:
    return Hanging(resolver, tmp_path)


def test_a_file_on_a_system_that_hangs_holds_up_no_revocation(hanging: Hanging) -> None:
    """A4: neither while it is looked for changes, nor while the documents are read."""
    resolver = hanging.resolver
    hanging.start()
    resolver.settle()
    resolver.wait_for_api()
    hanging.hang()
    try:
        resolver.wait_for(hanging.says("watch of the documents"), "status says it")
        hanging.revoke("one")
        assert resolver.try_ask("probe.example.org") is not None
        for _ in range(8):
            assert resolver.api("GET", "/documents").status_code == 503
        hanging.revoke("two")
    finally:
        hanging.go_on()
    resolver.wait_for(lambda: not hanging.says("watch of the documents")(), "it goes on")
    resolver.write(document("Record", "later", name="later.example.org", a=["192.0.2.1"]))
    resolver.settle()


def test_a_start_on_a_system_that_hangs_serves_and_takes_revocations(hanging: Hanging) -> None:
    """A4, F1: by the last good snapshot; what was revoked meanwhile is refused."""
    resolver = hanging.resolver
    hanging.start()
    resolver.settle()
    resolver.stop()
    hanging.hang()
    try:
        hanging.start()
        resolver.wait_for(lambda: resolver.try_ask("probe.example.org"), "DNS is served")
        resolver.wait_for_api()
        hanging.revoke("three")
        for part in ("documents", "list refresh"):
            resolver.wait_for(hanging.says(part), f"status says it of {part}")
    finally:
        hanging.go_on()
    resolver.settle()


def test_a_conversion_that_does_not_end_is_given_up_and_keeps_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A4: others are refused until it has ended, and nothing is left then."""
    gate = threading.Event()

    def hang(_product: str, file: Path, *_: object, **__: object) -> str:
        gate.wait()
        return file.read_text()

    monkeypatch.setattr(import_upload, "import_file", hang)

    async def act() -> None:
        pool = DocumentPool(0.01, what="converting", hint="wait")
        with Upload(tmp_path, "settings.yaml") as upload:
            upload.file.write_text("text")
            with pytest.raises(StuckError, match="converting has not ended since"):
                await upload.convert(pool, "pihole", None)
        assert upload.file.exists()
        with Upload(tmp_path, "other.yaml") as other, pytest.raises(StuckError):
            await other.convert(pool, "pihole", None)
        assert not other.file.parent.exists()
        gate.set()
        await asyncio.to_thread(until, lambda: pool.stuck is None, "it has ended")
        await asyncio.to_thread(until, lambda: not upload.file.parent.exists(), "nothing is left")

    asyncio.run(act())


def _refused(*errors: type[Exception]) -> Callable[[Callable[[], object]], None]:
    def check(read: Callable[[], object]) -> None:
        with pytest.raises(errors, match="FIFO"):
            read()

    return check


def _ends(read: Callable[[], object]) -> None:
    read()


READERS: dict[str, tuple[Callable[[Path], object], Callable[[Callable[[], object]], None]]] = {
    "installation.json": (lambda data: Installation(data).parts(), _ends),
    "identity/revoked.json": (
        lambda data: read_revoked(data / "identity"),
        _refused(IdentityError),
    ),
    "identity/journal.jsonl": (
        lambda data: read_journal(data / "identity"),
        _refused(IdentityError),
    ),
    "identity/issued.jsonl": (
        lambda data: list(read_issued(data / "identity")),
        _refused(IdentityError),
    ),
    "state/launch.json": (
        lambda data: Launch.read(data / "state" / "launch.json"),
        _refused(Refusal),
    ),
    "state/withdrawn.json": (
        lambda data: Withdrawal.read(data / "state" / "withdrawn.json"),
        _refused(Refusal),
    ),
    "state/clock.json": (lambda data: ClockRecord.read(DataFolder(data)), _ends),
    "state/last-good.json": (lambda data: read_last_good(DataFolder(data)), _ends),
    "state/standing.json": (lambda data: DataFolder(data).read_overrides(), _ends),
    "state/snapshot.json": (
        lambda data: search_name(DataFolder(data), "example.org"),
        _refused(OSError),
    ),
    "log/queries.jsonl": (lambda data: list(Tail(data / "log").new()), _refused(OSError)),
    "log/counts.jsonl": (lambda data: read_count_files(data / "log"), _ends),
}


@pytest.mark.parametrize("name", READERS)
def test_a_fifo_in_the_place_of_a_file_of_ours_holds_up_nobody(tmp_path: Path, name: str) -> None:
    """A4: what every command and every start reads, too."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    os.mkfifo(file)
    read, check = READERS[name]

    def end(*_: object) -> None:
        raise AssertionError("it waits for a writer")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        check(lambda: read(tmp_path))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class _Still:
    documents = DocumentPool()


class _Somewhere:
    documents = Path()
    written = read_config_text("", "keyhole.yaml")[0]


def test_only_a_few_threads_read_documents_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A4: the others of the API are free to authenticate callers."""
    gate = threading.Event()

    def hang(_: Path) -> None:
        gate.wait()
        raise OSError

    monkeypatch.setattr(change, "declared_files", hang)
    monkeypatch.setattr(change, "READ_SECONDS", 0.01)

    changes = Changes(None, _Somewhere(), None, _Still())  # type: ignore[arg-type]
    before = threading.active_count()
    for _ in range(50):
        with pytest.raises(StuckError, match="takes too long"):
            changes.documents()
    assert threading.active_count() <= before + change.READERS
    gate.set()
    monkeypatch.setattr(change, "READ_SECONDS", 30.0)
    with pytest.raises(OSError):
        until(partial(_reads, changes), "they are read again")


def test_a_reading_that_never_began_hides_none_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A4: else each later caller would wait for its own, until no thread of the API is free."""
    gate, began = threading.Event(), threading.Event()

    def hang(_: Path) -> None:
        began.set()
        gate.wait()
        raise OSError

    monkeypatch.setattr(change, "declared_files", hang)
    monkeypatch.setattr(change, "READERS", 1)
    monkeypatch.setattr(change, "READ_SECONDS", 0.2)
    changes = Changes(None, _Somewhere(), None, _Still())  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as caller:
        first = caller.submit(_reads, changes)
        assert began.wait(30)
        assert not _reads(changes), "it waits behind the first one, and is taken back"
        assert not first.result()
    hanging = changes._late
    assert hanging is not None
    assert not hanging.done()
    gate.set()


def _reads(changes: Changes) -> bool:
    try:
        changes.documents()
    except StuckError:
        return False
    return True
