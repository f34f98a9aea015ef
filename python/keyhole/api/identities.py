"""``/identities``: certificates of clients, and their revocation."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Credentials, credential_author
from keyhole.api.engines import Delivery
from keyhole.api.pagination import Cursor, Limit, Page, read_cursor, write_cursor
from keyhole.api.principal import Administrator, Viewer
from keyhole.api.problem import ApiProblem
from keyhole.api.request_body import RequestBody
from keyhole.control.clients.certificates import IssuedCertificates
from keyhole.control.clients.model import ClientCertificate
from keyhole.control.credentials import RevocationRequest, RevocationResult

router = APIRouter(prefix="/identities", tags=["identities"])


class Identity(BaseModel):
    """One identity: its certificates of our authority, and whether it is revoked."""

    id: str = Field(description="The SPIFFE ID.")
    name: str | None = Field(description="The name under which it was issued last.")
    revoked: datetime | None = Field(
        description="When it was revoked with all its certificates; null if it is not."
    )
    issued_before: datetime | None = Field(
        description="What was issued before this time is refused; null for nothing."
    )
    certificates: list[ClientCertificate] = Field(description="Certificates, newest first.")
    issued: int = Field(description="The number of all its certificates, expired ones as well.")
    last_used: datetime | None = Field(
        description="Its last query of the last 30 days; null if there is none."
    )


class RevokedSerial(BaseModel):
    """A revoked certificate of an identity that is not known here."""

    domain: str = Field(description="The trust domain that issued it.")
    serial: str = Field(description="Its serial number.")
    since: datetime = Field(description="When it was revoked.")


class IdentityPage(Page[Identity]):
    """One page of identities, by SPIFFE ID."""

    revoked_serials: list[RevokedSerial] = Field(
        description="Revoked certificates of identities that are not known."
    )


class Revocation(RequestBody):
    """What to revoke or give back: an identity or a serial number."""

    identity: str | None = Field(
        None, min_length=1, max_length=2_048, description="A SPIFFE ID, or the name of an identity."
    )
    serial: str | None = Field(
        None, min_length=1, max_length=80, description="The serial number of one certificate."
    )
    certificates: bool = Field(
        False, description="Whether only the certificates issued so far are meant."
    )
    why: str | None = Field(None, max_length=500, description="Reason for the audit record.")


class RevocationDone(BaseModel):
    """What changed, and which engines decide by it."""

    changed: int = Field(description="How much changed; 0 if it was so already.")
    identities: list[str] = Field(description="The identities that were meant.")
    certificates: list[str] = Field(description="The serial numbers that were meant.")
    notes: list[str] = Field(description="What is served all the same, and why.")
    engines: list[Delivery] = Field(description="Each engine, and whether it has it.")


@router.get("")
def list_identities(
    credentials: Credentials,
    _: Viewer,
    expired: Annotated[
        bool, Query(description="Whether to list expired certificates and their identities too.")
    ] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> IdentityPage:
    """Lists identities with valid certificates, and revoked ones."""
    issued, after = credentials.certificates(), _after(cursor)
    names = sorted(one for one in _wanted(issued, everything=expired) if one > after)
    uses = {one.value: at for one, at in credentials.last_uses().items() if one.kind == "identity"}
    page = names[:limit]
    unknown = (one for one in issued.revoked.certificates if one.id is None)
    return IdentityPage(
        items=[_shown(issued, one, uses.get(one), everything=expired) for one in page],
        next=write_cursor(page[-1]) if len(names) > limit else None,
        revoked_serials=[
            RevokedSerial(domain=one.domain, serial=one.serial, since=one.since) for one in unknown
        ],
    )


@router.post("/revoke")
async def revoke_identity(
    credentials: Credentials, caller: Administrator, request: Request, body: Revocation
) -> RevocationDone:
    """Revokes an identity or a certificate, also for open connections and while documents are not
    valid. Returns when each engine has it, after ten seconds at the latest."""
    author = credential_author(caller, request, body.why)
    return _done(await credentials.revoke(_request(body), author))


@router.post("/unrevoke")
async def unrevoke_identity(
    credentials: Credentials, caller: Administrator, request: Request, body: Revocation
) -> RevocationDone:
    """Takes a revocation back. Returns as the revocation does."""
    author = credential_author(caller, request, body.why)
    return _done(await credentials.unrevoke(_request(body), author))


def _request(body: Revocation) -> RevocationRequest:
    return RevocationRequest(body.identity, body.serial, body.certificates)


def _done(result: RevocationResult) -> RevocationDone:
    return RevocationDone(
        changed=result.changed,
        identities=result.identities,
        certificates=result.certificates,
        notes=result.notes,
        engines=[Delivery(**vars(one)) for one in result.deliveries],
    )


def _wanted(issued: IssuedCertificates, *, everything: bool) -> set[str]:
    revoked = issued.revoked
    found = {one.id for one in revoked.identities} | {one.id for one in revoked.not_before}
    found |= {one.id for one in revoked.certificates if one.id is not None}
    good = (one for one in issued.by_identity if everything or issued.end(one) is not None)
    return found.union(good)


def _shown(
    issued: IssuedCertificates, identity: str, used: datetime | None, *, everything: bool
) -> Identity:
    certificates, older = issued.of(identity), issued.revoked.older(identity)
    return Identity(
        id=identity,
        name=issued.name(identity),
        revoked=issued.revoked_since(identity),
        issued_before=older.since if older else None,
        certificates=[one for one in certificates if everything or one.ends > issued.now],
        issued=len(certificates),
        last_used=used,
    )


def _after(cursor: str | None) -> str:
    if cursor is None:
        return ""
    key = read_cursor(cursor)
    if not isinstance(key, str):
        raise ApiProblem(400, "cursor_not_valid", "the cursor is not valid; begin without one")
    return key
