"""The documents of this project, and the parts of them that tests read."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
"""The language of a code block, and its text."""

FILE = re.compile(r"<!-- file: (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)
"""The name of a file that a reader writes, and its text."""

GIVEN = re.compile(r"<!-- given: (\S+)\n(.*?)-->", re.DOTALL)
"""The same for a file that a reader has already; a reader of the page does not see it."""

SHELL = re.compile(r"(?:<!-- exit: ([\d /]+) -->\n)?```sh\n(.*?)```", re.DOTALL)
"""Lines for a shell. One exit code stands for all lines, several for one line each; ``0/1`` is
either of them."""
