"""The keys under which the digests with clients are made, one for each hour of a record.

They lie beside the rows, and go when the clients of that hour or its rows are removed: who then has
the digest cannot find a client by trying addresses.
"""

import json
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from keyhole.system import durable
from keyhole.system.regular_file import read_whole

_FOLDER = "hour-keys"
_OCTETS = 32
_KEY = re.compile(rf"[0-9a-f]{{{2 * _OCTETS}}}")
HOUR_US = 3_600_000_000

Keys = dict[int, str]
"""In hexadecimal, by the hour of Unix time."""


def new_key() -> str:
    """A random key."""
    return secrets.token_hex(_OCTETS)


def save_keys(root: Path, record: int, keys: Keys) -> None:
    """Keeps the keys of a record, before it is appended. Raises ``OSError``."""
    folder = root / _FOLDER
    if not keys:
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    durable.write_json(_file(root, record), {str(hour): key for hour, key in keys.items()})


def had_keys(root: Path) -> bool:
    """Whether records of an evidence chain were made of this history, even if none is now."""
    return (root / _FOLDER).is_dir()


def read_keys(root: Path, record: int) -> Keys:
    """The keys of a record that are there still."""
    with suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
        found = json.loads(read_whole(_file(root, record)))
        return {int(hour): key for hour, key in found.items() if _KEY.fullmatch(key)}
    return {}


def forget_keys(root: Path, before: int) -> None:
    """Removes the keys of all hours that began before a time, in microseconds of Unix time. A file
    that cannot be read is removed. Raises ``OSError``."""
    durable.remove_drafts(root / _FOLDER)
    for number in _records(root):
        keys = read_keys(root, number)
        kept = {hour: key for hour, key in keys.items() if hour * HOUR_US >= before}
        if not kept:
            durable.remove(_file(root, number))
        elif len(kept) < len(keys):
            save_keys(root, number, kept)


def _records(root: Path) -> Iterable[int]:
    return [int(one.stem) for one in (root / _FOLDER).glob("*.json") if one.stem.isdecimal()]


def _file(root: Path, record: int) -> Path:
    return root / _FOLDER / f"{record}.json"
