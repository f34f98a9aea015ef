"""AdGuard's file of services: rules of services by name, as JSON.

``{"blocked_services": [{"id": "tiktok", "rules": ["||tiktok.com^"]}]}`` with more keys, which are
not read. A List that names services takes the rules of these alone.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from keyhole.model.suggestion import suggest
from keyhole.model.units import MIB, show_octets
from keyhole.system.regular_file import read_regular

_MAX_FILE = 16 * MIB
_MAX_SERVICES = 10_000
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,63}")
"""What can be a service's name in a document; others stand in no message."""


def rules_of(path: Path, services: Sequence[str]) -> str:
    """The rules of these services, a line each. Raises ValueError with the reason, and OSError.

    A service that the file does not have is an error: it must be seen that less is blocked.
    """
    octets = read_regular(path, _MAX_FILE)
    try:
        known = _read(octets)
    except (ValueError, RecursionError):
        known = None
    if known is None:
        raise ValueError(
            f"{path} is not a file of services as AdGuard publishes it, a JSON object with "
            f"blocked_services of at most {show_octets(_MAX_FILE)}; leave services out for a list"
        )
    for name in services:
        if name not in known:
            raise ValueError(f"{path} has no service {name}; {suggest(name, known)}")
        if not known[name]:
            raise ValueError(f"{path} has no rule for the service {name} that can be read")
    lines = dict.fromkeys(rule for name in services for rule in known[name])
    return "".join(f"{line}\n" for line in lines)


def _read(octets: bytes) -> dict[str, list[str]] | None:
    """The rules by service; none for another form."""
    whole = json.loads(octets)
    rows = whole.get("blocked_services") if isinstance(whole, dict) else None
    if not isinstance(rows, list):
        return None
    found: dict[str, list[str]] = {}
    for row in rows:
        if not isinstance(row, dict):
            return None
        name, rules = row.get("id"), row.get("rules")
        if not isinstance(name, str) or not isinstance(rules, list):
            return None
        if len(found) < _MAX_SERVICES and _NAME.fullmatch(name):
            # A rule with a line end would be two.
            are_rules = all(isinstance(one, str) and one.isprintable() for one in rules)
            found[name] = rules if are_rules else []
    return found
