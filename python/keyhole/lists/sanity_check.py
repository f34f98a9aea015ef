"""Detects versions of a list that are probably errors: empty, cut off, or other contents, and lists
that lose much of what they say.
"""

from keyhole.lists.core_protocol import ListReport

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


LOST_ABOVE = 0.1
_HARMLESS = "names of the machine itself"
"""The reason for what each hosts file begins with; it is no loss."""


def lost_lines(report: ListReport) -> str:
    """Says how much of a list is left out, and why most of it; empty up to a tenth."""
    reasons = {why: n for why, n in report.skipped.by_reason.items() if why != _HARMLESS}
    lost = sum(reasons.values())
    everything = lost + report.taken + report.duplicates
    if lost <= everything * LOST_ABOVE:
        return ""
    why, count = max(reasons.items(), key=lambda one: one[1])
    return f"{lost:,} of {everything:,} entries are left out, {count:,} of them for this: {why}"
