"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def cell(text: str) -> str:
    """A text of one line, in which no character ends the cell."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table with an empty line before it; nothing if it has no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return []
    return ["", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines]
