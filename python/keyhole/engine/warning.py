"""What an engine process says in the log of operation."""

import sys

from keyhole.system.operation_log import is_json, is_wanted, json_line


def warn(text: str) -> None:
    """Says something that is not as it should be."""
    if is_wanted("warning"):
        line = json_line("engine", "warning", text) if is_json() else f"keyhole engine: {text}"
        print(line, file=sys.stderr, flush=True)
