"""The source distribution: every tracked file, and the built page, so that it needs no Node."""

from pathlib import Path

from tools.release.archives import FILE, mode_of, write_tar_gz
from tools.release.project import Project
from tools.release.wheel import metadata


def write_sources(project: Project, folder: Path) -> Path:
    """Packs ``NAME-VERSION.tar.gz`` (PEP 625) into the folder and gives its path."""
    top = f"{project.name}-{project.version}"
    members = {f"{top}/PKG-INFO": (metadata(project)["METADATA"], FILE)}
    for path in sorted([*project.tracked, *project.page]):
        source = project.root / path
        members[f"{top}/{path.as_posix()}"] = source.read_bytes(), mode_of(source)
    target = folder / f"{top}.tar.gz"
    write_tar_gz(target, members, project.epoch)
    return target
