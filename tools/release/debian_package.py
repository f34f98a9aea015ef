"""The Debian package: control files, and ``dpkg-deb`` to pack it (deb-control(5))."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tools.release.debian_tree import CONFFILES
from tools.release.project import EPOCH, Project, ReleaseError

_SCRIPTS = ("postinst", "prerm", "postrm")
_SUMMARY = "zero-trust DNS: encrypted, authorized and explained"
_DESCRIPTION = """\
 Keyhole answers DNS queries over UDP, TCP, TLS and HTTPS, asks its upstreams
 over TLS or HTTPS alone, decides on each query by policies and lists, and
 explains every decision. It has a page for browsers, a query log and an API.
 .
 The package has its own user and a hardened systemd unit. It brings the
 libraries that it was tested with along, so nothing is downloaded.
"""


def package_version(project: Project, python: str) -> str:
    """The version with its Debian revision. A package is for one Python, and one for a later Python
    is newer: so an upgrade of Debian takes it."""
    return f"{project.version}-1+py{python.replace('.', '')}"


def write_package(
    project: Project, root: Path, python: str, folder: Path, *, compression: str = "xz"
) -> Path:
    """Packs the files below ``root`` into the folder, and gives the path of the package."""
    machine = _architecture()
    name = f"{project.name}_{package_version(project, python)}_{machine}.deb"
    control = root / "DEBIAN"
    control.mkdir()
    try:
        _write_control(project, root, control, python, machine)
        _pack(project, root, folder / name, compression)
    finally:
        shutil.rmtree(control)
    return folder / name


def _write_control(project: Project, root: Path, control: Path, python: str, machine: str) -> None:
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    files = [path for path in files if control not in path.parents]
    (control / "control").write_text(_fields(project, files, python, machine))
    (control / "conffiles").write_text("".join(f"{path}\n" for path in CONFFILES))
    (control / "md5sums").write_text("".join(_sum(root, path) for path in files))
    for script in _SCRIPTS:
        shutil.copyfile(project.root / "deploy" / "debian" / script, control / script)
        (control / script).chmod(0o755)
    control.chmod(0o755)
    for path in (control, *control.iterdir()):
        if path.name not in _SCRIPTS and path != control:
            path.chmod(0o644)
        os.utime(path, (project.epoch, project.epoch))


def _fields(project: Project, files: list[Path], python: str, machine: str) -> str:
    size = sum(-(-path.stat().st_size // 1024) for path in files)
    needs = [f"python{python}", "libc6 (>= 2.28)", "libgcc-s1", "libstdc++6", "passwd"]
    fields = {
        "Package": project.name,
        "Version": package_version(project, python),
        "Architecture": machine,
        "Maintainer": "The Keyhole authors",
        "Installed-Size": str(size),
        "Depends": ", ".join([*needs, "util-linux"]),
        "Recommends": "ca-certificates, systemd",
        "Section": "net",
        "Priority": "optional",
        "Description": _SUMMARY,
    }
    return "".join(f"{key}: {value}\n" for key, value in fields.items()) + _DESCRIPTION


def _sum(root: Path, path: Path) -> str:
    # dpkg --verify compares these; they protect from damage, and SHA256SUMS from people.
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return f"{digest}  {path.relative_to(root).as_posix()}\n"


def _pack(project: Project, root: Path, target: Path, compression: str) -> None:
    try:
        subprocess.run(
            # Everything belongs to root, whoever builds. One thread: the octets depend on it.
            [
                *("dpkg-deb", "--root-owner-group", "--threads-max=1", f"-Z{compression}"),
                *("--build", str(root), str(target)),
            ],
            env={**os.environ, EPOCH: str(project.epoch)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ReleaseError(f"dpkg-deb: {error}") from error


def _architecture() -> str:
    try:
        done = subprocess.run(
            ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ReleaseError(f"dpkg: {error}; a Debian package is built on Debian") from error
    return done.stdout.strip()
