"""Builds all artifacts into one folder."""

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.release.debian_package import write_package
from tools.release.debian_tree import lay_out
from tools.release.extension import build_extension, installed_extension
from tools.release.project import Project, ReleaseError
from tools.release.sbom import bill_of_materials
from tools.release.site_packages import copy_installed, download, unpack
from tools.release.sources import write_sources
from tools.release.wheel import write_wheel

SUMS = "SHA256SUMS"
Say = Callable[[str], None]


def build(project: Project, out: Path, pythons: Sequence[str], work: Path, say: Say) -> None:
    """Builds a release; ``work`` is a folder for what a later build uses again. Raises
    ``ReleaseError``."""
    say("compiling the core for release")
    with tempfile.TemporaryDirectory() as folder:
        extension = build_extension(project, work / "target", Path(folder))
    _begin(out)
    sbom = _packages(project, out, extension, say)
    for python in pythons:
        say(f"Debian package for Python {python}")
        wheels = work / f"wheels-{python}"
        download(project, python, wheels)
        install = _unpacker(project, [out, wheels], python)
        _debian(project, out, python, sbom, install)
    write_sums(out)


def build_quick(project: Project, out: Path, say: Say, *, python: str | None = None) -> None:
    """Packs what ``./dev setup`` built and installed: in seconds, and not for other machines.

    The Debian package for the Python of this environment is left out without ``python``.
    """
    _begin(out)
    sbom = _packages(project, out, installed_extension(project), say)
    if python is not None:
        say(f"Debian package for Python {python}")

        def install(target: Path) -> None:
            copy_installed(project, out, target)

        _debian(project, out, python, sbom, install, compression="none")
    write_sums(out)


def _begin(out: Path) -> None:
    """Removes what an earlier build left, which would be taken for a part of this one, and nothing
    else: a folder with other files is refused."""
    out.mkdir(parents=True, exist_ok=True)
    sums = out / SUMS
    if sums.is_file():
        for line in sums.read_text().splitlines():
            (out / Path(line.partition("  ")[2]).name).unlink(missing_ok=True)
        sums.unlink()
    left = sorted(path.name for path in out.iterdir())
    if left:
        raise ReleaseError(
            f"{out} has {left[0]}, which no finished build left there; name an empty or a new "
            "folder with --out, or remove it"
        )


def _packages(project: Project, out: Path, extension: bytes, say: Say) -> bytes:
    """Writes wheel, sources and bill of materials; gives the latter."""
    say("wheel, sources, bill of materials")
    sbom = bill_of_materials(project)
    (out / f"{project.name}-{project.version}.cdx.json").write_bytes(sbom)
    write_wheel(project, extension, sbom, out)
    write_sources(project, out)
    return sbom


def _unpacker(project: Project, wheels: Sequence[Path], python: str) -> Callable[[Path], None]:
    def install(target: Path) -> None:
        unpack(project, wheels, python, target)

    return install


def _debian(
    project: Project,
    out: Path,
    python: str,
    sbom: bytes,
    install: Callable[[Path], None],
    compression: str = "xz",
) -> None:
    # Not in memory, as the folder for temporary files may be: it is a few hundred MiB.
    with tempfile.TemporaryDirectory(dir=out, prefix=".") as folder:
        root = Path(folder) / "root"
        lay_out(project, root, python, sbom, install)
        write_package(project, root, python, out, compression=compression)


def write_sums(out: Path) -> None:
    """Writes the digests of all artifacts, for ``sha256sum --check``."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(out.iterdir())
        if path.name != SUMS
    ]
    (out / SUMS).write_text("".join(lines))
