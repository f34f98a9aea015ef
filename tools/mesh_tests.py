"""Runs the tests of a real mesh, for ``./dev test mesh``: ``python -m tools.mesh_tests``.

They need root, and run in namespaces of the kernel: with networks, mounts and processes of their
own. Nothing of this machine changes, and all of it ends with this command, however that ends.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from tools.cluster_tools import cache

ROOT = Path(__file__).resolve().parent.parent
MARK = "KEYHOLE_MESH_WORLD"
"""Set in the environment of tests that run in these namespaces."""
_UNSHARE = (
    *("unshare", "--mount", "--net", "--pid", "--mount-proc"),
    # Without its first process the kernel ends all others, too.
    *("--fork", "--kill-child"),
)
_INSIDE = "--inside"
_KEPT = Path("/run/kept")
_MAY_PASS = 0o001


def main(words: list[str]) -> NoReturn:
    """Becomes pytest with these options."""
    if os.geteuid() != 0:
        sys.exit("the tests of a mesh need root, for network namespaces")
    if words[:1] != [_INSIDE]:
        command = [*_UNSHARE, sys.executable, "-m", "tools.mesh_tests", _INSIDE, *words]
        os.execvp(command[0], command)
    _prepare()
    options = words[1:]
    named = any(Path(word.partition("::")[0]).exists() for word in options)
    command = [sys.executable, "-m", "pytest", *([] if named else ["tests/mesh"]), *options]
    os.execve(command[0], command, {**os.environ, MARK: "yes"})


def _prepare() -> None:
    _call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    _call("ip", "link", "set", "lo", "up")
    _KEPT.mkdir(mode=0o700)
    needed = [Path(sys.base_prefix).resolve(), ROOT, cache()]
    for folder in dict.fromkeys(_closed(needed)):
        _open(folder, needed)


def _closed(needed: list[Path]) -> Iterator[Path]:
    """The folders in which only their owner may look for what is needed: a home folder, mostly."""
    for path in needed:
        for folder in reversed(path.parents):
            if not folder.stat().st_mode & _MAY_PASS:
                yield folder
                break


def _open(folder: Path, needed: list[Path]) -> None:
    """Shows everybody in these namespaces what is needed of a folder, and nothing else of it."""
    kept = _KEPT / str(folder).replace("/", "-")
    kept.mkdir()
    _call("mount", "--rbind", str(folder), str(kept))
    _call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(folder))
    for path in needed:
        if path.is_relative_to(folder):
            path.mkdir(parents=True)
            _call("mount", "--bind", str(kept / path.relative_to(folder)), str(path))


def _call(*words: str) -> None:
    subprocess.run(words, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
