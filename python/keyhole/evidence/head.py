"""The end of the chain, kept apart from it: a chain that does not reach it was cut short."""

import json
from pathlib import Path

from keyhole.evidence.error import EvidenceError
from keyhole.system import durable
from keyhole.system.regular_file import read_regular

_MAX = 4_096


def read_head(file: Path) -> tuple[int, str] | None:
    """The number and the digest of the last record; none where there is no file. Raises
    `EvidenceError`."""
    try:
        found = json.loads(read_regular(file, _MAX))
        return int(found["number"]), str(found["digest"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EvidenceError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        text = "is damaged; restore it from a backup (keyhole restore)"
        raise EvidenceError(f"{file} {text}") from None


def write_head(file: Path, number: int, digest: str) -> None:
    """Replaces it durably. Raises ``OSError``."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    durable.write_json(file, {"number": number, "digest": digest})
