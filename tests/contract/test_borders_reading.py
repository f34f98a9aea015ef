"""The house rule that finds modules which open a file for reading by themselves."""

from pathlib import Path

import pytest

from tools.borders.reading import readers
from tools.borders.tree import SourceFile


def _finds(line: str, folder: str) -> bool:
    file = SourceFile(Path(f"python/keyhole/{folder}/example.py"))
    vars(file)["text"] = line
    return bool(list(readers([file])))


@pytest.mark.parametrize("folder", ["api", "cli", "identity"])
@pytest.mark.parametrize(
    "line",
    [
        "open(path)",
        "path.open()",
        "path.open('rb')",
        "path.open(mode='rb')",
        "path.open(mode=mode)",
        "path.open(encoding='utf-8')",
        "path.open(errors='replace', mode='r')",
        "path.open('w+b')",
        "io.open(path, 'rb')",
        "path.read_bytes()",
        "path.read_text('utf-8')",
        "path.read_text(encoding='utf-8')",
    ],
)
def test_each_way_to_open_a_file_for_reading_is_found(line: str, folder: str) -> None:
    assert _finds(line, folder)


@pytest.mark.parametrize(
    "line",
    [
        "path.open('xb')",
        "path.open(mode='wb')",
        "Authority.open(folder)",
        "Authority.open(folder, domain=domain)",
        "os.open(path, os.O_RDONLY)",
        "regular_file.read_text(path)",
    ],
)
def test_what_writes_or_opens_no_file_is_left_alone(line: str) -> None:
    assert not _finds(line, "identity")
