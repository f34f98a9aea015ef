"""A lock has one holder at a time, and a killed holder loses it."""

import fcntl
import signal
import stat
import subprocess
import sys
from pathlib import Path

from keyhole.system.lock import is_held, locked, try_lock

_HOLDER = (
    "import sys, time\nfrom pathlib import Path\nfrom keyhole.system.lock import locked\n"
    "with locked(Path(sys.argv[1])):\n    print('locked', flush=True)\n    time.sleep(60)\n"
)


def test_a_lock_excludes_others_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path):
        assert try_lock(path) is None
    held = try_lock(path)
    assert held is not None
    assert try_lock(path) is None
    held.close()
    with locked(path):
        pass


def test_who_looks_sees_the_holder_and_takes_no_other_look_for_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    assert not path.exists(), "a look makes no file"
    with locked(path):
        assert is_held(path)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # somebody who looks, too
        assert not is_held(path)
    assert not is_held(path)


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "locked\n"
        assert try_lock(path) is None
        child.send_signal(signal.SIGKILL)
    held = try_lock(path)
    assert held is not None
    held.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"):
        assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600
