"""The use cases of credentials by API: identities, enrollments and the tokens of clients.

Commands do the same in the folder of the authority; see ``control/identity.py`` and others.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import duckdb

from keyhole.control import enrollment
from keyhole.control.clients.certificates import IssuedCertificates
from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.enrollment import Invitation, InvitationRequest
from keyhole.control.error import ControlError, InvalidError, NotThereError
from keyhole.control.identity import revocation_for, revocation_of_serial, unreached_by_mesh
from keyhole.control.query_history import QueryHistory
from keyhole.control.settings import Settings
from keyhole.control.tokens import NewToken, new_token
from keyhole.control.withdrawals import Delivery
from keyhole.identity import tokens
from keyhole.identity.enrollments import Enrollment, list_enrollments
from keyhole.identity.journal import Author
from keyhole.identity.revoked import Targets, revoke, unrevoke

if TYPE_CHECKING:
    from keyhole.querylog.history import Asker, Claims

Change = Callable[[Targets], tuple[int, list[str]]]
"""Changes the revocations: how much changed, and what to say about it."""

LAST_USE = timedelta(days=30)
"""How far back the last use of a credential is looked for."""
_MICROS = 1_000_000


@dataclass(frozen=True)
class RevocationRequest:
    """What to revoke or give back: a SPIFFE ID or the name of an identity, or a serial number.

    ``certificates``: only those issued so far, not the identity.
    """

    identity: str | None
    serial: str | None
    certificates: bool


@dataclass(frozen=True)
class RevocationResult:
    """What was meant, how much of it changed, and which engines decide by it."""

    changed: int
    identities: list[str]
    certificates: list[str]
    notes: list[str]
    deliveries: list[Delivery]


class CredentialService:
    """Issues and revokes the credentials of clients of one Keyhole."""

    def __init__(
        self, control_plane: ControlPlane, data: DataFolder, queries: QueryHistory | None
    ) -> None:
        self._control_plane = control_plane
        self._data = data
        self._queries = queries

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._control_plane.settings

    def certificates(self) -> IssuedCertificates:
        """All certificates of clients, and what is revoked; raises ``IdentityError``."""
        return IssuedCertificates.read(self._data.identity)

    def last_uses(self) -> dict["Asker", datetime]:
        """When each identity and token was used last, in the last days; empty where the history
        cannot be read."""
        if self._queries is None:
            return {}
        since = int((datetime.now(UTC) - LAST_USE).timestamp() * _MICROS)
        try:
            found = self._queries.history().last_seen(since, self._claims())
        except (OSError, duckdb.Error):
            return {}
        return {one: datetime.fromtimestamp(at / _MICROS, UTC) for one, at in found.items()}

    def _claims(self) -> "Claims":
        from keyhole.graph.proof import UNPROVED
        from keyhole.graph.source import expired_policy_of
        from keyhole.querylog.history import Claims

        compiled = self._control_plane.reconciler.in_force
        policy = expired_policy_of(compiled.snapshot) if compiled else None
        return Claims(tuple(sorted(UNPROVED)), policy)

    async def revoke(self, request: RevocationRequest, author: Author) -> RevocationResult:
        """Revokes, and waits at most ten seconds until each engine decides by it.

        Raises ``NotThereError`` for an identity or certificate that is unknown here.
        """

        def change(targets: Targets) -> tuple[int, list[str]]:
            notes = unreached_by_mesh(self.settings, self._data, targets)
            return revoke(self._data.identity, targets, author), notes

        return await self._change(request, change)

    async def unrevoke(self, request: RevocationRequest, author: Author) -> RevocationResult:
        """Takes a revocation back; waits and raises as `revoke` does."""
        return await self._change(
            request, lambda targets: (unrevoke(self._data.identity, targets, author), [])
        )

    async def _change(self, request: RevocationRequest, change: Change) -> RevocationResult:
        def apply() -> tuple[Targets, int, list[str]]:
            targets = self._targets(request)
            return targets, *change(targets)

        targets, changed, notes = await asyncio.to_thread(apply)
        return RevocationResult(
            changed=changed,
            identities=sorted(targets.identities | targets.older),
            certificates=sorted(serial for _, serial, _ in targets.certificates),
            notes=notes,
            deliveries=await self._control_plane.withdrawals.deliver(),
        )

    def _targets(self, request: RevocationRequest) -> Targets:
        if (request.identity is None) == (request.serial is None):
            raise InvalidError("give an identity or a serial number, one of the two")
        try:
            if request.serial is not None:
                return revocation_of_serial(self.settings, self._data, request.serial)
            assert request.identity is not None
            return revocation_for(self._data, request.identity, certificates=request.certificates)
        except ControlError as error:
            raise NotThereError(str(error)) from None

    def enrollments(self) -> tuple[Enrollment, ...]:
        """All enrollments on record, newest first."""
        return list_enrollments(self._data.identity)[::-1]

    def enrollment_url(self) -> str:
        """Where clients enroll; raises ``ControlError`` if they cannot."""
        return enrollment.public_url(self.settings)

    def invite(self, request: InvitationRequest, author: Author) -> Invitation:
        """Creates a join token, with which a client gets its certificate once."""
        return enrollment.invite(self.settings, self._data, request, author)

    def cancel(self, name: str, author: Author) -> None:
        """Cancels a waiting enrollment; raises ``NotThereError`` if there is none."""
        if not any(one.name == name and one.state() == "waiting" for one in self.enrollments()):
            raise NotThereError(f"no enrollment {name} is waiting")
        enrollment.cancel(self._data, name, author)

    def tokens(self) -> tuple[tokens.Token, ...]:
        """The tokens of clients, oldest first."""
        return tokens.list_tokens(self._data.identity)

    async def create_token(
        self, name: str, *, replace: bool, author: Author
    ) -> tuple[NewToken, list[Delivery]]:
        """Creates a token; the one that it replaces ends at all engines before this returns."""

        def make() -> NewToken:
            folder = self._data.identity
            secret = tokens.create_token(folder, name, replace=replace, author=author)
            return new_token(self.settings, secret)

        made = await asyncio.to_thread(make)
        return made, await self._control_plane.withdrawals.deliver()

    async def revoke_token(self, name: str, author: Author) -> list[Delivery]:
        """Revokes a token, and waits until each engine refuses it."""

        def take() -> None:
            if all(one.name != name for one in self.tokens()):
                raise NotThereError(f"there is no token {name}")
            tokens.revoke_token(self._data.identity, name, author)

        await asyncio.to_thread(take)
        return await self._control_plane.withdrawals.deliver()
