"""Builds a program of a Go module for tests, with the ordinary ``go`` command, into the cache."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_NICE = 15


def build(target: Path, commands: Sequence[Sequence[str]], files: Mapping[str, str]) -> int:
    """Runs the ``commands`` of go in a new folder with these ``files``, unless ``target`` is there;
    gives the exit code. The last command gets ``-o`` with the program."""
    name = target.name
    if os.access(target, os.X_OK):
        print(f"{target} is there")
        return 0
    go = shutil.which("go")
    if go is None:
        print(f"{name}: go is not installed: https://go.dev/doc/install", file=sys.stderr)
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".draft")
    environment = {**os.environ, "CGO_ENABLED": "0"}
    *before, (verb, *rest) = commands
    with tempfile.TemporaryDirectory(prefix=f"keyhole-{name}-") as folder:
        for file, text in files.items():
            (Path(folder) / file).write_text(text)
        for command in (*before, [verb, "-o", str(draft), *rest]):
            done = subprocess.run(
                ["nice", "-n", str(_NICE), go, *command], cwd=folder, env=environment, check=False
            )
            if done.returncode != 0:
                print(f"{name}: go {' '.join(command)} failed", file=sys.stderr)
                return 1
    draft.replace(target)
    print(f"{target} is built")
    return 0
