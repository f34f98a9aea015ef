"""``/enrollments``: join tokens, with which clients get their first certificate."""

from datetime import datetime, timedelta
from typing import Literal, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Credentials, credential_author
from keyhole.api.pagination import Page
from keyhole.api.principal import Administrator, Viewer
from keyhole.api.request_body import RequestBody
from keyhole.control.credentials import CredentialService
from keyhole.control.enrollment import InvitationRequest
from keyhole.control.error import ControlError
from keyhole.identity.enrollments import Enrollment as StoredEnrollment

router = APIRouter(prefix="/enrollments", tags=["enrollments"])

State = Literal["waiting", "used", "expired"]


class Enrollment(BaseModel):
    """One enrollment, without its secret: Keyhole keeps only a digest of that."""

    name: str = Field(description="The name of the client.")
    spiffe: str = Field(description="The SPIFFE ID of its certificate.")
    state: State = Field(description="waiting, used or expired.")
    created: datetime = Field(description="When it was created.")
    expires: datetime = Field(description="Until when the token can be used.")
    redeemed: datetime | None = Field(description="When it was used; null if it was not.")
    life: int = Field(description="Lifetime of each certificate, in seconds.")


class EnrollmentPage(Page[Enrollment]):
    """All enrollments of the last 30 days, newest first, and whether clients can enroll."""

    url: str | None = Field(description="Where clients enroll; null if they cannot.")
    why_not: str | None = Field(description="Why they cannot, and what would be right.")
    trust_domain: str = Field(description="The trust domain of new SPIFFE IDs.")


class EnrollmentCreate(RequestBody):
    """A new enrollment."""

    name: str = Field(
        min_length=1, max_length=253, description="web, or shop/web with a namespace."
    )
    spiffe: str | None = Field(
        None, max_length=2_048, description="The SPIFFE ID; by default made from the name."
    )
    life: int = Field(
        86_400,
        ge=300,
        le=90 * 86_400,
        description="Lifetime of each certificate in seconds; clients renew in time.",
    )
    valid_for: int = Field(
        3_600, ge=60, le=30 * 86_400, description="Lifetime of the token in seconds."
    )
    replace: bool = Field(False, description="Whether to cancel a waiting enrollment of this name.")
    why: str | None = Field(None, max_length=500, description="Reason for the audit record.")


class EnrollmentCreated(BaseModel):
    """An enrollment with its join token, which cannot be shown again."""

    enrollment: Enrollment = Field(description="The enrollment.")
    token: str = Field(description="The token, for keyhole enroll redeem. It works once.")
    url: str = Field(description="Where the client enrolls.")


class EnrollmentCancel(RequestBody):
    """The enrollment to cancel."""

    name: str = Field(min_length=1, max_length=253, description="The name of the client.")
    why: str | None = Field(None, max_length=500, description="Reason for the audit record.")


@router.get("")
def list_enrollments(credentials: Credentials, _: Viewer) -> EnrollmentPage:
    """Lists enrollments: waiting, used and expired ones."""
    url, why_not = _url(credentials)
    return EnrollmentPage(
        items=[_shown(one) for one in credentials.enrollments()],
        url=url,
        why_not=why_not,
        trust_domain=credentials.settings.resolved.trust_domain,
    )


@router.post("", status_code=201)
def create_enrollment(
    credentials: Credentials, caller: Administrator, request: Request, body: EnrollmentCreate
) -> EnrollmentCreated:
    """Creates a join token for one identity. It works once, and is shown once."""
    wanted = InvitationRequest(
        name=body.name,
        spiffe=body.spiffe,
        life=timedelta(seconds=body.life),
        valid_for=timedelta(seconds=body.valid_for),
        also_server=False,
        url=None,
        replace=body.replace,
    )
    made = credentials.invite(wanted, credential_author(caller, request, body.why))
    return EnrollmentCreated(enrollment=_shown(made.enrollment), token=made.token, url=made.url)


@router.post("/cancel", status_code=204)
def cancel_enrollment(
    credentials: Credentials, caller: Administrator, request: Request, body: EnrollmentCancel
) -> None:
    """Cancels a waiting enrollment; its token is then invalid."""
    credentials.cancel(body.name, credential_author(caller, request, body.why))


def _url(credentials: CredentialService) -> tuple[str | None, str | None]:
    try:
        return credentials.enrollment_url(), None
    except ControlError as error:
        return None, str(error)


def _shown(one: StoredEnrollment) -> Enrollment:
    return Enrollment(
        name=one.name,
        spiffe=one.spiffe,
        state=cast("State", one.state()),
        created=one.created,
        expires=one.expires,
        redeemed=one.redeemed,
        life=one.life,
    )
