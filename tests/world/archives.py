"""Settings files and archives of other products, read and packed."""

import tarfile
from pathlib import Path

from keyhole.control.import_settings import ImportResult, NothingTakenError, import_file


def read_all(product: str, file: Path) -> ImportResult:
    """The result; a file of which nothing can be taken counts as read, too."""
    try:
        return import_file(product, file, None)
    except NothingTakenError as error:
        return ImportResult(product, error.report, {}, lacks_upstream=True)


def members(file: Path) -> dict[str, bytes]:
    """The files in an archive, by name."""
    with tarfile.open(file) as opened:
        return {one.name: opened.extractfile(one).read() for one in opened}  # type: ignore[union-attr]


def packed(path: Path, content: dict[str, bytes]) -> Path:
    """Writes an archive of these files."""
    with tarfile.open(path, "w:gz") as made:
        for name, octets in content.items():
            (path.parent / "member").write_bytes(octets)
            made.add(path.parent / "member", name)
    return path
