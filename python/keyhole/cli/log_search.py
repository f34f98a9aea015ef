"""Search and export of the query history, for ``keyhole log``; needs a running Keyhole."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from keyhole.cli.api_client import ApiClient
from keyhole.cli.output import console, sanitize
from keyhole.control.error import ControlError
from keyhole.system import durable

if TYPE_CHECKING:
    from keyhole.querylog.entry import LogEntry

_AGO = re.compile(r"([0-9]{1,6})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_FORMS = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}


@dataclass(frozen=True)
class Search:
    """Criteria of a search, as parameters of the API."""

    params: dict[str, str]

    @classmethod
    def of(cls, **given: str | int | None) -> "Search":
        """Omits ``None``, and reads times with :func:`read_time`."""
        params = {key: str(value) for key, value in given.items() if value is not None}
        for key in ("since", "until"):
            if key in params:
                params[key] = read_time(params[key]).isoformat()
        return cls(params)


def read_time(text: str) -> datetime:
    """Reads a time: an age (``30m``, ``2h``, ``7d``), or an ISO time, by default in local time."""
    if found := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ControlError(
            f"{text!r} is not a time: give one such as 30m, 2h, 7d or 2026-11-26T10:00"
        ) from None


def search(data: Path | None, criteria: Search, lines: int) -> list["LogEntry"]:
    """The newest matching queries, at most ``lines``, the newest last."""
    from keyhole.querylog.entry import read_entry

    entries: list[LogEntry] = []
    cursor: str | None = None
    with ApiClient(data) as api:
        while len(entries) < lines:
            params = {**criteria.params, "limit": str(min(1_000, lines - len(entries)))}
            if cursor is not None:
                params["cursor"] = cursor
            page = api.ask("GET", "/queries", params=params).json()
            for item in page["items"]:
                if (entry := read_entry(item)) is not None:
                    named = {key: item.get(key) for key in ("client_name", "client_name_source")}
                    entries.append(replace(entry, **named))
            cursor = page["next"]
            if cursor is None:
                break
    return entries[::-1]


def export(data: Path | None, criteria: Search, file: Path) -> None:
    """Writes matching queries to a file, all or nothing; its extension selects the format."""
    form = _FORMS.get(file.suffix)
    if form is None:
        raise ControlError(f"{file.name} has no known extension; use one of {', '.join(_FORMS)}")
    with ApiClient(data) as api:
        answer = api.ask("GET", "/queries/export", params={**criteria.params, "format": form})
    durable.write_bytes(file, answer.content, durable.SHARED_FILE)
    console().print(f"wrote {escape(sanitize(str(file)))}, {len(answer.content):,} octets")


def lines_of(data: Path | None, entries: list["LogEntry"]) -> dict[str, list[str]]:
    """File and line of each blocked name in its list, by name."""
    found: dict[str, list[str]] = {}
    with ApiClient(data) as api:
        for entry in entries:
            if entry.list_name is None or entry.name is None or entry.name in found:
                continue
            if entry.file is not None:
                found[entry.name] = [f"{entry.file}:{entry.line}"]
                continue
            # An older version wrote no place: the lists as they are now have it.
            hits: list[dict[str, Any]] = api.ask(
                "GET", "/lists/search", params={"name": entry.target or entry.name}
            ).json()["items"]
            found[entry.name] = [
                f"{hit['file']}:{hit['line']}" for hit in hits if hit["list"] == entry.list_name
            ]
    return found
