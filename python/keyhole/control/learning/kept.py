"""The learned names on the disk: for the commands, and for the next start."""

import json
from pathlib import Path

from keyhole.learned_names import LearnedName, names_of_json
from keyhole.system import durable
from keyhole.system.regular_file import read_regular

MAX_OCTETS = 16 * 2**20


def read_kept(file: Path) -> list[LearnedName]:
    """The names in the file; none where it is missing or damaged: they can be learned again."""
    try:
        return names_of_json(json.loads(read_regular(file, MAX_OCTETS)))
    except (OSError, ValueError, RecursionError):
        return []


def remove_kept(file: Path) -> None:
    """Removes the file. Raises ``OSError``."""
    if file.exists():
        durable.remove(file)
