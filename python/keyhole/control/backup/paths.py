"""Has a restored folder name files where they are now: snapshots, the launch document of the engine
and the copy of the stored documents hold absolute paths."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from keyhole.config.files import BESIDE
from keyhole.control.data_folder import DataFolder
from keyhole.control.first_look import mark_of
from keyhole.system import durable
from keyhole.system.regular_file import read_whole

Moved = Mapping[str, Path]
"""Where each folder lies now, by its path of before."""


def moved_path(text: str, moved: Moved) -> str:
    """The path as it is now; the text itself where it is none of a moved folder."""
    for before in sorted(moved, key=len, reverse=True):
        if text == before or text.startswith(f"{before.rstrip('/')}/"):
            return f"{moved[before]}{text[len(before) :]}"
    return text


def write_paths(folder: Path, moved: Moved, documents: str, config: Path, written: Path) -> None:
    """Writes the paths of the data folder in ``folder`` again. ``config`` is where the settings
    will be, and ``written`` where they are now. Raises ``OSError``."""
    data = DataFolder(folder)
    for file in (data.snapshot, data.snapshot_copy, data.last_good, data.launch):
        with suppress(FileNotFoundError, ValueError, RecursionError):  # damaged ones stay
            found = _moved(json.loads(read_whole(file)), moved)
            if file == data.launch and isinstance(found, dict):
                found["settings"] = mark_of(written, config)
            durable.write_json(file, found)
    for copy in data.state.glob("documents-*"):
        if copy.is_dir():
            durable.replace_link(copy / BESIDE, moved_path(documents, moved))
            durable.replace_link(data.stored, copy.name)


def _moved(value: Any, moved: Moved) -> Any:
    if isinstance(value, str):
        return moved_path(value, moved)
    if isinstance(value, list):
        return [_moved(one, moved) for one in value]
    if isinstance(value, dict):
        return {key: _moved(one, moved) for key, one in value.items()}
    return value
