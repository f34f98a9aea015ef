"""Splits a YAML stream into its documents, each with its original text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# YAML 1.2.2 section 5.4: no other character ends a line.
_BREAK = re.compile(r"\r\n|\r|\n")
# Section 9.1.2: only a marker can begin a line so; block scalars are indented here, since every
# document is a mapping.
_MARKER = re.compile(r"(?:---|\.\.\.)(?:\s|$)")


@dataclass(frozen=True)
class Part:
    """One document of a stream: its text, and its first line, from 1."""

    text: str
    line: int


def split_stream(text: str) -> Iterator[Part]:
    """The documents of a stream in order; parts that hold only comments are left out."""
    lines: list[str] = []
    begin = 1
    for number, line in enumerate([*_BREAK.split(text), "---"], 1):
        if not _MARKER.match(line):
            lines.append(line)
            continue
        if any(_has_content(one) for one in lines):
            skipped = next(index for index, one in enumerate(lines) if one.strip())
            yield Part("\n".join(lines[skipped:]).rstrip() + "\n", begin + skipped)
        # Text after the marker on its line belongs to the document.
        rest = line[3:] if line.startswith("---") else ""
        lines = [f"   {rest}"] if rest.strip() else []
        begin = number if lines else number + 1


def _has_content(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith(("#", "%"))
