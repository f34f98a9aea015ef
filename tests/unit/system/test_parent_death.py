"""A process that is tied to its parent ends with it, however the parent ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_CHILD = (
    "import os, time\nfrom keyhole.system.parent_death import die_with_parent\n"
    "die_with_parent(); print(os.getpid(), flush=True); time.sleep(60)\n"
)
_ASKED = _CHILD.replace("die_with_parent", "die_if_asked")
_PARENT = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', sys.argv[1]])\n"
_ASKING = (
    "import subprocess, sys\nfrom keyhole.system.parent_death import environment_for_child\n"
    "subprocess.run([sys.executable, '-c', sys.argv[1]], env=environment_for_child())\n"
)


@pytest.mark.parametrize(
    ("by", "code"), [(_PARENT, _CHILD), (_ASKING, _ASKED)], ids=["by-itself", "asked"]
)
def test_the_child_of_a_killed_parent_ends(by: str, code: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", by, code], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert Path(f"/proc/{child}").exists()
        parent.send_signal(signal.SIGKILL)
        # The pipe ends when the last process that holds it has ended: the child.
        assert parent.stdout.read() == ""
    assert parent.returncode == -signal.SIGKILL
