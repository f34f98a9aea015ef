"""A3 of the faults, for accounts: nobody takes back an account that was taken from them."""

from collections.abc import Callable

import pyotp
import pytest

from keyhole.accounts import AuthenticationError, Login, Session
from tests.unit.accounts.conftest import BY, HOME, LONG, House

OTHER = "another long password"


def _session(house: House, name: str) -> Session:
    session = house.accounts.logins.session(house.log_in(name), HOME)
    assert session is not None
    return session


def _end_by_reset(house: House, _: Session) -> None:
    house.accounts.administration.reset("anna", BY, with_code=False)


def _end_by_password(house: House, _: Session) -> None:
    house.accounts.administration.set_password("anna", OTHER, BY)


def _end_session(house: House, session: Session) -> None:
    house.accounts.administration.end_session(session.id, BY)


def _disable(house: House, _: Session) -> None:
    house.accounts.administration.set_disabled("anna", True, BY)


ENDS = [_end_by_reset, _end_by_password, _end_session, _disable]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("act", ["change_password", "begin", "disable"])
def test_what_began_before_a_session_was_ended_changes_nothing_after_it(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    act: str,
    end: Callable[[House, Session], None],
) -> None:
    """The account is taken away while a request of the session has its password verified."""
    house.add("anna")
    session, self_service = _session(house, "anna"), house.accounts.self_service
    secret = ""
    if act == "disable":
        secret = self_service.begin_second_factor(session, LONG, HOME).secret
        code = pyotp.TOTP(secret).at(int(house.clock.now))
        self_service.confirm_second_factor(session, code, HOME)
        house.clock.now += 30
    passwords = house.context.passwords
    verify = passwords.verify

    def slow(stored: str | None, password: str) -> bool:
        is_right = verify(stored, password)
        monkeypatch.setattr(passwords, "verify", verify)
        end(house, session)
        return is_right

    monkeypatch.setattr(passwords, "verify", slow)
    code = pyotp.TOTP(secret).at(int(house.clock.now)) if secret else ""
    acts: dict[str, Callable[[], object]] = {
        "change_password": lambda: self_service.change_password(session, LONG, LONG + "!", HOME),
        "begin": lambda: self_service.begin_second_factor(session, LONG, HOME),
        "disable": lambda: self_service.disable_second_factor(session, LONG, code, HOME),
    }
    with pytest.raises(AuthenticationError, match="ended meanwhile"):
        acts[act]()
    account = house.accounts.administration.get("anna")
    assert (account.has_code, account.totp_draft) == (act == "disable", None)
    assert not house.accounts.administration.sessions("anna")
    with pytest.raises(AuthenticationError):
        house.accounts.logins.log_in(Login("anna", LONG + "!"), HOME)
