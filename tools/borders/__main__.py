"""Checks every house rule and prints all findings at once; exit code 1 if one is fatal."""

import sys
from itertools import chain

from tools.borders import boundary, crates, durability, modules, reading, text, tree


def main() -> int:
    """Runs all rules over the tracked files."""
    files = list(tree.tracked())
    findings = list(
        chain(
            crates.edges(),
            crates.clocks(files),
            modules.order(files),
            boundary.importers(files),
            durability.writers(files),
            reading.readers(files),
            text.sizes(files),
            text.words(files),
            text.spelling(files),
            text.places(files),
        )
    )
    for finding in findings:
        print(f"{'error' if finding.fatal else 'note'}: {finding.place}: {finding.what}")
    fatal = sum(finding.fatal for finding in findings)
    print(f"borders: {len(files)} files, {fatal} errors, {len(findings) - fatal} notes")
    return 1 if fatal else 0


sys.exit(main())
