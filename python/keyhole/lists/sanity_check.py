"""Detects new versions of a list that are probably errors: empty, cut off, or other contents."""

MIN_ENTRIES = 1000
"""Entries below which any change is plausible: such lists are often edited by hand."""
SHRUNK_BELOW = 0.5
GREW_ABOVE = 10


def implausible_change(taken: int, before: int) -> str | None:
    """Why a change from ``before`` to ``taken`` entries is implausible; none where it is not."""
    if taken == 0 and before > 0:
        return f"it is empty and had {before} entries"
    if before < MIN_ENTRIES:
        return None
    if taken < before * SHRUNK_BELOW:
        return f"it shrank from {before} to {taken} entries"
    if taken > before * GREW_ABOVE:
        return f"it grew from {before} to {taken} entries"
    return None
