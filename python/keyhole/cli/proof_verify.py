"""Runs ``keyhole verify`` for ``keyhole proof verify``, where no shell joins two commands."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from keyhole.errors import KeyholeError
from keyhole.system.end_signals import ended_by_exception
from keyhole.system.parent_death import environment_for_child

_END_SECONDS = 20.0
_SECRETS = ("KEYHOLE_TOKEN", "KEYHOLE_TOKEN_FILE")


@contextmanager
def verified(words: Iterable[str]) -> Iterator[tuple[int, Path]]:
    """Runs ``keyhole verify`` with these options, which prints as it always does. Gives its exit
    code and the file of its report, which is gone after the block. Raises `KeyholeError` where it
    wrote none."""
    with ended_by_exception(), TemporaryDirectory(prefix="keyhole-proof-") as folder:
        file = Path(folder) / "report.json"
        # First, so that a last --format among the words is printed, as without us.
        command = [sys.executable, "-m", "keyhole", "verify", "--format", "json"]
        code = _run([*command, "--output", str(file), *words])
        if not file.exists():
            raise KeyholeError(
                f"keyhole verify ended with code {code} and wrote no report; try it by itself"
            )
        yield code, file


def _run(command: list[str]) -> int:
    # What attacks needs no right here.
    kept = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, env=environment_for_child(base=kept)
    )
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
