"""The files of a program whose settings lie in one file and in a folder beside it."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

from keyhole.importers.archive import files_below, open_files
from keyhole.importers.error import ImporterError
from keyhole.importers.limits import MAX_ITEMS, MAX_LINE, MAX_STRUCTURED
from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import Place
from keyhole.model.units import show_octets

Line = tuple[int, str]
"""Its number, from 1, and what it says."""


def config_lines(
    file: Path, report: Report, main: str, beside: str, skipped: Callable[[str], bool]
) -> Iterator[tuple[str, list[Line]]]:
    """The name and the lines that are not blank of each file: of this one, or of a folder with
    ``main`` and ``beside``, or of a folder that is ``beside``. Files that are ``skipped`` by name
    are left, and so are files and lines that are too long. Raises `ImporterError` where there is
    no file, or where the only one is too long."""
    left = MAX_ITEMS
    archive = open_files(_files(file, report, main, beside), report.leave_member)
    for name in archive.names:
        if skipped(Path(name).name):
            report.leave_member(name, "the program does not read a file of such a name either")
        elif (octets := archive.read(name, MAX_STRUCTURED)) is not None:
            try:
                lines = _lines(name, octets.decode("utf-8", errors="replace"), left, report)
            except ImporterError as error:
                if len(archive.names) == 1:
                    raise
                report.leave_member(name, str(error))
                continue
            left -= len(lines)
            yield name, lines


def _lines(name: str, text: str, most: int, report: Report) -> list[Line]:
    """Raises `ImporterError` where there are more than ``most``."""
    found: list[Line] = []
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        if len(line) > MAX_LINE:
            why = f"it has more than {MAX_LINE:,} characters; write it as several lines"
            report.left(Kind.SETTING, f"line {number} of {name}", why, Place(name, "", number))
        elif line := line.strip():
            found.append((number, line))
        if len(found) > most:
            raise ImporterError(
                f"{name} has too many lines, more than {MAX_ITEMS:,} in all; write a List with the "
                "names that it blocks, and import the rest"
            )
    return found


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
