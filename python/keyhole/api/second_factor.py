"""``/session/second-factor``: time-based codes (RFC 6238) for the caller's account."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from keyhole.api.dependencies import Auth, Client, CurrentSession
from keyhole.api.login import Code, Password
from keyhole.api.principal import Viewer
from keyhole.api.request_body import RequestBody

router = APIRouter(prefix="/session/second-factor", tags=["session"])


class SecondFactorStart(RequestBody):
    """The password again, as confirmation."""

    password: Password


class SecondFactorStarted(BaseModel):
    """The secret for an authenticator. It cannot be shown again."""

    secret: str = Field(description="The secret, for typing.")
    url: str = Field(description="The secret as an otpauth URL, for a QR code.")


class SecondFactorConfirm(RequestBody):
    """A code of the new authenticator."""

    code: Code


class SecondFactorConfirmed(BaseModel):
    """The recovery codes. They cannot be shown again."""

    recovery_codes: list[str] = Field(
        description="Each replaces a code once, for example if the device is lost."
    )


class SecondFactorDisable(RequestBody):
    """The password and a code, as confirmation."""

    password: Password
    code: Code


@router.post("")
def begin_second_factor(
    auth: Auth, _: Viewer, session: CurrentSession, body: SecondFactorStart, client: Client
) -> SecondFactorStarted:
    """Creates a secret for an authenticator. It takes effect when a code confirms it."""
    begun = auth.accounts.self_service.begin_second_factor(session, body.password, client)
    return SecondFactorStarted(secret=begun.secret, url=begun.url)


@router.post("/confirm")
def confirm_second_factor(
    auth: Auth, _: Viewer, session: CurrentSession, body: SecondFactorConfirm, client: Client
) -> SecondFactorConfirmed:
    """Enables the second factor: login then needs a code. Returns recovery codes."""
    codes = auth.accounts.self_service.confirm_second_factor(session, body.code, client)
    return SecondFactorConfirmed(recovery_codes=codes)


@router.post("/disable", status_code=204)
def disable_second_factor(
    auth: Auth, _: Viewer, session: CurrentSession, body: SecondFactorDisable, client: Client
) -> None:
    """Disables the second factor: login then needs no code."""
    auth.accounts.self_service.disable_second_factor(session, body.password, body.code, client)
