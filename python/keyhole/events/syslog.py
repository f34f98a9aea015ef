"""Events as syslog messages (RFC 5424), and their frames for a stream (RFC 5425)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from keyhole.events.event import Event
from keyhole.events.plain_text import plain

_NIL = "-"
_BOM = "\ufeff"
_LOG_AUDIT, _SECURITY, _DAEMON = 13, 10, 3
"""Facilities of RFC 5424 section 6.2.1."""
_FACILITY = {"audit": _LOG_AUDIT, "evidence": _LOG_AUDIT, "attention": _DAEMON, "test": _DAEMON}
SD_ID = "keyhole@32473"
"""Keyhole has no enterprise number of its own; this one is for examples (RFC 5612), so that it is
nobody else's."""
MAX_MESSAGE = 8192
"""Octets that a receiver should take (RFC 5425 section 4.3.1)."""
_MAX_VALUE = 1_000
_MAX_TEXT = 1_000
_MAX_SEQUENCE = 2_147_483_647
"""RFC 5424 section 7.3.1; it begins again at 1."""


@dataclass(frozen=True)
class Origin:
    """Who sends: the name of the machine, the process, and the version of Keyhole."""

    host: str
    process: int
    version: str


def message(event: Event, origin: Origin, sequence: int) -> bytes:
    """One message; ``sequence`` counts those to one receiver from 1 on, so that it sees gaps."""
    head = (
        f"<{_priority(event)}>1 {event.moment} {_word(origin.host, 255)} keyhole "
        f"{origin.process} {_word(event.kind, 32)}"
    )
    for fields in _shorter(event):
        data = _structured(event, fields, origin, sequence)
        found = f"{head} {data} {_BOM}{plain(event.text, _MAX_TEXT)}".encode(errors="replace")
        if len(found) <= MAX_MESSAGE:
            break
    return found


def frame(message: bytes) -> bytes:
    """The message with its length before it (RFC 5425 section 4.3)."""
    return b"%d %s" % (len(message), message)


def _priority(event: Event) -> int:
    # RFC 5424 section 6.2.1.
    return _FACILITY.get(event.kind, _SECURITY) * 8 + event.severity


def _word(text: str, most: int) -> str:
    """Printable ASCII without spaces (RFC 5424 section 6)."""
    kept = "".join(one if "!" <= one <= "~" else "_" for one in text[:most])
    return kept or _NIL


def _shorter(event: Event) -> Iterator[dict[str, str]]:
    """The fields as texts; then without those that make the message too long, the longest first."""
    fields = {
        name: plain(_text(value), _MAX_VALUE)
        for name, value in event.fields.items()
        if value is not None
    }
    yield fields
    while fields:
        longest = max(fields, key=lambda name: len(fields[name].encode(errors="replace")))
        del fields[longest]
        yield {**fields, "truncated": "true"}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _structured(event: Event, fields: dict[str, str], origin: Origin, sequence: int) -> str:
    number = (sequence - 1) % _MAX_SEQUENCE + 1
    elements = (
        # RFC 5424 sections 7.2 and 7.3: registered elements.
        ("origin", {"software": "keyhole", "swVersion": origin.version}),
        ("meta", {"sequenceId": str(number)}),
        (SD_ID, {"id": event.id, **fields}),
    )
    return "".join(
        f"[{name}{''.join(f' {key}={_quoted(value)}' for key, value in params.items())}]"
        for name, params in elements
    )


def _quoted(value: str) -> str:
    # RFC 5424 section 6.3.3: these three characters, and no others, are escaped.
    for special in ("\\", '"', "]"):
        value = value.replace(special, f"\\{special}")
    return f'"{value}"'
