"""Tells when a list is not a new version but an accident: emptied, cut off, or something else."""

MIN_ENTRIES = 1000
"""Entries below which a list is somebody's own work, which may shrink and grow as it likes."""
SHRUNK_BELOW = 0.5
GREW_ABOVE = 10


def implausible_change(taken: int, before: int) -> str | None:
    """Why a list that had ``before`` entries and now has ``taken`` is not believed; else none."""
    if taken == 0 and before > 0:
        return f"it is empty and had {before} entries"
    if before < MIN_ENTRIES:
        return None
    if taken < before * SHRUNK_BELOW:
        return f"it shrank from {before} to {taken} entries"
    if taken > before * GREW_ABOVE:
        return f"it grew from {before} to {taken} entries"
    return None
