"""What a list would do, before anybody subscribes to it."""

import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from keyhole.control.list_refresh.refresher import ListRefresher
from keyhole.engine import compile_list, search_list
from keyhole.errors import KeyholeError
from keyhole.lists import lost_lines
from keyhole.lists.core_protocol import CompileReport, CompileRequest, FileRequest, ListRequest
from keyhole.model.list import Format
from keyhole.model.units import MIB

SECONDS = 60.0
"""How long the download for a preview may take: a person waits for it."""
MAX_SAMPLES = 20
_HASHED = 256 * MIB
"""Octets that are read for samples: each search reads the compiled list once."""
_MAX_SEARCHES = 150
_LOOKED_AT = 400
"""Lines that are looked at for samples, spread over the whole list."""
_CANDIDATE = re.compile(r"[^\s|^@*/,:;\"'()\[\]{}<>=&$]*[^\s|^@*/,:;\"'()\[\]{}<>=&$.]")
_MAX_LINE = 1_000


@dataclass(frozen=True)
class Sample:
    """One entry of the list, as it was understood."""

    line: int
    pattern: str
    action: Literal["block", "allow"]
    important: bool


@dataclass(frozen=True)
class AskedName:
    """A name that clients asked for, and the entry that decides it."""

    name: str
    queries: int
    pattern: str
    action: Literal["block", "allow"]


@dataclass
class Preview:
    """What a list would do."""

    octets: int
    report: CompileReport
    lost: str = ""
    """How much of it is left out, and why; empty up to a tenth."""
    samples: list[Sample] = field(default_factory=list)
    asked: list[AskedName] = field(default_factory=list)
    """The names among those that were given which the list decides."""
    compared: int = 0
    """How many of them were looked up."""


@dataclass(frozen=True)
class ListDraft:
    """A list that nobody stored: a URL or entries."""

    kind: Literal["block", "allow"]
    format: Format
    url: str | None = None
    entries: str | None = None


def preview(
    draft: ListDraft, refresher: ListRefresher, protected: Iterable[str], asked: dict[str, int]
) -> Preview:
    """Downloads and compiles a list in a folder of its own; nothing in force changes. Blocks.

    ``protected`` are the names that no list may block; ``asked`` are names that clients asked for,
    with the number of queries, the most frequent first. Raises `DownloadError`, and ``Refusal`` if
    the list cannot be compiled.
    """
    with tempfile.TemporaryDirectory(prefix="keyhole-preview-") as folder:
        source = Path(folder) / "list.txt"
        if draft.url is not None:
            refresher.fetch_once(draft.url, source, SECONDS)
        else:
            source.write_text(draft.entries or "", encoding="utf-8")
        return _Compiled(draft, source, protected).preview(asked)


class _Compiled:
    """The compiled list, with a bound on the number of searches."""

    def __init__(self, draft: ListDraft, source: Path, protected: Iterable[str]) -> None:
        self._source = source
        self._file = source.with_suffix(".khl")
        one = FileRequest(path=str(source), format=draft.format)
        request = CompileRequest(
            output=str(self._file),
            protected=sorted(set(protected)),
            lists=[ListRequest(name="preview", kind=draft.kind, files=[one])],
        )
        self.report = CompileReport.read(compile_list(request.to_json()))
        self._searches = min(_MAX_SEARCHES, max(10, _HASHED // max(1, self.report.octets)))

    def preview(self, asked: dict[str, int]) -> Preview:
        found = Preview(self._source.stat().st_size, self.report, lost_lines(self.report.lists[0]))
        # Half for each, so that a long list still shows both.
        limit = self._searches // 2
        found.samples = list(islice(self._samples(limit), MAX_SAMPLES))
        names = list(islice(asked.items(), limit))
        found.compared = len(names)
        found.asked = [one for name, queries in names for one in self._decided(name, queries)]
        return found

    def _samples(self, most: int) -> Iterator[Sample]:
        """Entries from the whole list: what the compiler made of a line, not the line itself."""
        tried = 0
        for number, line in self._some_lines():
            for name in _candidates(line):
                if tried >= most:
                    return
                tried += 1
                hit = next((one for one in self._search(name) if one["line"] == number), None)
                if hit is not None:
                    yield Sample(number, hit["pattern"], hit["action"], hit["important"])
                    break

    def _some_lines(self) -> Iterator[tuple[int, str]]:
        lines = self.report.lists[0].files[0].lines
        step = max(1, lines // _LOOKED_AT)
        with self._source.open(encoding="utf-8", errors="replace", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if number % step == 0 or lines <= _LOOKED_AT:
                    yield number, line[:_MAX_LINE]

    def _decided(self, name: str, queries: int) -> Iterator[AskedName]:
        hits = self._search(name)
        if hits:
            hit = next((one for one in hits if one["action"] == "allow"), hits[0])
            yield AskedName(name, queries, hit["pattern"], hit["action"])

    def _search(self, name: str) -> list[dict[str, Any]]:
        request = {
            "version": self.report.version,
            "path": str(self._file),
            "sha256": self.report.sha256,
            "name": name,
        }
        try:
            found: dict[str, Any] = json.loads(search_list(json.dumps(request).encode()))
        except KeyholeError:
            return []  # not a name
        hits: list[dict[str, Any]] = found["hits"]
        return hits


def _candidates(line: str) -> Iterator[str]:
    """What may be a name in a line of any format, the likeliest first."""
    text = line.strip()
    if not text or text[0] in "#!;":
        return
    words = [one.strip(".") for one in _CANDIDATE.findall(text)]
    names = [one for one in words if one and not _is_address(one)]
    yield from sorted(names, key=lambda one: "." not in one)[:2]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
