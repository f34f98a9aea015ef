"""Quarantines: one client gets no answer until a time, or until somebody lifts it.

A quarantine is kept as a decision about every name, so it lives, ends and reaches the engines as
the other decisions do.
"""

import ipaddress
import time
from datetime import UTC, datetime

from sqlalchemy import Connection

from keyhole.control.error import ControlError, InvalidError, NotThereError
from keyhole.control.overrides.store import OverrideResult, OverrideStore
from keyhole.model.address import read_network
from keyhole.model.overrides import EVERY_NAME, MAX_QUARANTINE, Decision, read_client
from keyhole.model.snapshot import Snapshot
from keyhole.policy.overrides import scope_of
from keyhole.store import Actor, AuditEntry, append
from keyhole.store.overrides import StoredDecision, decisions, remove_decision, write_decision

MAX_QUARANTINES = 200
"""Each adds a policy for its client."""
MIN_SECONDS = 60
IPV6_BITS = 56
"""The network of a single IPv6 address that is in quarantine, as accounts have it."""
_WIDEST = {4: 24, 6: 48}
"""Prefix lengths by version of the address."""


class StandsError(ControlError):
    """The client is in a quarantine that this one must not replace."""


class QuarantineService:
    """Makes, lists and lifts quarantines."""

    def __init__(self, store: OverrideStore) -> None:
        self._store = store

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot without overrides; none before the first one."""
        return self._store.snapshot

    def active(self) -> list[StoredDecision]:
        """All that are kept, the newest first. One that has ended is kept, and acts, until a clock
        that is believed says so."""
        with self._store.database.read() as connection:
            return [one for one in decisions(connection) if one.decision.is_quarantine]

    async def impose(
        self,
        client: str,
        seconds: int,
        actor: Actor,
        why: str,
        finding: int | None = None,
        replaces: int | None = None,
    ) -> tuple[StoredDecision, OverrideResult]:
        """Refuses every query of a client for so many seconds; replaces an earlier quarantine of
        it, but one that ends later only if ``replaces`` is its number. ``finding`` is the number
        of what led to it: a policy imposed it then, which never replaces a quarantine that a
        person made or that ends later.

        Raises ``StandsError`` where such a one stands, and ``InvalidError`` for a client that is
        invalid or unknown, and for a time that is too short or too long.
        """
        if not MIN_SECONDS <= seconds <= MAX_QUARANTINE:
            days = MAX_QUARANTINE // 86_400
            raise InvalidError(f"a quarantine lasts from a minute to {days} days")
        now = int(time.time())
        decision = Decision(
            number=1,
            action="block",
            name=EVERY_NAME,
            below=True,
            client=_client(client),
            since=now,
            until=now + seconds,
        )
        snapshot = self._store.snapshot
        if snapshot is not None and not scope_of(snapshot, decision).policies:
            raise InvalidError(
                f"{client} is unknown here: no token and no client has this name, or no policy "
                "applies to it"
            )

        def write(connection: Connection) -> StoredDecision:
            until = datetime.fromtimestamp(now + seconds, UTC).isoformat()
            detail: dict[str, str | None] = {"client": decision.client, "until": until}
            before = next((one for one in decisions(connection) if _is_of(one, decision)), None)
            if before is not None:
                _require_replaceable(before, actor, why, now + seconds, finding, replaces)
                detail["before"] = _told(before)
            if finding is not None:
                # The finding may be kept no longer than the query log; the audit record has its
                # client all the same, since somebody is accountable for the quarantine.
                detail["finding"] = str(finding)
            entry = AuditEntry(actor.name, actor.via, "quarantine", actor.address, why, detail)
            number = append(connection, entry)
            stored = StoredDecision(decision.model_copy(update={"number": number}), actor.name, why)
            write_decision(connection, stored)
            if sum(one.decision.is_quarantine for one in decisions(connection)) > MAX_QUARANTINES:
                raise InvalidError(
                    f"there are {MAX_QUARANTINES} quarantines already; lift some, or have a policy "
                    "deny by default"
                )
            return stored

        # What a policy imposes must not wait for an engine that cannot be reached.
        return await self._store.change(write, waits=finding is None)

    async def lift(self, number: int, actor: Actor, why: str | None) -> OverrideResult:
        """Ends a quarantine now; raises ``NotThereError``."""

        def write(connection: Connection) -> None:
            found = next(
                (
                    one
                    for one in decisions(connection)
                    if one.decision.number == number and one.decision.is_quarantine
                ),
                None,
            )
            if found is None or not remove_decision(connection, number):
                raise NotThereError(
                    f"there is no quarantine {number}; keyhole quarantine list shows them all"
                )
            detail = {"client": found.decision.client, "quarantine": str(number)}
            append(
                connection,
                AuditEntry(actor.name, actor.via, "quarantine_lifted", actor.address, why, detail),
            )

        _, result = await self._store.change(write)
        return result


def _is_of(stored: StoredDecision, decision: Decision) -> bool:
    return stored.decision.is_quarantine and stored.decision.client == decision.client


def _stands(before: StoredDecision, actor: Actor, why: str, until: int) -> bool:
    """Whether a policy leaves this quarantine as it is; also that of the same finding, where it was
    killed before it could note that."""
    is_same = before.who == actor.name and before.why == why
    return is_same or before.who != actor.name or (before.decision.until or 0) > until


def _require_replaceable(
    before: StoredDecision,
    actor: Actor,
    why: str,
    until: int,
    finding: int | None,
    replaces: int | None,
) -> None:
    """Raises ``StandsError`` for a quarantine that a policy leaves alone, and for one whose end a
    person would bring forward without knowing of it."""
    number = before.decision.number
    if finding is not None:
        if _stands(before, actor, why, until):
            raise StandsError(f"{_told(before)} stands")
    elif (before.decision.until or 0) > until and replaces != number:
        raise StandsError(
            f"{before.decision.client} is in {_told(before)}, which ends later than this one "
            f"would; lift quarantine {number} first, or let this one last longer"
        )


def _told(stored: StoredDecision) -> str:
    """A quarantine for the audit record: number, end and author."""
    until = datetime.fromtimestamp(stored.decision.until or 0, UTC).isoformat()
    return f"quarantine {stored.decision.number} until {until} by {stored.who}"


def _client(written: str) -> str:
    """Who is meant. A single IPv6 address is widened to the network that shares an account: its
    client takes another address at will. A wide network is refused, for it is many clients."""
    try:
        subject = read_client(written)
    except ValueError as error:
        raise InvalidError(str(error)) from None
    if subject.kind != "cidr":
        return subject.written
    network = read_network(subject.value)
    if network.version == 6 and network.prefixlen == network.max_prefixlen:
        return str(ipaddress.ip_network((int(network.network_address), IPV6_BITS), strict=False))
    widest = _WIDEST[network.version]
    if network.prefixlen < widest:
        raise InvalidError(
            f"{network} is wider than a /{widest}: that is not one client; give a narrower "
            "network, or write a policy that denies by default"
        )
    return subject.written
