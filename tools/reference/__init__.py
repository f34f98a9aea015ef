"""The reference pages that follow from the code: commands, API, reasons, words and settings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keyhole.api.application import describe
from keyhole.config import default_config_text
from keyhole.engine import catalogue
from tools.reference.api import api_page
from tools.reference.commands import commands_page
from tools.reference.markdown import cell

ROOT = Path(__file__).parents[2]

RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
RCODES[16] = "BADVERS"


def pages() -> Iterator[tuple[Path, str]]:
    """The path and the text of each page."""
    reasons = catalogue()["reasons"]
    yield ROOT / "schema" / "reasons.json", json.dumps(reasons, indent=2) + "\n"
    openapi = describe()
    yield ROOT / "schema" / "openapi.json", json.dumps(openapi, indent=1, sort_keys=True) + "\n"
    yield ROOT / "docs" / "reference" / "api.md", api_page(openapi)
    yield ROOT / "docs" / "reference" / "commands.md", commands_page()
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
        "Over UDP, a client of `network_not_served` is sent nothing at all.",
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
    "handshake_failures": "Why a TLS handshake fails otherwise",
    "mesh_handshakes": "Connections to the mesh listener",
    "closed_connections": "Connections that were closed because of a limit",
    "counters": "Counters beside queries and latency",
}


def _words() -> str:
    tables = catalogue()
    lines = ["# Words", "", "The fixed words of log, statistics and API, and their meanings."]
    for table, title in _TITLES.items():
        lines += ["", f"## {title}", "", "| word | meaning |", "|---|---|"]
        lines += [f"| `{row['word']}` | {cell(row['meaning'])} |" for row in tables[table]]
    return "\n".join(lines) + "\n"


def _settings() -> str:
    return (
        "# Settings\n\n"
        "`keyhole.yaml` with every key, what it means and its default, as `keyhole up` writes it\n"
        "into an empty data folder. `keyhole check keyhole.yaml` tells what is wrong in one.\n\n"
        f"```yaml\n{default_config_text()}```\n"
    )
