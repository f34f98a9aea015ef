"""A lab for one run, in a process of its own."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keyhole.system.parent_death import environment_for_child
from keyhole.verify.error import VerifyError

_READY_SECONDS = 240.0
_END_SECONDS = 20.0
# It ends by itself where nobody is left to end it.
_MAX_SECONDS = 1800


@contextmanager
def own_lab() -> Iterator[dict[str, Any]]:
    """Starts ``keyhole lab`` in a temporary folder, and ends it after the block. Gives the content
    of its ready file. Raises `VerifyError` with its output where it does not start."""
    with tempfile.TemporaryDirectory(prefix="keyhole-verify-") as folder:
        ready, log = Path(folder) / "ready.json", Path(folder) / "lab.log"
        command = [sys.executable, "-m", "keyhole", "lab", "--seconds", str(_MAX_SECONDS)]
        command += ["--ready-file", str(ready), "--data", str(Path(folder) / "data")]
        with log.open("wb") as output:
            lab = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Also where this process is killed.
                env=environment_for_child(),
            )
        try:
            _wait(lab, ready, log)
            yield json.loads(ready.read_text(encoding="utf-8"))
        finally:
            lab.terminate()
            try:
                lab.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                lab.kill()
                lab.wait()


def _wait(lab: "subprocess.Popen[bytes]", ready: Path, log: Path) -> None:
    end = time.monotonic() + _READY_SECONDS
    while not ready.exists():
        if lab.poll() is not None or time.monotonic() > end:
            said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
            raise VerifyError("the lab did not start:\n" + "\n".join(said))
        time.sleep(0.1)


def attached_lab(ready: Path) -> dict[str, Any]:
    """The content of the ready file of a lab that runs already."""
    try:
        content = json.loads(ready.read_text(encoding="utf-8"))
        return {key: content[key] for key in _KEYS}
    except OSError as error:
        raise VerifyError(
            f"cannot read {ready}: {error.strerror}; start one with keyhole lab --ready-file"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise VerifyError(
            f"{ready} is not the ready file of a lab; keyhole lab --ready-file FILE writes one"
        ) from error


_KEYS = (
    "dns",
    "forwarder",
    "internet",
    "api",
    "metrics",
    "workloads",
    "blocked_example",
    "ca",
    "data",
)
