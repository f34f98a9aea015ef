"""``python -m tools.reference`` writes the reference pages.

With ``--check`` it changes nothing, and ends with 1 if a page is not as it would be written.
"""

import sys

from tools.reference import ROOT, pages, stale


def main() -> int:
    """The command; gives the exit code."""
    if "--check" in sys.argv[1:]:
        old = stale()
        for path in old:
            print(f"{path.relative_to(ROOT)} is out of date; run ./dev gen", file=sys.stderr)
        return 1 if old else 0
    for path, text in pages():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
