"""The half of ``keyhole log`` that asks a running Keyhole: searching and exporting the history."""

import re
from dataclasses import dataclass
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
    """What is looked for: the parameters of the API, as a person gave them."""

    params: dict[str, str]

    @classmethod
    def of(cls, **given: str | int | None) -> "Search":
        """Leaves out what was not given, and reads times as :func:`read_time` does."""
        params = {key: str(value) for key, value in given.items() if value is not None}
        for key in ("since", "until"):
            if key in params:
                params[key] = read_time(params[key]).isoformat()
        return cls(params)


def read_time(text: str) -> datetime:
    """A time: so long ago (``30m``, ``2h``, ``7d``), or an ISO time in the zone of this machine."""
    if found := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ControlError(
            f"{text!r} is no time: give one such as 30m, 2h, 7d or 2026-11-26T10:00"
        ) from None


def search(data: Path | None, wanted: Search, lines: int) -> list["LogEntry"]:
    """The newest queries that fit, the newest last."""
    from keyhole.querylog.entry import read_entry

    entries: list[LogEntry] = []
    cursor: str | None = None
    with ApiClient(data) as api:
        while len(entries) < lines:
            params = {**wanted.params, "limit": str(min(1_000, lines - len(entries)))}
            if cursor is not None:
                params["cursor"] = cursor
            page = api.ask("GET", "/queries", params=params).json()
            entries += [entry for entry in map(read_entry, page["items"]) if entry is not None]
            cursor = page["next"]
            if cursor is None:
                break
    return entries[::-1]


def export(data: Path | None, wanted: Search, file: Path) -> None:
    """Writes what fits into a file, whole or not at all; its name says the form."""
    form = _FORMS.get(file.suffix)
    if form is None:
        raise ControlError(f"{file.name} does not say the form; end it with {', '.join(_FORMS)}")
    with ApiClient(data) as api:
        answer = api.ask("GET", "/queries/export", params={**wanted.params, "format": form})
    durable.write_bytes(file, answer.content, durable.SHARED_FILE)
    console().print(f"wrote {escape(sanitize(str(file)))}, {len(answer.content):,} octets")


def lines_of(data: Path | None, entries: list["LogEntry"]) -> dict[str, list[str]]:
    """Where in its list each blocked name stands now: file and line, by name."""
    found: dict[str, list[str]] = {}
    with ApiClient(data) as api:
        for entry in entries:
            if entry.list_name is None or entry.name is None or entry.name in found:
                continue
            hits: list[dict[str, Any]] = api.ask(
                "GET", "/lists/search", params={"name": entry.name}
            ).json()["items"]
            found[entry.name] = [
                f"{hit['file']}:{hit['line']}" for hit in hits if hit["list"] == entry.list_name
            ]
    return found
