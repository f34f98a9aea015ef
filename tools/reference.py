"""Writes the reference pages that follow from the code: reasons and settings.

``python -m tools.reference`` writes them; with ``--check`` it changes nothing and ends with 1 where
a page is not as it would be written.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keyhole.api.application import describe
from keyhole.config import default_config_text
from keyhole.engine import catalogue

ROOT = Path(__file__).parents[1]

RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
RCODES[16] = "BADVERS"


def pages() -> Iterator[tuple[Path, str]]:
    """The path and the text of each page."""
    reasons = catalogue()["reasons"]
    yield ROOT / "schema" / "reasons.json", json.dumps(reasons, indent=2) + "\n"
    yield ROOT / "schema" / "openapi.json", json.dumps(describe(), indent=1, sort_keys=True) + "\n"
    yield ROOT / "docs" / "reference" / "reasons.md", _reasons(reasons)
    yield ROOT / "docs" / "reference" / "words.md", _words()
    yield ROOT / "docs" / "reference" / "settings.md", _settings()


def stale() -> list[Path]:
    """The pages that are missing or out of date."""
    return [path for path, text in pages() if not path.is_file() or path.read_text() != text]


def _reasons(reasons: list[dict[str, Any]]) -> str:
    lines = [
        "# Reasons",
        "",
        "Every query ends for one of these reasons. The word stands in `keyhole explain`, in the",
        "counters and as text of the extended DNS error (RFC 8914). A code of `-` is the answer's",
        "own, or none where nothing is sent; a blocked name is answered as its rule or list says.",
        "",
        "| word | outcome | stage | code | extended error | meaning |",
        "|---|---|---|---|---|---|",
    ]
    for reason in reasons:
        code = RCODES.get(reason["rcode"], "-")
        error = "-" if reason["extended_error"] is None else reason["extended_error"]
        lines.append(
            f"| `{reason['word']}` | {reason['outcome']} | {reason['stage']} | {code} "
            f"| {error} | {reason['meaning']} |"
        )
    return "\n".join(lines) + "\n"


_TITLES = {
    "outcomes": "Outcomes of queries",
    "stages": "Stages of a query, in order",
    "list_formats": "Formats of lists",
    "certificate_refusals": "Why a client certificate is refused",
    "mesh_handshakes": "Connections to the mesh listener",
    "counters": "Counters beside queries and latency",
}


def _words() -> str:
    tables = catalogue()
    lines = ["# Words", "", "The fixed words of log, statistics and API, and their meanings."]
    for table, title in _TITLES.items():
        lines += ["", f"## {title}", "", "| word | meaning |", "|---|---|"]
        lines += [f"| `{row['word']}` | {_cell(row['meaning'])} |" for row in tables[table]]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _settings() -> str:
    return (
        "# Settings\n\n"
        "`keyhole.yaml` with every key, what it means and its default, as `keyhole up` writes it\n"
        "into an empty data folder. `keyhole check keyhole.yaml` tells what is wrong in one.\n\n"
        f"```yaml\n{default_config_text()}```\n"
    )


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
