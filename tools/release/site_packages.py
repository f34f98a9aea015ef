"""The libraries of the Debian package: Keyhole's wheel, and the locked requirements as wheels.

For a release, the wheels are downloaded and checked against their digests. For a test, the packages
are copied from the environment of this checkout, which setup installed from the same lock.
"""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path

from tools.release.extension import OLDEST_GLIBC
from tools.release.locks import python_components
from tools.release.project import Project, ReleaseError

_OLDER = ("manylinux_2_27", "manylinux_2_24", "manylinux_2_17", "manylinux2014", "linux")
"""The platforms that the oldest one includes; pip does not know that of one that is named."""


def download(project: Project, python: str, folder: Path) -> None:
    """Fetches the wheels of the locked requirements for one Python, such as 3.11, into the folder;
    those that are there already are not fetched again. Raises :class:`ReleaseError`."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = project.root / "requirements" / "run.txt"
    _pip(
        *("download", "--require-hashes", "--no-deps", "--requirement", str(lock)),
        *("--dest", str(folder), *_target_of(python)),
    )


def unpack(project: Project, wheels: Sequence[Path], python: str, target: Path) -> None:
    """Installs Keyhole and its requirements from folders of wheels into a folder."""
    names = [f"{one.name}=={one.version}" for one in python_components(project)]
    _install([f"{project.name}=={project.version}", *names], wheels, python, target)


def copy_installed(project: Project, wheels: Path, target: Path) -> None:
    """As `unpack`, with the requirements of the environment that runs this."""
    _install(
        [f"{project.name}=={project.version}"],
        [wheels],
        f"{sys.version_info.major}.{sys.version_info.minor}",
        target,
    )
    for one in python_components(project):
        _copy(distribution(one.name), target)


def _copy(package: Distribution, target: Path) -> None:
    for file in package.files or ():
        # Commands lie outside of the folder; compiled modules name the paths of this machine.
        if file.parts[0] != ".." and "__pycache__" not in file.parts:
            path = target / file
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), path)


def _install(names: Iterable[str], wheels: Sequence[Path], python: str, target: Path) -> None:
    places = [word for one in wheels for word in ("--find-links", str(one))]
    _pip(
        *("install", "--no-index", *places, "--no-deps", "--no-compile", "--target", str(target)),
        *(*_target_of(python), *names),
    )
    shutil.rmtree(target / "bin", ignore_errors=True)  # the package has a command of its own


def _target_of(python: str) -> list[str]:
    machine = platform.machine()
    # The tag of a wheel from this machine's core, if it was not built by zig, is a later one.
    own = [f"manylinux_2_{minor}" for minor in range(45, 28, -1)]
    platforms = [OLDEST_GLIBC, *_OLDER, *own]
    words = [word for one in platforms for word in ("--platform", f"{one}_{machine}")]
    return ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python, *words]


def _pip(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words], check=False
    )
    if done.returncode != 0:
        raise ReleaseError(f"pip {words[0]} ended with exit code {done.returncode}")
