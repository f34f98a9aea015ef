"""Decisions: allow or block a name now, for everyone or for one client."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection

from keyhole.control.error import InvalidError, NotThereError
from keyhole.control.overrides.store import OverrideResult, OverrideStore
from keyhole.model.name import read_name
from keyhole.model.overrides import MAX_DECISION, Decision, read_client
from keyhole.policy.overrides import Scope, scope_of
from keyhole.store import Actor, AuditEntry, append
from keyhole.store.overrides import StoredDecision, decisions, remove_decision, write_decision

MAX_DECISIONS = 500
"""Each decision adds a rule to every policy, or a policy if it names a client. Use a list for
more."""


@dataclass(frozen=True)
class DecisionRequest:
    """The decision to make; without ``seconds`` it lasts until it is removed."""

    action: Literal["allow", "block"]
    name: str
    below: bool = False
    client: str | None = None
    seconds: int | None = None
    why: str | None = None


class DecisionService:
    """Makes, lists and removes decisions."""

    def __init__(self, store: OverrideStore) -> None:
        self._store = store

    def active(self) -> list[StoredDecision]:
        """The active decisions, newest first."""
        with self._store.database.read() as connection:
            found = decisions(connection)
        now = time.time()
        return [
            one
            for one in found
            if not one.decision.is_quarantine
            and (one.decision.until is None or one.decision.until > now)
        ]

    def reach(self, decision: Decision) -> Scope:
        """The policies in which a decision acts, and those that it must not open."""
        snapshot = self._store.snapshot
        return Scope(()) if snapshot is None else scope_of(snapshot, decision)

    async def decide(
        self, request: DecisionRequest, actor: Actor
    ) -> tuple[StoredDecision, OverrideResult]:
        """Makes a decision; it replaces an earlier one about the same names and client.

        Raises ``InvalidError`` for an invalid name or client, for a client without a policy, and
        if the decision would have no effect.
        """
        decision = self.read(request)

        def write(connection: Connection) -> StoredDecision:
            entry = _audit_entry(actor, request.action, request.why, decision)
            same = (decision.name, decision.below, decision.client)
            old = [
                one.decision
                for one in decisions(connection)
                if (one.decision.name, one.decision.below, one.decision.client) == same
            ]
            entry.detail["before"] = old[0].action if old else None
            entry.detail["after"] = decision.action
            number = append(connection, entry)
            stored = StoredDecision(
                decision.model_copy(update={"number": number}), actor.name, request.why
            )
            write_decision(connection, stored)
            made = [one for one in decisions(connection) if not one.decision.is_quarantine]
            if len(made) > MAX_DECISIONS:
                raise InvalidError(
                    f"there are {MAX_DECISIONS} decisions already; remove some, or write a list "
                    "or rules"
                )
            return stored

        return await self._store.change(write)

    def read(self, request: DecisionRequest) -> Decision:
        """The decision that a request would make now, with the number 1. Raises as ``decide``."""
        seconds = request.seconds
        if seconds is not None and not 1 <= seconds <= MAX_DECISION:
            days = MAX_DECISION // 86_400
            raise InvalidError(f"a decision that ends by itself lasts from 1 second to {days} days")
        now = int(time.time())
        try:
            name = read_name(request.name)
            subject = None if request.client is None else read_client(request.client)
        except ValueError as error:
            raise InvalidError(str(error)) from None
        decision = Decision(
            number=1,
            action=request.action,
            name=name,
            below=request.below,
            client=None if subject is None else subject.written,
            since=now,
            until=None if seconds is None else now + seconds,
        )
        self._refuse_without_effect(decision)
        return decision

    async def remove(self, number: int, actor: Actor) -> OverrideResult:
        """Removes a decision; raises ``NotThereError``."""

        def write(connection: Connection) -> None:
            found = next((k for k in decisions(connection) if k.decision.number == number), None)
            if found is not None and found.decision.is_quarantine:
                raise NotThereError(f"{number} is a quarantine: keyhole quarantine lift {number}")
            if found is None or not remove_decision(connection, number):
                raise NotThereError(
                    f"there is no decision {number}; keyhole decisions lists those that stand"
                )
            entry = _audit_entry(actor, "undecide", None, found.decision)
            entry.detail["before"], entry.detail["after"] = found.decision.action, None
            append(connection, entry)

        _, result = await self._store.change(write)
        return result

    def _refuse_without_effect(self, decision: Decision) -> None:
        snapshot = self._store.snapshot
        if snapshot is None or scope_of(snapshot, decision).policies:
            return
        if decision.client is None:
            raise InvalidError(
                "every policy denies by default, and none of them is opened for everyone; name the "
                "client, or write an allow rule"
            )
        raise InvalidError(
            f"{decision.client} is unknown here: no token and no client has this name, "
            "or no policy applies to it"
        )


def _audit_entry(actor: Actor, action: str, why: str | None, decision: Decision) -> AuditEntry:
    names = f"{decision.name} and below" if decision.below else decision.name
    detail = {"name": names, "client": decision.client or "everyone"}
    if decision.until is not None and action != "undecide":
        detail["until"] = datetime.fromtimestamp(decision.until, UTC).isoformat()
    if action == "undecide":
        detail["decision"] = f"{decision.number}, {decision.action}"
    return AuditEntry(actor.name, actor.via, action, actor.address, why, detail)
