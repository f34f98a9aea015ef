"""Section F, operations: a start needs the last good snapshot and nothing else."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keyhole.identity import Authority as OwnAuthority
from tests.world.certificates import Authority
from tests.world.process import Program, call_keyhole
from tests.world.used_folder import UsedFolder, clock, fill, mounted
from tests.world.waiting import PATIENCE, until

_LONG_AGO = datetime.now(UTC) - timedelta(days=4000)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[UsedFolder]:
    folder = UsedFolder(tmp_path_factory.mktemp("used"), authority)
    try:
        yield folder
    finally:
        folder.resolver.stop()


@pytest.fixture
def used(kept: UsedFolder) -> Iterator[UsedFolder]:
    """A folder that was used, whole, and not running."""
    kept.restore()
    yield kept
    kept.resolver.stop()


def _overwrite(*names: str) -> Callable[[Path], None]:
    def damage(data: Path) -> None:
        for name in names:
            for file in data.glob(name):
                file.write_bytes(b"\0\x01garbage" * 3)

    return damage


def _write(name: str, text: str) -> Callable[[Path], None]:
    def damage(data: Path) -> None:
        (data / name).write_text(text)

    return damage


def _remove(*names: str) -> Callable[[Path], None]:
    def damage(data: Path) -> None:
        for name in names:
            for path in data.glob(name):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    return damage


def _expire(data: Path) -> None:
    old = data.parent / "old" / "identity"
    OwnAuthority.open(old, now=_LONG_AGO)
    for file in old.glob("*.pem"):
        shutil.copy(file, data / "identity")


def _tear_history(data: Path) -> None:
    (rows, *_) = (data / "log" / "history").glob("day=*/*.rows.parquet")
    rows.write_bytes(rows.read_bytes()[:-20])


DAMAGES = {
    "an expired authority": (_expire, ["root certificate", "expired"]),
    "a damaged authority": (_overwrite("identity/*.pem"), ["authority: failed", ".pem"]),
    "a missing documents folder": (
        _remove("documents"),
        ["documents: missing", "blocking: on", "lists: those of the last good snapshot"],
    ),
    "an empty documents folder": (_remove("documents/*"), ["documents: missing"]),
    "an empty database": (_write("control.db", ""), ["database: missing", "empty"]),
    "a missing database": (_remove("control.db*"), ["database: missing", "gone"]),
    "a damaged database": (_overwrite("control.db"), ["database: failed"]),
    "a missing database and copy": (
        _remove("control.db*", "state/stored", "state/documents-*"),
        ["database: missing", "documents: missing"],
    ),
    "a missing copy of what was stored": (
        _remove("state/stored", "state/documents-*", "state/withdrawn.json"),
        [],
    ),
    "a missing authority": (_remove("identity"), ["authority: missing", "root.pem is gone"]),
    "a missing authority and record": (
        _remove("identity", "installation.json"),
        ["authority: missing", "root.pem is gone"],
    ),
    "missing documents and record": (
        _remove("documents", "installation.json"),
        ["documents: missing"],
    ),
    "a damaged history segment": (_tear_history, ["history: failed", "set aside"]),
    "a damaged snapshot": (_overwrite("state/snapshot.json"), ["last good snapshot: mended"]),
    "missing settings": (_remove("keyhole.yaml"), ["settings: missing"]),
    "empty settings": (_write("keyhole.yaml", ""), ["settings: missing"]),
    "settings that are not valid": (
        _write("keyhole.yaml", "listen: ["),
        ["settings: failed", "keyhole.yaml"],
    ),
    "documents that are not valid": (
        _write("documents/policy-home.yaml", "listen: ["),
        ["documents: failed", "policy-home.yaml"],
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_start_with_a_damaged_folder_answers_first_and_opens_nothing(
    used: UsedFolder, damage: str
) -> None:
    """F1, F2: what is missing or damaged costs nothing that the last good snapshot has."""
    act, words = DAMAGES[damage]
    act(used.data)
    # Settings that were edited are read before the engine starts: they may say where it listens.
    used.start(within=PATIENCE if damage == "settings that are not valid" else 0.0)
    used.status_says(*words)
    assert used.is_answered()
    used.assert_nothing_opens()


@pytest.mark.parametrize("offset", ["-1h", "+1h", "-31d", "+31d", "-30y", "+30y"])
def test_a_start_with_a_wrong_clock_answers_first_and_names_the_clock(
    used: UsedFolder, offset: str
) -> None:
    """F1: a clock that is wrong costs TLS at most, and is called wrong."""
    used.start(clock(offset))
    said = used.status_says("clock: failed", "the clock of this machine is wrong")
    assert ("ahead" if offset[0] == "+" else "behind") in said
    assert "remove" not in said
    assert "Traceback" not in used.resolver.program.output
    assert used.is_answered()
    used.assert_nothing_opens()


@pytest.mark.parametrize("offset", ["+31d", "+30y"])
def test_a_clock_that_is_ahead_costs_no_query_of_the_history(used: UsedFolder, offset: str) -> None:
    """F1: by such a clock everything that is kept for some time is too old."""

    def stored() -> set[Path]:
        return set((used.data / "log" / "history").glob("day=*/*.rows.parquet"))

    kept = stored()
    assert kept
    used.start(clock(offset))
    used.status_says("clock: failed")
    # Each round stores first and cleans up then; the second one begins after the first has ended.
    for number in range(2):
        before = stored()
        used.resolver.server.ask(f"n{number}.example.org")
        used.resolver.wait_for(lambda before=before: stored() - before, "the query is stored")
    assert kept <= stored()


def test_a_clock_that_is_ahead_costs_no_decision_that_ends_by_itself(used: UsedFolder) -> None:
    """F1: it blocks by such a clock as well, and ends by one that is believed."""
    used.start()
    used.resolver.wait_for_api()
    for name in ("timed", "other"):
        done = used.resolver.command("block", f"{name}.example.org", "--for", "10d")
        assert done.returncode == 0, done.stdout + done.stderr
        used.resolver.stop()
        used.start(clock("+31d") if name == "timed" else None)
        assert used.resolver.server.ask(f"{name}.example.org").rcode == "NXDOMAIN"
        used.resolver.wait_for_api()
    assert used.resolver.server.ask("timed.example.org").rcode == "NXDOMAIN"
    assert "timed.example.org" in used.resolver.command("decisions").stdout


@contextmanager
def _full_disk(data: Path) -> Iterator[None]:
    copy = data.with_name("copy")
    shutil.copytree(data, copy, symlinks=True)
    with mounted(data, "-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs"):
        shutil.copytree(copy, data, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(copy)
        fill(data)
        yield


@contextmanager
def _read_only(data: Path) -> Iterator[None]:
    with mounted(data, "--bind", "-o", "ro", str(data)):
        if _is_writable(data):
            pytest.skip("this machine mounts nothing read-only")
        yield


def _is_writable(folder: Path) -> bool:
    try:
        (folder / "probe").touch()
    except OSError:
        return False
    return True


DISKS: dict[str, tuple[Callable[[Path], AbstractContextManager[None]], str]] = {
    "a full disk": (_full_disk, "No space left on device"),
    "a read-only data folder": (_read_only, "Read-only file system"),
}


@pytest.mark.parametrize("disk", DISKS)
def test_a_start_that_can_write_nothing_answers_first_and_names_the_disk(
    used: UsedFolder, disk: str
) -> None:
    """F1: nothing needs to be written before the first answer, nor after it."""
    make, why = DISKS[disk]
    with make(used.data):
        try:
            # Also about what is written while modules are loaded.
            used.start(begin=Program.keyhole)
            used.status_says("disk: failed", why)
            assert used.is_answered()
            used.assert_nothing_opens()
        finally:
            used.resolver.stop()


TOGETHER = [
    ("-30y", "a full disk", "an empty database"),
    ("-1h", "a full disk", "a damaged authority"),
    ("+31d", "a full disk", "a missing documents folder"),
    ("-31d", "a read-only data folder", "a damaged snapshot"),
    ("+30y", "a read-only data folder", "a missing authority"),
    ("+1h", "a read-only data folder", "missing settings"),
    ("-30y", None, "a damaged history segment"),
    ("+31d", None, "a missing database and copy"),
]


@pytest.mark.parametrize(("offset", "disk", "damage"), TOGETHER)
def test_a_start_with_several_things_wrong_answers_first_and_names_each(
    used: UsedFolder, offset: str, disk: str | None, damage: str
) -> None:
    """F1, F2: none of them hides another one."""
    act, words = DAMAGES[damage]
    act(used.data)
    make, why = DISKS[disk] if disk else (nullcontext, "")
    with make(used.data):
        try:
            used.start(clock(offset))
            used.status_says("clock: failed", *words, *([why] if disk else []))
            assert used.is_answered()
            used.assert_nothing_opens()
        finally:
            used.resolver.stop()


REMAINS: dict[str, tuple[Callable[[Path], None], str]] = {
    "no snapshot and no authority": (_remove("identity", "state/*snapshot*"), "root.pem is gone"),
    "documents and database": (
        _remove("installation.json", "identity", "state", "log"),
        "root.pem is gone",
    ),
    "the log": (_remove("installation.json", "state", "control.db*", "documents"), "documents in"),
    "the authority": (
        _remove("installation.json", "state", "control.db*", "documents", "log"),
        "documents in",
    ),
}


@pytest.mark.parametrize("remains", REMAINS)
def test_a_folder_that_was_restored_in_part_is_not_taken_for_a_new_one(
    used: UsedFolder, remains: str
) -> None:
    """F1, F2: also where the record of what it had is lost. Queries are refused, not ignored."""
    act, words = REMAINS[remains]
    act(used.data)
    assert "disk" not in call_keyhole("status", "--data", str(used.data)).stdout
    log = used.data.with_suffix(".log")
    used.resolver.run(Program.forked("up", "--data", str(used.data), log=log))
    used.status_says(words)
    assert not (used.data / "documents" / "upstreams.yaml").exists()
    used.assert_refused_or_blocked()


def test_a_folder_in_which_only_a_token_was_made_is_a_new_one(tmp_path: Path) -> None:
    """F2, the other way: a first run is a first run."""
    data = tmp_path / "data"
    data.mkdir()
    made = call_keyhole("token", "create", "tv", "--data", str(data))
    assert made.returncode == 0, made.stderr
    assert call_keyhole("status", "--data", str(data)).stdout.count("missing") == 0
    log = tmp_path / "first.log"
    # The default ports may be in use here; what it writes comes before it listens.
    program = Program.forked("up", "--data", str(data), log=log)
    try:
        until((data / "documents" / "upstreams.yaml").exists, "the defaults are written")
        assert (data / "keyhole.yaml").exists()
    finally:
        program.stop()


def test_status_names_what_is_wrong_with_a_folder_that_does_not_run(used: UsedFolder) -> None:
    """F2: also before the next start."""
    _remove("control.db*", "identity")(used.data)
    said = call_keyhole("status", "--data", str(used.data))
    assert said.returncode == 1
    assert "database: missing" in said.stdout
    assert "root.pem is gone" in said.stdout


def test_setup_says_what_is_lost_and_lets_a_missing_part_be_made_anew(used: UsedFolder) -> None:
    """F2: only this command starts a part afresh."""
    root = (used.data / "identity" / "root.pem").read_bytes()
    _remove("identity", "control.db*")(used.data)
    said = call_keyhole("setup", "--data", str(used.data))
    assert said.returncode == 1
    assert "root.pem is gone" in said.stdout
    assert "lost without it" in said.stdout
    made = call_keyhole("setup", "--new", "--data", str(used.data))
    assert made.returncode == 0, made.stdout + made.stderr
    used.start()
    used.resolver.wait_for(lambda: (used.data / "control.db").exists(), "a database is there")
    assert (used.data / "identity" / "root.pem").read_bytes() != root
    assert json.loads((used.data / "installation.json").read_text())["version"] == 1
