"""The compiled core: built for release by maturin and zig, or as ``./dev setup`` built it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tools.release.project import EPOCH, Project, ReleaseError

OLDEST_GLIBC = "manylinux_2_28"
"""Debian 10, Ubuntu 20.04, RHEL 8 and later; the wheels of the requirements need the same."""
NAME = "_core.abi3.so"


def installed_extension(project: Project) -> bytes:
    """The library that setup built for this checkout; raises :class:`ReleaseError` without one."""
    path = project.python / project.name / NAME
    if not path.is_file():
        raise ReleaseError(f"{path} is not there; ./dev setup builds it")
    return path.read_bytes()


def build_extension(project: Project, target: Path, wheels: Path) -> bytes:
    """Compiles the library for the oldest glibc. ``target`` is cargo's folder, which a later build
    uses again; ``wheels`` is where maturin leaves its own wheel, of which only the library is
    taken: the rest names this machine and this moment."""
    command = [
        *(str(Path(sys.executable).with_name("maturin")), "build", "--release", "--locked"),
        *("--zig", "--compatibility", OLDEST_GLIBC, "--strip", "--interpreter", sys.executable),
        *("--target-dir", str(target), "--out", str(wheels)),
    ]
    done = subprocess.run(
        command, cwd=project.root, env=_environment(project, target), check=False
    ).returncode
    if done != 0:
        raise ReleaseError(f"maturin ended with exit code {done}")
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"{project.name}/{NAME}")


def _environment(project: Project, target: Path) -> dict[str, str]:
    """That of this process, so that the octets do not tell where the library was built."""
    cargo = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    # The last one that fits is taken, and target may lie in the root.
    names = {project.root: "/keyhole", cargo: "/cargo", target: "/target"}
    rust = [f"--remap-path-prefix={path}={name}" for path, name in names.items()]
    c = [f"-ffile-prefix-map={path}={name}" for path, name in names.items()]
    return {
        **os.environ,
        EPOCH: str(project.epoch),
        # These replace flags for this machine's processor or linker in a user's configuration.
        "RUSTFLAGS": " ".join(rust),
        "CFLAGS": " ".join(c),
        "CARGO_INCREMENTAL": "0",
        # zig is a package of Python, and maturin asks this one for it.
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
    }
