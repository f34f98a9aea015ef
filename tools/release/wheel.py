"""The wheel: tracked files, built page, compiled core, and metadata that maturin writes.

maturin also packs wheels, but with whatever lies in the folder, and with a bill of materials that
names this machine and this moment. So the octets would differ from build to build.
"""

import base64
import csv
import hashlib
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.release.archives import FILE, PROGRAM, mode_of, write_zip
from tools.release.extension import NAME
from tools.release.platform_tag import platform_tag
from tools.release.project import Project, ReleaseError

Members = dict[str, tuple[bytes, int]]
_INTERPRETER = "cp311-abi3"
"""CPython 3.11 and every later one: the feature abi3-py311 of PyO3."""


def write_wheel(project: Project, extension: bytes, sbom: bytes, folder: Path) -> Path:
    """Packs the wheel into the folder and gives its path."""
    tag = f"{_INTERPRETER}-{platform_tag(extension)}"
    members = _package(project, extension)
    info = f"{project.name}-{project.version}.dist-info"
    members |= _metadata(project, info, tag)
    members[f"{info}/sboms/{project.name}.cdx.json"] = sbom, FILE  # PEP 770
    members[f"{info}/RECORD"] = _record(members, f"{info}/RECORD"), FILE
    path = folder / f"{project.name}-{project.version}-{tag}.whl"
    write_zip(path, members, project.epoch)
    return path


def _package(project: Project, extension: bytes) -> Members:
    members: Members = {}
    for path in sorted([*project.tracked, *project.page]):
        source = project.root / path
        if source.is_relative_to(project.python):
            name = source.relative_to(project.python).as_posix()
            members[name] = source.read_bytes(), mode_of(source)
    members[f"{project.name}/{NAME}"] = extension, PROGRAM
    return members


def metadata(project: Project) -> dict[str, bytes]:
    """The files of the dist-info folder by their names in it, without RECORD; ``METADATA`` is also
    that of the sources. maturin reads them from ``pyproject.toml`` and compiles nothing."""
    with tempfile.TemporaryDirectory() as folder:
        maturin = str(Path(sys.executable).with_name("maturin"))
        command = [maturin, "pep517", "write-dist-info", "--metadata-directory", folder]
        done = subprocess.run(
            [*command, "--interpreter", sys.executable],
            cwd=project.root,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ReleaseError(f"maturin cannot write the metadata: {done.stderr}")
        (info,) = Path(folder).glob("*.dist-info")
        return {
            path.relative_to(info).as_posix(): path.read_bytes()
            for path in sorted(info.rglob("*"))
            if path.is_file() and path.name != "RECORD"
        }


def _metadata(project: Project, info: str, tag: str) -> Members:
    files = metadata(project)
    text = re.sub(r"(?m)^Tag: .*\n", "", files["WHEEL"].decode()).rstrip("\n")
    files["WHEEL"] = f"{text}\nTag: {tag}\n".encode()
    return {f"{info}/{name}": (content, FILE) for name, content in sorted(files.items())}


def _record(members: Members, own: str) -> bytes:
    """RECORD: each file with digest and size, itself without."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for name, (content, _) in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.writerow([name, f"sha256={digest}", len(content)])
    rows.writerow([own, "", ""])
    return text.getvalue().encode()
