"""Removes files left by a killed process: unused, but they take space and may name clients.

The rows file makes a segment valid, and the sums file a rollup. These are written last and removed
first, so other files without them are incomplete.
"""

from pathlib import Path

from keyhole.querylog.history.segment import PARTS
from keyhole.system import durable


def remove_leftovers(root: Path) -> None:
    """Removes leftovers; call it before the history is used, in the one process that uses it."""
    for left in (root / ".scratch").glob("*"):
        # Exports that were not fetched, and DuckDB's temporary files.
        left.unlink(missing_ok=True)
    for left in (root / "past").glob("*.new"):
        left.unlink(missing_ok=True)
    durable.remove_drafts(root)
    for day in root.glob("day=*"):
        durable.remove_drafts(day)
        _remove_partial(day, "rows")
    _remove_partial(root / "past", "sums")


def _remove_partial(folder: Path, counting: str) -> None:
    for part in PARTS:
        for file in folder.glob(f"*.{part}.parquet"):
            stem = file.name.removesuffix(f".{part}.parquet")
            if not (folder / f"{stem}.{counting}.parquet").exists():
                file.unlink(missing_ok=True)
