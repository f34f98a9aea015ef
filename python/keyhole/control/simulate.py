"""The use case behind ``keyhole simulate``: evaluates logged queries under a draft."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from keyhole.control.compile import Compiled, compile_all
from keyhole.control.data_folder import DataFolder
from keyhole.control.declared import declared_paths
from keyhole.control.difference import Kind, PolicyOutcome, Reasons, change, depends_on_answer
from keyhole.control.lists import existing_settings
from keyhole.control.schedule_state import ScheduleState, schedule_state
from keyhole.control.settings import read_settings
from keyhole.engine import catalogue, judge
from keyhole.model.snapshot import Snapshot
from keyhole.querylog import ClientRef, LogReader

_AT_ONCE = 10_000
"""Questions per call of the core."""


@dataclass(frozen=True)
class Change:
    """The change of equal queries under the draft."""

    what: Kind
    who: ClientRef
    name: str
    kind: str
    count: int
    before: str
    after: str
    cause: dict[str, Any] | None
    """What decides in the draft, in the form of ``explain``."""


@dataclass
class Simulation:
    """The effect of a draft on the queries of a log."""

    changes: list[Change] = field(default_factory=list)
    judged: int = 0
    """Number of queries that the draft decides."""
    questions: int = 0
    """Number of different questions among them."""
    anonymous: int = 0
    """Number of those queries whose client was not logged."""
    undecidable: int = 0
    """Number of those queries that were blocked because of the upstream answer."""
    not_judged: Counter[str] = field(default_factory=Counter)
    """Number of queries that documents do not decide, by reason."""
    damaged: int = 0
    """Number of lines that cannot be read."""
    lost: int = 0
    """Number of events that the log reports as lost."""

    def count(self, what: Kind) -> int:
        """Number of queries with this kind of change."""
        return sum(change.count for change in self.changes if change.what == what)

    @property
    def changes_answers(self) -> bool:
        """Whether any client would get a different answer."""
        return any(change.what != "would be observed" for change in self.changes)


@dataclass(frozen=True)
class Question:
    """The properties of a query on which a draft decides."""

    who: ClientRef
    name: str
    kind: str
    is_expired: bool
    schedule_state: ScheduleState

    def document(self, at: int) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.kind,
            "transport": "udp",
            "as": self.who.as_document,
            "expired": self.is_expired,
            "at": at,
        }


@dataclass
class Occurrences:
    """The number of queries with the same question and outcome, and the time of the first."""

    at: int
    count: int = 0


Seen = dict[tuple[Question, PolicyOutcome], Occurrences]
"""Logged queries by question and outcome."""


def simulate(
    data: DataFolder, files: Sequence[Path], logs: Sequence[Path], *, config: Path | None = None
) -> Simulation:
    """Evaluates each different question of the logs under the draft.

    With a folder among ``files``, they are the complete set of documents. Otherwise each document
    replaces the one of the same kind and name in the data folder. Memory grows with the number of
    different questions, not with the log. Raises ``DocumentErrors`` if the draft is not valid, and
    ``QueryLogError`` or ``ControlError`` if there is no log or no settings file.
    """
    log = LogReader(logs or [data.query_log.parent])
    settings = read_settings(existing_settings(data, config))
    is_whole = any(file.is_dir() for file in files)
    over = () if is_whole else (*declared_paths(settings, data), *data.stored_folders)
    with tempfile.TemporaryDirectory(prefix="keyhole-simulate-") as folder:
        # A draft must not change the list state of the running Keyhole.
        scratch = DataFolder(Path(folder))
        scratch.make()
        compiled = compile_all(
            settings,
            scratch,
            documents=files,
            over=over,
            identity=data.identity,
            downloads=data.state,
        )
        return _replay(log, compiled)


def _replay(log: LogReader, compiled: Compiled) -> Simulation:
    simulation = Simulation()
    reasons = Reasons(catalogue()["reasons"])
    seen = _read(log, compiled.snapshot, reasons, simulation)
    simulation.damaged, simulation.lost = log.damaged, log.lost
    replay(simulation, seen, compiled.octets, reasons)
    return simulation


def replay(
    simulation: Simulation,
    seen: Seen,
    draft: bytes,
    reasons: Reasons,
    *,
    today: bytes | None = None,
) -> None:
    """Judges all questions under a draft, an encoded snapshot. With ``today``, the snapshot in
    force, only queries count that the draft decides in another way than that one."""
    simulation.questions = len({question for question, _ in seen})
    pairs = iter(seen.items())
    while some := list(islice(pairs, _AT_ONCE)):
        questions = [question.document(one.at) for (question, _), one in some]
        verdicts = judge(draft, questions)
        known = judge(today, questions) if today is not None else [None] * len(questions)
        for ((question, past), one), verdict, now in zip(some, verdicts, known, strict=True):
            if now is None or reasons.future(now) != reasons.future(verdict):
                _compare(simulation, question, past, one.count, verdict, reasons)
    simulation.changes.sort(key=lambda one: (str(one.who), -one.count, one.name, one.kind))


def _read(log: LogReader, snapshot: Snapshot, reasons: Reasons, simulation: Simulation) -> Seen:
    seen: Seen = {}
    for entry in log:
        past = reasons.past(entry)
        if past is None or entry.name is None or entry.kind is None:
            simulation.not_judged[entry.reason] += entry.count
            continue
        simulation.judged += entry.count
        simulation.anonymous += entry.count * (entry.client_ref.kind == "anonymous")
        at = int(entry.time.timestamp())
        question = Question(
            entry.client_ref,
            entry.name,
            entry.kind,
            is_expired(entry.client_ref, entry.reason, entry.policy, snapshot),
            schedule_state(snapshot.schedules, at),
        )
        seen.setdefault((question, past), Occurrences(at)).count += entry.count
    return seen


def is_expired(who: ClientRef, reason: str, policy: str | None, snapshot: Snapshot) -> bool:
    """Whether the client had an expired certificate. The log does not say so; the policy that
    applied does."""
    if who.kind != "identity":
        return False
    if reason == "identity_expired":
        return True
    index = snapshot.subjects.expired
    return index is not None and snapshot.policies[index].name == policy


def _compare(
    simulation: Simulation,
    question: Question,
    past: PolicyOutcome,
    count: int,
    verdict: dict[str, Any],
    reasons: Reasons,
) -> None:
    future = reasons.future(verdict)
    if depends_on_answer(past, future):
        simulation.undecidable += count
    what = change(past, future)
    if what is None:
        return
    cause = verdict["observed"] if what == "would be observed" else verdict["cause"]
    simulation.changes.append(
        Change(
            what,
            question.who,
            question.name,
            question.kind,
            count,
            past.reason,
            future.reason,
            cause,
        )
    )
