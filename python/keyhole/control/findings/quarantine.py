"""Puts clients in quarantine where their policy wants that of one that used up a budget.

Only those that proved who they are: anybody can write the address of another into a datagram, and
must not have it refused everything.
"""

import asyncio
import time

from keyhole.control.error import InvalidError, UnwritableError
from keyhole.control.findings.finding import Finding
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.overrides import QuarantineService
from keyhole.control.overrides.quarantines import StandsError
from keyhole.errors import KeyholeError
from keyhole.model.snapshot import Snapshot
from keyhole.store import Actor, StoreError

_BY_POLICY = Actor("keyhole", "policy")
MAX_BY_POLICY = 100
"""Quarantines that policies impose; the other places are for people."""


class QuarantineByPolicy:
    """What follows a finding whose client was blocked."""

    def __init__(self, quarantines: QuarantineService, notify: Notify) -> None:
        self._quarantines = quarantines
        self._notify = notify

    async def impose(self, found: Finding) -> bool:
        """Puts the client of a finding in quarantine if its policy wants that, and its last blocked
        query is not older than the quarantine would be. Returns whether that is done with; not
        before there is a snapshot.

        What cannot be done is said, and done with. Raises ``StoreError`` and ``UnwritableError``,
        after which it is to be tried again.
        """
        snapshot = self._quarantines.snapshot
        if snapshot is None:
            return False
        seconds = _seconds(found, snapshot)
        if seconds is None:
            return False  # the policy may still come to want it
        client = _client(found, snapshot)
        if client is None or found.evidence.blocked + seconds < time.time():
            return True
        try:
            active = await asyncio.to_thread(self._quarantines.active)
            imposed = [one for one in active if one.who == _BY_POLICY.name]
            if len(imposed) >= MAX_BY_POLICY:
                raise InvalidError(f"policies imposed {MAX_BY_POLICY} quarantines already")
            why = f"finding {found.number}: more octets below one domain than the policy allows"
            _, result = await self._quarantines.impose(
                client, seconds, _BY_POLICY, why, found.number
            )
        except StandsError as error:
            text = f"the client of finding {found.number} is in quarantine already"
            self._notify(Notice(Severity.INFO, text, (str(error),)))
            return True
        except (StoreError, UnwritableError):
            raise
        except KeyholeError as error:
            text = f"the client of finding {found.number} is not in quarantine"
            self._notify(Notice(Severity.ERROR, text, tuple(str(error).splitlines())))
            return True
        text = f"the client of finding {found.number} is in quarantine"
        details = (f"not in force yet: {result.why}",) if result.why else ()
        self._notify(Notice(Severity.WARNING, text, details))
        return True


def _seconds(found: Finding, snapshot: Snapshot) -> int | None:
    policy = next((one for one in snapshot.policies if one.name == found.policy), None)
    return policy.tunneling.quarantine if policy is not None and policy.tunneling else None


def _client(found: Finding, snapshot: Snapshot) -> str | None:
    """Whom to put in quarantine: the `Client` document where there is one, so that a client does
    not escape by leaving its token out."""
    if found.client_kind == "identity":
        known = {one.id: one.client for one in snapshot.subjects.identities}
        shown = found.client
    elif found.client_kind == "token":
        known = {one.name: one.client for one in snapshot.subjects.tokens}
        shown = f"token:{found.client}"
    else:
        return None
    client = known.get(found.client)
    return shown if client is None else f"client:{client}"
