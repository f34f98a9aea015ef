"""What a killed process left lying about: nothing counts it, but it takes room and may name people.

A segment counts as long as its rows are there, and what is past as long as its sums are. Those come
last and go first, so whatever has none of them is half of something.
"""

from pathlib import Path

from keyhole.querylog.history.segment import PARTS
from keyhole.system import durable


def remove_leftovers(root: Path) -> None:
    """Removes it; for the one process that works on a folder, before it begins to."""
    for left in (root / ".scratch").glob("*"):
        # Exports that nobody fetched, and what questions wrote for which memory was too small.
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
