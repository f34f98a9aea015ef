"""What an entry of the audit record says of documents: digests before and after, and the
difference."""

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from keyhole.store import Version

MAX_DIFFERENCE = 16 * 1024
"""Characters of a difference; a longer one is cut, and the digests say the rest."""
MAX_COMPARED = 256 * 1024
"""Characters of two texts whose lines are compared; that takes too long for larger ones."""
MAX_DOCUMENTS = 500
"""Documents that an entry names; those on top are only counted."""


def of_versions(
    before: Mapping[tuple[str, str], Version], written: Iterable[Version]
) -> dict[str, Any]:
    """What documents said before a change, and what they say after it; one that did not exist or
    is deleted has no digest."""
    digests: dict[str, dict[str, str]] = {"before": {}, "after": {}}
    shown = ""
    found = sorted(written, key=lambda one: (one.kind, one.name))
    for new in found[:MAX_DOCUMENTS]:
        old = before.get((new.kind, new.name))
        texts = {"before": _text(old), "after": _text(new)}
        for when, text in texts.items():
            if text is not None:
                digests[when][new.label] = digest(text)
        if len(shown) < MAX_DIFFERENCE:
            shown += difference(new.label, texts["before"] or "", texts["after"] or "")
    left = len(found) - MAX_DOCUMENTS
    return {
        **digests,
        "difference": shown[:MAX_DIFFERENCE],
        **({"more_documents": left} if left > 0 else {}),
    }


def difference(item: str, before: str, after: str) -> str:
    """The lines that differ, in the form of diff -u; a sentence for large texts."""
    if len(before) + len(after) > MAX_COMPARED:
        return f"{item} is too large to show what differs\n"
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"{item} before",
        f"{item} after",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def digest(text: str) -> str:
    """The SHA-256 of a document."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _text(version: Version | None) -> str | None:
    return None if version is None or version.is_deleted else version.text
