"""The effect of a change on the queries of the history, before it is made."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from keyhole.control.changes import ChangeRequest, Changes
from keyhole.control.data_folder import DataFolder
from keyhole.control.difference import Reasons
from keyhole.control.error import ControlError
from keyhole.control.overrides import DecisionRequest, DecisionService
from keyhole.control.query_history import QueryHistory
from keyhole.control.reconciler import Reconciler
from keyhole.control.schedule_state import ScheduleState, schedule_state
from keyhole.control.simulate import Occurrences, Question, Seen, Simulation, is_expired, replay
from keyhole.engine import catalogue
from keyhole.model.overrides import Decision, Overrides
from keyhole.model.snapshot import Snapshot
from keyhole.policy.overrides import lay_over
from keyhole.policy.subject_match import SubjectTables
from keyhole.querylog import ClientRef
from keyhole.querylog.history import Criteria, LoggedQuestion
from keyhole.querylog.history.questions import Questions, questions

_MICROS = 1_000_000
CLIENT_NOT_LOGGED = "client_not_logged"
"""In place of a reason: queries whose client and its kind the log does not have."""
_MINUTES = 15
"""Schedules are judged at the first query of each interval of so many minutes: all offsets of time
zones are multiples of it, and so are most times in schedules."""


@dataclass(frozen=True)
class HistorySimulation:
    """The simulation, and the queries that it covers."""

    simulation: Simulation
    since: int
    """Where it begins, in microseconds of Unix time: later than asked if there are too many
    queries."""
    until: int
    left_out: int
    """Queries of this time with a question that was not judged, because there are too many."""


class SimulationService:
    """Simulates changes of documents and decisions. Callers see to it that it is one at a time."""

    def __init__(
        self,
        queries: QueryHistory,
        reconciler: Reconciler,
        changes: Changes | None,
        decisions: DecisionService | None,
        data: DataFolder,
    ) -> None:
        self._queries = queries
        self._reconciler = reconciler
        self._changes = changes
        self._decisions = decisions
        self._data = data

    async def of_documents(
        self, requests: Sequence[ChangeRequest], since: int, until: int
    ) -> HistorySimulation:
        """The effect of changed documents. Raises as `Changes.apply`, and ``OSError`` and
        ``duckdb.Error`` if there is no history."""
        if self._changes is None:
            raise ControlError("the database cannot be used, so documents cannot be compiled")
        with tempfile.TemporaryDirectory(prefix="keyhole-simulate-") as folder:
            scratch = DataFolder(Path(folder))
            scratch.make()
            today = self._in_force()
            compiled = await self._changes.compile_draft(requests, scratch)
            overrides = await asyncio.to_thread(self._data.read_overrides)
            draft = compiled.with_overrides(overrides, compiled.number).snapshot
            wanted = Criteria(since=since, until=until)
            return await asyncio.to_thread(self._run, draft, today, wanted)

    async def of_decision(
        self, request: DecisionRequest, since: int, until: int
    ) -> HistorySimulation:
        """The effect of a decision. Raises as `DecisionService.decide` and as
        `of_documents`."""
        if self._decisions is None:
            raise ControlError("the database cannot be used, so nothing can be decided")
        decision = self._decisions.read(request)
        overrides = await asyncio.to_thread(self._data.read_overrides)
        compiled = self._reconciler.in_force
        today = self._in_force()
        assert compiled is not None
        # As if it had been in force all the time: an end would spare all past queries.
        draft = lay_over(compiled.plain, _decided(overrides, decision))
        name = None if decision.below else decision.name
        below = decision.name if decision.below else None
        wanted = Criteria(since=since, until=until, name=name, below=below)
        return await asyncio.to_thread(self._run, draft, today, wanted)

    def _in_force(self) -> Snapshot:
        compiled = self._reconciler.in_force
        if compiled is None:
            raise ControlError("the documents in force are not valid; mend them first")
        return compiled.snapshot

    def _run(self, draft: Snapshot, today: Snapshot, wanted: Criteria) -> HistorySimulation:
        has_schedules = bool(draft.schedules or today.schedules)
        minutes = _MINUTES if has_schedules else None
        history = self._queries.history()
        found: Questions = history.ask(partial(_questions, wanted=wanted, minutes=minutes))
        simulation = Simulation()
        reasons = Reasons(catalogue()["reasons"])
        seen: Seen = {}
        local = SubjectTables(today).address("127.0.0.1").policy
        assumed = local.name if local is not None else None
        for one in found.questions:
            at = one.time // _MICROS
            state = schedule_state([*draft.schedules, *today.schedules], at)
            _add(seen, one, state, draft, reasons, simulation, assumed)
        replay(simulation, seen, draft.to_json(), reasons, today=today.to_json())
        since, until = wanted.since or 0, wanted.until or 0
        begin = history.size.begin
        kept = since if begin is None else max(since, begin)
        edge = kept if found.searched_to is None else max(kept, found.searched_to + 1)
        left_out = found.queries - sum(one.queries for one in found.questions)
        return HistorySimulation(simulation, min(edge, until), until, left_out)


def _questions(
    cursor: object, segments: object, indexes: object, *, wanted: Criteria, minutes: int | None
) -> Questions:
    return questions(cursor, segments, indexes, wanted, minutes=minutes)  # type: ignore[arg-type]


def _decided(overrides: Overrides, decision: Decision) -> Overrides:
    """The overrides with this decision in the place of an earlier one about the same."""
    now = int(time.time())
    same = (decision.name, decision.below, decision.client)
    others = [
        one for one in overrides.at(now).decisions if (one.name, one.below, one.client) != same
    ]
    number = max((one.number for one in overrides.decisions), default=0) + 1
    new = decision.model_copy(update={"number": number, "until": None})
    return Overrides(pauses=overrides.at(now).pauses, decisions=[*others, new])


def _add(
    seen: Seen,
    one: LoggedQuestion,
    state: ScheduleState,
    snapshot: Snapshot,
    reasons: Reasons,
    simulation: Simulation,
    assumed: str | None,
) -> None:
    """``assumed``: the policy that a client without a name is judged by. Under another policy it
    is somebody else, and what it would get cannot be said."""
    past = reasons.logged(one.outcome, one.reason, is_observed=one.is_observed)
    if past is None or one.name is None or one.type is None:
        simulation.not_judged[one.reason] += one.queries
        return
    who = _client_ref(one)
    if who.kind == "anonymous" and one.policy != assumed:
        simulation.not_judged[CLIENT_NOT_LOGGED] += one.queries
        return
    simulation.judged += one.queries
    simulation.anonymous += one.queries if who.kind == "anonymous" else 0
    question = Question(
        who,
        one.name,
        one.type,
        is_expired(who, one.reason, one.policy, snapshot),
        state,
    )
    seen.setdefault((question, past), Occurrences(one.time // _MICROS)).count += one.queries


def _client_ref(one: LoggedQuestion) -> ClientRef:
    if one.identity is not None:
        return ClientRef("identity", one.identity)
    if one.token is not None:
        return ClientRef("token", one.token)
    return ClientRef("anonymous") if one.client is None else ClientRef("address", one.client)
