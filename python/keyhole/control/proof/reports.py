"""The last report of each target, in a file of the state folder."""

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ValidationError

from keyhole.control.data_folder import DataFolder, write_durably
from keyhole.control.error import InvalidError, NotThereError
from keyhole.control.parts import PROOF, Parts
from keyhole.model.proof import ProofLine, ProofReport
from keyhole.model.units import show_octets
from keyhole.store import Actor, AuditEntry, Database, append
from keyhole.system.regular_file import read_regular

MAX_TARGETS = 20
"""Beyond it the one with the oldest report goes."""
MAX_OCTETS = 32 * 2**20
MAX_REPORT = MAX_OCTETS // MAX_TARGETS * 9 // 10
"""Octets of the report of one target: all of them can be read again, whoever sent the others."""
PART = "proof"
"""In the record of what the data folder has had."""
LOOK_SECONDS = 30.0
MAX_AHEAD = timedelta(minutes=5)
_SLACK = timedelta(minutes=15)
"""A run takes its time: a report is late only so long after it was due."""
_SHOWN = 5


class KeptReport(BaseModel):
    """A report, who told it, and when it came."""

    report: ProofReport
    by: str
    received: AwareDatetime

    @property
    def broken(self) -> list[str]:
        """The checks whose promise did not hold, or could not be tried."""
        return sorted(line.id for line in self.report.lines if line.is_wrong)

    @property
    def id(self) -> str:
        """Names its target in an address."""
        return hashlib.sha256(self.report.target.encode()).hexdigest()[:12]

    @property
    def due(self) -> datetime | None:
        """When the next one should be there; none if nobody waits."""
        every = self.report.every
        return None if every is None else self.received + timedelta(seconds=every)

    @property
    def is_late(self) -> bool:
        """Whether the next one should have been there by now."""
        due = self.due
        return due is not None and datetime.now(UTC) > due + _SLACK

    @classmethod
    def now(cls, report: ProofReport, by: str) -> Self:
        """A report that has come now."""
        return cls(report=report, by=by, received=datetime.now(UTC))


class _File(BaseModel):
    reports: list[KeptReport]


class ProofReports:
    """The reports; thread-safe. What is wrong in them is a part that needs attention."""

    def __init__(self, data: DataFolder, parts: Parts) -> None:
        """Reads what was kept. A damaged file is a part that failed, until the next report."""
        self._file = data.state / "proof.json"
        self._installation = data.installation
        self._parts = parts
        self.database: Database | None = None
        """For the audit record; none where it cannot be used."""
        self._lock = threading.Lock()
        self._known: dict[str, KeptReport] = {}
        self._damage: str | None = None
        self._read()
        self.judge()

    @property
    def known(self) -> list[KeptReport]:
        """All of them, the newest first."""
        found = list(self._known.values())
        return sorted(found, key=lambda one: one.report.started, reverse=True)

    def take(self, one: KeptReport, actor: Actor) -> None:
        """Keeps a report in place of the one before of its target (`ProofReport.after`). Where
        other promises are broken than before, that is an entry of the audit record. Blocks. Raises
        `InvalidError` for one that is older, ``StoreError`` and ``UnwritableError``; then nothing
        changed."""
        with self._lock:
            before = self._known.get(one.report.target)
            if before is not None and one.report.started < before.report.started:
                raise InvalidError(
                    f"a newer report of {one.report.target} is there, of a run that began at "
                    f"{before.report.started.isoformat()}"
                )
            if one.report.started > datetime.now(UTC) + MAX_AHEAD:
                raise InvalidError(
                    f"the run began at {one.report.started.isoformat()}, which is not yet; "
                    "compare the clocks of the two machines"
                )
            one = one.model_copy(update={"report": _merged(one.report, before)})
            known = {**self._known, one.report.target: one}
            if len(known) > MAX_TARGETS:
                oldest = min(known.values(), key=lambda each: each.received)
                known.pop(oldest.report.target)
            is_news = before is None or before.broken != one.broken
            detail = {"target": one.report.target, "broken": one.broken}
            self._write(known, _audit_entry(actor, "proof_changed", detail) if is_news else None)
        self.judge()

    def forget(self, number: str, actor: Actor) -> None:
        """Drops the report of the target with this id. Blocks. Raises `NotThereError`,
        ``StoreError`` and ``UnwritableError``."""
        with self._lock:
            found = next((one for one in self._known.values() if one.id == number), None)
            if found is None:
                raise NotThereError(f"there is no report {number}; keyhole proof shows them")
            target = found.report.target
            known = {name: one for name, one in self._known.items() if name != target}
            self._write(known, _audit_entry(actor, "proof_forgotten", {"target": target}))
        self.judge()

    async def run(self) -> None:
        """Looks regularly whether a report is late, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.judge()

    def judge(self) -> None:
        """Records whether something needs a person."""
        wrong = [*_broken(self.known), *_late(self.known)]
        shown = wrong[:_SHOWN]
        if (more := len(wrong) - _SHOWN) > 0:
            shown.append(f"and {more} more; keyhole proof shows all")
        if self._damage is not None:
            shown.append(self._damage)
        self._parts.set(PROOF, "\n".join(shown) or None)

    def _write(self, known: dict[str, KeptReport], entry: AuditEntry | None) -> None:
        content = _File(reports=list(known.values())).model_dump_json(indent=1)
        with self.database.begin() if entry and self.database else nullcontext() as connection:
            if connection is not None and entry is not None:
                append(connection, entry)
            write_durably(self._file, content.encode())
        with suppress(OSError):  # the reports are kept; only a later loss of them is not noticed
            self._installation.remember(PART)
        self._known, self._damage = known, None

    def _read(self) -> None:
        try:
            content = read_regular(self._file, MAX_OCTETS)
            found = _File.model_validate_json(content).reports
        except FileNotFoundError:
            if self._installation.has(PART):
                self._damage = (
                    f"{self._file} is gone, and with it earlier reports and who waits for them; "
                    "run keyhole proof run, or wait for the next report, which makes it whole"
                )
            return
        except (OSError, ValidationError, ValueError) as error:
            self._damage = (
                f"{self._file} cannot be read, so earlier reports are gone ({_first(error)}); the "
                "next report makes it whole"
            )
            return
        self._known = {one.report.target: one for one in found}


def _merged(report: ProofReport, before: KeptReport | None) -> ProofReport:
    """A report with what is left of the one before. Raises `InvalidError` for one that is too large
    to be kept."""
    one = report.of_one_run()
    if before is not None:
        one = one.after(before.report)
    if len(one.model_dump_json(indent=1).encode()) > MAX_REPORT:
        raise InvalidError(
            f"the report, with what was broken before and was not tried again, is larger than "
            f"{show_octets(MAX_REPORT)}; shorten its texts, or forget the target first: keyhole "
            "proof forget"
        )
    return one


def _audit_entry(actor: Actor, action: str, detail: dict[str, Any]) -> AuditEntry:
    return AuditEntry(actor.name, actor.via, action, actor.address, None, detail)


def _broken(known: list[KeptReport]) -> Iterator[str]:
    for one in known:
        if one.report.is_empty:
            yield f"{one.report.target}: nothing was tried, each line was left out"
        for line in one.report.lines:
            if line.is_wrong:
                yield f"{one.report.target}: {_said(line)}"


def _said(line: ProofLine) -> str:
    how = "is broken" if line.verdict == "fail" else "could not be tried"
    when = f", tried {line.earlier.isoformat(timespec='minutes')}" if line.earlier else ""
    return f"the promise {line.id} {how} ({line.title}{when}): {line.seen}"


def _late(known: list[KeptReport]) -> Iterator[str]:
    for one in known:
        if one.is_late:
            last = one.received.isoformat(timespec="seconds")
            yield (
                f"{one.report.target}: no report since {last}, and one is due every "
                f"{one.report.every} s; does keyhole verify still run? If it is attacked no more: "
                "keyhole proof forget"
            )


def _first(error: Exception) -> str:
    return str(error).splitlines()[0]
