"""The files of a program whose settings lie in one file and in a folder beside it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from keyhole.importers.archive import files_below, open_files
from keyhole.importers.error import ImporterError
from keyhole.importers.limits import MAX_STRUCTURED
from keyhole.importers.report import Report
from keyhole.model.units import show_octets


def config_texts(
    file: Path, report: Report, main: str, beside: str, skipped: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    """The name and text of each file: of this one, or of a folder with ``main`` and ``beside``, or
    of a folder that is ``beside``. Files that are ``skipped`` by name are left. Raises
    `ImporterError` where there is none."""
    archive = open_files(_files(file, report, main, beside), report.leave_member)
    for name in archive.names:
        if skipped(Path(name).name):
            report.leave_member(name, "the program does not read a file of such a name either")
        elif (octets := archive.read(name, MAX_STRUCTURED)) is not None:
            yield name, octets.decode("utf-8", errors="replace")


def _files(file: Path, report: Report, main: str, beside: str) -> dict[str, Path]:
    if file.is_file():
        if file.stat().st_size > MAX_STRUCTURED:
            raise ImporterError(f"{file.name} is larger than {show_octets(MAX_STRUCTURED)}")
        return {main: file}
    if not file.is_dir():
        raise ImporterError(f"there is no file or folder {file}")
    found = {main: file / main} if (file / main).is_file() else {}
    folder = file / beside
    if folder.is_dir():
        more = files_below(folder, 0, report.leave_member)
        found |= {f"{beside}/{name}": one for name, one in more.items()}
    elif not found:
        found = files_below(file, 0, report.leave_member)
    if not found:
        raise ImporterError(f"{file} has neither {main} nor {beside}")
    return found
