"""``/session/second-factor``: codes by time (RFC 6238) for one's own account."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from keyhole.api.dependencies import AuthenticationService, Client, CurrentSession
from keyhole.api.login import Code, Password
from keyhole.api.principal import Viewer

router = APIRouter(prefix="/session/second-factor", tags=["session"])


class SecondFactorStart(BaseModel):
    """The password once more."""

    password: Password


class SecondFactorStarted(BaseModel):
    """What an authenticator needs; it is not shown again."""

    secret: str = Field(description="The secret, to be typed where no QR code can be read.")
    url: str = Field(description="The same as an otpauth URL, for a QR code.")


class SecondFactorConfirm(BaseModel):
    """A code of the new authenticator."""

    code: Code


class SecondFactorConfirmed(BaseModel):
    """What opens the account when the device is lost; it is not shown again."""

    recovery_codes: list[str] = Field(description="Each works once, in place of a code.")


class SecondFactorDisable(BaseModel):
    """The password once more, and a last code."""

    password: Password
    code: Code


@router.post("")
def begin_second_factor(
    authentication: AuthenticationService,
    _: Viewer,
    session: CurrentSession,
    body: SecondFactorStart,
    client: Client,
) -> SecondFactorStarted:
    """Draws a secret for an authenticator. It counts once a code of it was shown."""
    begun = authentication.accounts.self_service.begin_second_factor(session, body.password, client)
    return SecondFactorStarted(secret=begun.secret, url=begun.url)


@router.post("/confirm")
def confirm_second_factor(
    authentication: AuthenticationService,
    _: Viewer,
    session: CurrentSession,
    body: SecondFactorConfirm,
    client: Client,
) -> SecondFactorConfirmed:
    """From now on logging in needs a code; gives the recovery codes."""
    codes = authentication.accounts.self_service.confirm_second_factor(session, body.code, client)
    return SecondFactorConfirmed(recovery_codes=codes)


@router.post("/disable", status_code=204)
def disable_second_factor(
    authentication: AuthenticationService,
    _: Viewer,
    session: CurrentSession,
    body: SecondFactorDisable,
    client: Client,
) -> None:
    """Logging in needs no code any more."""
    authentication.accounts.self_service.disable_second_factor(
        session, body.password, body.code, client
    )
