"""Pauses of blocking, and their early end."""

import time
from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import Connection

from keyhole.control.error import InvalidError, NotThereError
from keyhole.control.overrides.store import OverrideResult, OverrideStore
from keyhole.model.overrides import MAX_PAUSE, Pause
from keyhole.policy.overrides import unknown_policy
from keyhole.store import Actor, AuditEntry, append
from keyhole.store.overrides import StoredPause, pauses, remove_pauses, write_pause

_ALL = "all policies"


class PauseService:
    """Makes, lists and ends pauses."""

    def __init__(self, store: OverrideStore) -> None:
        self._store = store

    def active(self) -> list[StoredPause]:
        """The active pauses."""
        with self._store.database.read() as connection:
            found = pauses(connection)
        return [one for one in found if one.pause.until > time.time()]

    async def pause(
        self, seconds: int, actor: Actor, *, policy: str | None = None, why: str | None = None
    ) -> tuple[StoredPause, OverrideResult]:
        """Pauses blocking by one policy, or by all, for this many seconds from now; it replaces an
        earlier pause.

        Raises ``NotThereError`` if the policy does not exist or applies to no client.
        """
        if not 1 <= seconds <= MAX_PAUSE:
            raise InvalidError(f"a pause lasts from 1 second to {MAX_PAUSE // 3600} hours")
        snapshot = self._store.snapshot
        if policy is not None and snapshot and (problem := unknown_policy(snapshot, policy)):
            raise NotThereError(problem)
        now = int(time.time())
        stored = StoredPause(Pause(policy=policy, since=now, until=now + seconds), actor.name, why)

        def write(connection: Connection) -> StoredPause:
            until = _time_text(stored.pause.until)
            before = _ends(connection, {policy})
            detail = {"policy": policy or _ALL, "until": until, "before": before, "after": until}
            append(connection, _audit_entry(actor, "pause", why, detail))
            write_pause(connection, stored)
            return stored

        return await self._store.change(write)

    async def resume(
        self, actor: Actor, *, policy: str | None = None
    ) -> tuple[int, OverrideResult]:
        """Ends the pause of a policy, or all pauses; returns how many there were.

        Raises ``NotThereError`` if the named policy has no pause of its own.
        """

        def write(connection: Connection) -> int:
            whose = {policy} if policy else {one.pause.policy for one in pauses(connection)}
            before = _ends(connection, whose)
            ended = remove_pauses(connection, policy)
            if not ended and policy is not None:
                every = any(one.pause.policy is None for one in pauses(connection))
                hint = "; all are paused together: end that pause" if every else ""
                raise NotThereError(f"the policy {policy} is not paused by itself{hint}")
            if ended:
                detail = {"policy": policy or _ALL, "before": before, "after": None}
                append(connection, _audit_entry(actor, "resume", None, detail))
            return ended

        return await self._store.change(write)


def _ends(connection: Connection, policies: Collection[str | None]) -> str | None:
    """When the pauses of these policies end, if there are any; ``None`` means all policies."""
    ends = [
        f"{one.pause.policy or _ALL} until {_time_text(one.pause.until)}"
        for one in pauses(connection)
        if one.pause.policy in policies
    ]
    return "; ".join(ends) or None


def _audit_entry(
    actor: Actor, action: str, why: str | None, detail: dict[str, str | None]
) -> AuditEntry:
    return AuditEntry(actor.name, actor.via, action, actor.address, why, detail)


def _time_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")
