"""`keyhole doctor` on resolver, clock, limits, versions and folder of a machine."""

import os
import resource
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from keyhole.control.clock import ClockRecord
from keyhole.control.doctor import Sign, clock, versions
from keyhole.control.doctor.clock import look_at_clock
from keyhole.control.doctor.folder import look_at_folder
from keyhole.control.doctor.limits import look_at_limits
from keyhole.control.doctor.resolver import look_at_resolver
from keyhole.control.doctor.versions import look_at_versions
from keyhole.system import durable
from tests.world.certificates import DAY, Authority, Form
from tests.world.doctor import FakeRunning, case_of, lines

_ON_53 = "listen: {udp: ['127.0.0.1:53']}\n"
_SERVES_53 = {"udp": ["127.0.0.1:53"]}


def _resolv_conf(folder: Path, *servers: str) -> Path:
    file = folder / "resolv.conf"
    file.write_text("# ours\nsearch home\n" + "".join(f"nameserver {one}\n" for one in servers))
    return file


@pytest.mark.parametrize(
    ("settings", "servers", "sign", "words"),
    [
        (_ON_53, ["127.0.0.1"], Sign.WORKS, "ask Keyhole (127.0.0.1)"),
        (_ON_53, ["127.0.0.1", "192.0.2.1"], Sign.WARNING, "and others (127.0.0.1, 192.0.2.1)"),
        (_ON_53, ["192.0.2.1", "127.0.0.1"], Sign.WARNING, "not filtered"),
        (_ON_53, ["192.0.2.1"], Sign.NOTE, "ask 192.0.2.1, not Keyhole"),
        ("", ["192.0.2.1"], Sign.NOTE, "ask 192.0.2.1, not Keyhole"),
        (_ON_53, [], Sign.NOTE, "ask no server"),
        (_ON_53, ["fe80::1%eth0"], Sign.NOTE, "not Keyhole"),
    ],
)
def test_whom_programs_ask_is_told_and_never_wrong(
    tmp_path: Path, settings: str, servers: list[str], sign: Sign, words: str
) -> None:
    with case_of(tmp_path / "data", settings, FakeRunning(listeners=_SERVES_53)) as case:
        file = _resolv_conf(tmp_path, *servers)
        (found,) = look_at_resolver(case, file, tmp_path / "none")
    assert found.sign is sign
    assert words in found.seen


@pytest.mark.parametrize(
    ("running", "words"),
    [
        (None, "which does not run"),
        (FakeRunning(listeners={"udp": ["127.0.0.1:5353"]}), "does not listen there"),
        (FakeRunning(listeners={}), "does not listen there"),
    ],
)
def test_programs_that_ask_a_keyhole_that_does_not_serve_them_are_warned_of(
    tmp_path: Path, running: FakeRunning | None, words: str
) -> None:
    with case_of(tmp_path / "data", _ON_53, running) as case:
        (found,) = look_at_resolver(case, _resolv_conf(tmp_path, "127.0.0.1"), tmp_path / "none")
    assert found.sign is Sign.WARNING
    assert words in found.seen


def test_the_servers_behind_systemd_resolved_count(tmp_path: Path) -> None:
    behind = tmp_path / "behind"
    behind.mkdir()
    with case_of(tmp_path / "data", _ON_53, FakeRunning(listeners=_SERVES_53)) as case:
        file = _resolv_conf(tmp_path, "127.0.0.53")
        (hidden,) = look_at_resolver(case, file, tmp_path / "none")
        (found,) = look_at_resolver(case, file, _resolv_conf(behind, "127.0.0.1"))
    assert (hidden.sign, found.sign) == (Sign.NOTE, Sign.WORKS)
    assert "through systemd-resolved" in found.seen


def test_a_resolv_conf_that_is_a_fifo_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "resolv.conf")
    with case_of(tmp_path / "data", "") as case:
        (found,) = look_at_resolver(case, tmp_path / "resolv.conf")
    assert "a FIFO, not a regular file" in found.seen


def test_a_clock_before_the_build_of_keyhole_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with case_of(tmp_path, "") as case:
        assert [one.sign for one in look_at_clock(case)] == [Sign.WORKS]
        monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: 1_000_000_000.0))
        (found,) = look_at_clock(case)
    assert found.sign is Sign.WRONG
    assert "it says 2001-09-09" in found.seen
    assert "built or installed" in found.seen
    assert "timedatectl" in found.do[0]


def test_a_clock_before_the_last_run_or_the_authority_is_wrong(
    tmp_path: Path, authority: Authority
) -> None:
    tomorrow = ClockRecord.now().time + 2 * 86_400
    with case_of(tmp_path, "") as case:
        case.data.state.mkdir()
        record = {"time": tomorrow, "boot": "another", "since_boot": 1.0}
        durable.write_json(case.data.clock, record)
        (found,) = look_at_clock(case)
        assert "behind" in found.seen
        case.data.identity.mkdir()
        made = authority.make(Form(names=("x.example",), begins=3 * DAY))
        (case.data.identity / "root.pem").write_bytes(made.certificate.read_bytes())
        assert len([*look_at_clock(case)]) == 2


def test_fewer_open_files_than_connections_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with case_of(tmp_path, "limits: {connections: 5000}\n") as case:
        for hard, sign in ((5_000, Sign.WARNING), (6_000, Sign.WORKS)):
            monkeypatch.setattr(resource, "getrlimit", lambda _, hard=hard: (64, hard))
            assert [one.sign for one in look_at_limits(case)] == [sign]


def test_an_older_keyhole_that_still_runs_is_told(tmp_path: Path) -> None:
    with case_of(tmp_path, "", FakeRunning(version="0.0.9")) as case:
        found = [one for one in look_at_versions(case) if one.about == "running Keyhole"]
    assert [one.sign for one in found] == [Sign.WARNING]


def test_a_core_of_another_build_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with case_of(tmp_path, "") as case:
        assert Sign.WRONG not in [one.sign for one in look_at_versions(case)]
        monkeypatch.setattr(versions, "SNAPSHOT_VERSION", 99)
        found = [one for one in look_at_versions(case) if one.sign is Sign.WRONG]
    assert [one.about for one in found] == ["native core"]


def test_a_folder_is_looked_at_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    with case_of(tmp_path / "data", "") as case:
        before = sorted(case.data.path.rglob("*"))
        assert Sign.WRONG not in [one.sign for one in look_at_folder(case)]
        assert sorted(case.data.path.rglob("*")) == before
        case.data.path.chmod(0o755)
        assert any("mode 0755" in one.seen for one in look_at_folder(case))
        assert stat.S_IMODE(case.data.path.stat().st_mode) == 0o755, "it is told, not changed"


def test_a_folder_that_is_not_there_is_made_by_the_first_start(tmp_path: Path) -> None:
    with case_of(tmp_path / "a" / "b") as case:
        (found,) = look_at_folder(case)
    assert found.sign is Sign.WORKS
    assert not (tmp_path / "a").exists()


def test_a_file_in_place_of_the_folder_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with case_of(path) as case:
            assert [one.sign for one in look_at_folder(case)] == [Sign.WRONG]


@pytest.mark.parametrize(
    ("free", "files", "signs"),
    [
        (100 * 2**30, 10**6, [Sign.WORKS]),
        (2**30, 10**6, [Sign.WARNING]),
        (2**20, 10**6, [Sign.WRONG]),
        (100 * 2**30, 50, [Sign.WORKS, Sign.WRONG]),
        (100 * 2**30, 1_000, [Sign.WORKS, Sign.WARNING]),
        (100 * 2**30, None, [Sign.WORKS]),
    ],
)
def test_room_is_compared_with_what_log_and_history_may_need(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    free: int,
    files: int | None,
    signs: list[Sign],
) -> None:
    system = SimpleNamespace(
        f_bavail=free, f_frsize=1, f_files=0 if files is None else 10**7, f_favail=files or 0
    )
    monkeypatch.setattr(os, "statvfs", lambda path: system)
    with case_of(tmp_path / "data", "") as case:
        found = [one for one in look_at_folder(case) if one.about.startswith("room in")]
    assert [one.sign for one in found] == signs, lines(found)
