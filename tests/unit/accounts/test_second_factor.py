"""Codes by time: enrolled in two steps, taken once, and replaced by recovery codes."""

from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest

from keyhole.accounts import (
    AccountError,
    AuthenticationError,
    CodeRequiredError,
    RateLimitedError,
    Session,
)
from keyhole.accounts.login_limits import CODE
from keyhole.accounts.totp import step_of
from tests.unit.accounts.conftest import ABROAD, BY, HOME, LONG, House


def _session(house: House) -> Session:
    house.add("anna")
    session = house.accounts.logins.session(house.log_in("anna"), HOME)
    assert session is not None
    return session


def _enable(house: House) -> tuple[str, list[str], Session]:
    session = _session(house)
    secret = house.accounts.self_service.begin_second_factor(session, LONG, HOME).secret
    codes = house.accounts.self_service.confirm_second_factor(session, _code(house, secret), HOME)
    house.clock.now += 30
    return secret, codes, session


def _code(house: House, secret: str) -> str:
    return pyotp.TOTP(secret).at(int(house.clock.now))


def test_it_counts_only_after_it_was_confirmed(house: House) -> None:
    session = _session(house)
    self_service = house.accounts.self_service
    begun = self_service.begin_second_factor(session, LONG, HOME)
    assert begun.url.startswith("otpauth://totp/Keyhole:anna?secret=")
    assert house.log_in("anna"), "not confirmed, so no code is needed"
    with pytest.raises(AuthenticationError):
        self_service.confirm_second_factor(session, "000000", HOME)
    codes = self_service.confirm_second_factor(session, _code(house, begun.secret), HOME)
    assert len(set(codes)) == 10
    with pytest.raises(CodeRequiredError):
        house.log_in("anna")


def test_it_takes_the_password_to_begin_and_to_disable(house: House) -> None:
    secret, _, session = _enable(house)
    self_service = house.accounts.self_service
    with pytest.raises(AuthenticationError):
        self_service.disable_second_factor(session, "wrong password", _code(house, secret), HOME)
    with pytest.raises(AccountError, match="already"):
        self_service.begin_second_factor(session, LONG, HOME)
    self_service.disable_second_factor(session, LONG, _code(house, secret), HOME)
    assert house.log_in("anna")
    with pytest.raises(AuthenticationError):
        self_service.begin_second_factor(session, "wrong password", HOME)


def test_a_code_is_taken_once(house: House) -> None:
    secret, _, _ = _enable(house)
    code = _code(house, secret)
    assert house.log_in("anna", code=code)
    with pytest.raises(AuthenticationError, match="used before"):
        house.log_in("anna", code=code)
    house.clock.now += 30
    assert house.log_in("anna", code=_code(house, secret))


def test_the_code_that_confirmed_it_cannot_log_in(house: House) -> None:
    session = _session(house)
    secret = house.accounts.self_service.begin_second_factor(session, LONG, HOME).secret
    code = _code(house, secret)
    house.accounts.self_service.confirm_second_factor(session, code, HOME)
    with pytest.raises(AuthenticationError):
        house.log_in("anna", code=code)


def test_one_of_two_that_say_the_same_code_at_once_is_refused(house: House) -> None:
    secret, _, _ = _enable(house)
    code = _code(house, secret)

    def log_in(_: int) -> bool:
        try:
            return bool(house.log_in("anna", code=code))
        except (AuthenticationError, RateLimitedError):
            return False

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(log_in, range(4))) == 1


def test_a_code_of_another_minute_is_refused(house: House) -> None:
    secret, _, _ = _enable(house)
    now = house.clock.now
    for offset, is_good in ((-90, False), (-30, True), (0, True), (30, True), (90, False)):
        code = pyotp.TOTP(secret).at(int(now + offset))
        assert (step_of(secret, code, now, after=0) is not None) is is_good, offset
    assert step_of(secret, "١٢٣٤٥٦", now, after=0) is None


def test_a_recovery_code_works_once(house: House) -> None:
    _, codes, _ = _enable(house)
    assert house.log_in("anna", code=codes[0].upper())
    with pytest.raises(AuthenticationError):
        house.log_in("anna", code=codes[0])
    assert house.log_in("anna", code=codes[1])


def test_guessing_codes_is_slow_and_does_not_keep_the_person_out(house: House) -> None:
    secret, _, _ = _enable(house)
    tried, waited = 0, 0
    while tried < CODE.free + 3:
        try:
            house.log_in("anna", code="000000", client=ABROAD)
        except AuthenticationError:
            tried += 1
        except RateLimitedError as error:
            waited += error.seconds
            house.clock.now += error.seconds
    assert waited >= 7
    assert house.log_in("anna", code=_code(house, secret), client=HOME)


def test_a_reset_keeps_the_second_factor_unless_it_is_lost(house: House) -> None:
    secret, _, _ = _enable(house)
    administration = house.accounts.administration
    password = administration.reset("anna", BY, with_code=False)
    with pytest.raises(CodeRequiredError):
        house.log_in("anna", password)
    assert house.log_in("anna", password, code=_code(house, secret))
    password = administration.reset("anna", BY, with_code=True)
    assert house.log_in("anna", password)
