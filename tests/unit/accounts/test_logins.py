"""Who is believed, for how long, and what becomes of a session."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from keyhole.accounts import (
    AuthenticationError,
    ClientInfo,
    ConflictError,
    Login,
    RateLimitedError,
    TokenSpec,
)
from keyhole.accounts.context import ONE_TIME_SECONDS
from keyhole.model.role import Role
from keyhole.store import Actor
from keyhole.store.tables.people import API_TOKENS, PEOPLE, RECOVERY_CODES, SESSIONS
from tests.unit.accounts.conftest import ABROAD, BY, HOME, LONG, House


def test_whoever_fails_hears_the_same_whatever_was_wrong(house: House) -> None:
    house.add("anna")
    house.add("gone")
    house.accounts.administration.set_disabled("gone", True, BY)
    said = set()
    for name, password in (("anna", "wrong password"), ("nobody", LONG), ("gone", LONG)):
        with pytest.raises(AuthenticationError) as refused:
            house.log_in(name, password, ABROAD)
        said.add(str(refused.value))
    assert said == {"the name or the password is wrong"}


def test_a_password_is_checked_even_where_there_is_no_account(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.add("anna")
    checked = []
    verify = house.context.passwords.verify

    def counted(stored: str | None, password: str) -> bool:
        checked.append(password)
        return verify(stored, password)

    monkeypatch.setattr(house.context.passwords, "verify", counted)
    for name in ("anna", "nobody"):
        with pytest.raises(AuthenticationError):
            house.log_in(name, "wrong password")
    assert len(checked) == 2


def test_a_session_ends_when_it_is_idle_and_in_any_case_after_its_time(house: House) -> None:
    house.add("anna")
    secret = house.log_in("anna")
    sessions = house.accounts.logins
    house.clock.now += 599
    assert sessions.session(secret, HOME)
    house.clock.now += 599
    assert sessions.session(secret, HOME), "it was used, so it is not idle"
    house.clock.now += 601
    assert sessions.session(secret, HOME) is None
    secret = house.log_in("anna")
    for _ in range(8):
        house.clock.now += 449
        assert sessions.session(secret, HOME)
    house.clock.now += 10
    assert sessions.session(secret, HOME) is None, "an hour is over"


def test_a_login_makes_a_new_session_and_ends_the_one_of_the_same_browser(house: House) -> None:
    house.add("anna")
    first = house.log_in("anna")
    second = house.accounts.logins.log_in(Login("anna", LONG), HOME, before=first)
    assert first != second
    assert house.accounts.logins.session(first, HOME) is None
    assert house.accounts.logins.session(second, HOME)


def test_a_secret_that_the_browser_brought_never_becomes_a_session(house: House) -> None:
    house.add("anna")
    planted = "chosen-by-somebody-else"
    given = house.accounts.logins.log_in(Login("anna", LONG), HOME, before=planted)
    assert given != planted
    assert house.accounts.logins.session(planted, HOME) is None


def test_logging_out_ends_the_session_on_the_server(house: House) -> None:
    house.add("anna")
    secret = house.log_in("anna")
    session = house.accounts.logins.session(secret, HOME)
    assert session is not None
    house.accounts.logins.log_out(session, Actor("anna", "session"))
    assert house.accounts.logins.session(secret, HOME) is None


def test_what_an_administrator_changes_acts_on_sessions_that_are_open(house: House) -> None:
    house.add("anna", Role.OPERATOR)
    secret = house.log_in("anna")
    house.accounts.administration.set_role("anna", Role.VIEWER, BY)
    session = house.accounts.logins.session(secret, HOME)
    assert session is not None
    assert session.role is Role.VIEWER
    house.accounts.administration.set_disabled("anna", True, BY)
    house.accounts.administration.set_disabled("anna", False, BY)
    assert house.accounts.logins.session(secret, HOME) is None, "disabling ended it for good"


@pytest.mark.parametrize("how", ["reset", "remove", "password", "end"])
def test_sessions_end_at_once(house: House, how: str) -> None:
    house.add("anna")
    secret = house.log_in("anna")
    administration = house.accounts.administration
    match how:
        case "reset":
            administration.reset("anna", BY, with_code=False)
        case "remove":
            administration.remove("anna", BY)
        case "password":
            administration.set_password("anna", LONG + "er", BY)
        case "end":
            [session] = administration.sessions("anna")
            administration.end_session(session.id, BY)
    assert house.accounts.logins.session(secret, HOME) is None


def test_a_hundred_logins_at_once_give_as_many_sessions_as_were_let_in(house: House) -> None:
    house.add("anna")
    house.log_in("anna")

    def log_in(_: int) -> str | None:
        try:
            return house.log_in("anna")
        except RateLimitedError:
            return None

    with ThreadPoolExecutor(100) as threads:
        given = [one for one in threads.map(log_in, range(100)) if one]
    assert given
    assert len(set(given)) == len(given)
    names = {session.name for one in given if (session := house.accounts.logins.session(one, HOME))}
    assert names == {"anna"}
    assert len(house.accounts.administration.sessions("anna")) <= 32


def test_a_one_time_password_works_once_and_only_for_a_day(house: House) -> None:
    administration = house.accounts.administration
    password = administration.add("anna", Role.VIEWER, BY)
    session = house.accounts.logins.session(house.log_in("anna", password), HOME)
    assert session is not None
    assert session.must_change
    with pytest.raises(AuthenticationError):
        house.log_in("anna", password)
    password = administration.reset("anna", BY, with_code=False)
    house.clock.now += ONE_TIME_SECONDS
    with pytest.raises(AuthenticationError, match="has expired"):
        house.log_in("anna", password)


def test_one_of_two_that_use_a_one_time_password_at_once_is_refused(house: House) -> None:
    password = house.accounts.administration.add("anna", Role.VIEWER, BY)

    def log_in(_: int) -> bool:
        try:
            return bool(house.log_in("anna", password))
        except AuthenticationError:
            return False

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(log_in, range(4))) == 1


def test_the_first_run_makes_one_administrator_and_closes_behind_itself(house: House) -> None:
    assert house.accounts.administration.begin_first_run() is None, "there is somebody already"
    assert house.accounts.administration.is_set_up()


def test_a_changed_password_ends_all_sessions_but_the_new_one(house: House) -> None:
    house.add("anna")
    old, other = house.log_in("anna"), house.log_in("anna")
    logins, self_service = house.accounts.logins, house.accounts.self_service
    session = logins.session(old, HOME)
    assert session is not None
    with pytest.raises(AuthenticationError):
        self_service.change_password(session, "not that one", "another fine password", HOME)
    new = self_service.change_password(session, LONG, "another fine password", HOME)
    assert logins.session(old, HOME) is None
    assert logins.session(other, HOME) is None
    assert logins.session(new, HOME)
    assert house.log_in("anna", "another fine password")


def test_the_last_administrator_cannot_go(house: House) -> None:
    administration = house.accounts.administration
    changes: tuple[Callable[[], object], ...] = (
        lambda: administration.remove("root", BY),
        lambda: administration.set_disabled("root", True, BY),
        lambda: administration.set_role("root", Role.OPERATOR, BY),
    )
    for change in changes:
        with pytest.raises(ConflictError, match="no administrator"):
            change()
    assert administration.get("root").role is Role.ADMINISTRATOR


def test_the_list_of_sessions_shows_nothing_of_their_secrets(house: House) -> None:
    house.add("anna")
    secret = house.log_in("anna", client=ClientInfo("192.0.2.1", "a\x1b[31m browser\r\n"))
    [session] = house.accounts.administration.sessions("anna")
    digest = hashlib.sha256(secret.encode()).hexdigest()
    assert session.id not in secret
    assert session.id not in digest
    assert not digest.startswith(session.id[:4]) or not secret.startswith(session.id[:4])
    assert session.agent == "a[31m browser"


def test_no_secret_stands_in_the_database(house: House) -> None:
    house.add("anna")
    secrets = [LONG, house.log_in("anna")]
    secrets.append(
        house.accounts.administration.create_token(TokenSpec("ci", Role.VIEWER), BY, maker=None)
    )
    with house.database.read() as connection:
        found = "".join(
            str(tuple(row))
            for table in (PEOPLE, SESSIONS, API_TOKENS, RECOVERY_CODES)
            for row in connection.execute(select(table))
        )
    assert "anna" in found
    assert not [one for one in secrets if one in found]


def test_every_login_failure_and_change_is_in_the_audit_record_without_secrets(
    house: House,
) -> None:
    house.add("anna")
    secret = house.log_in("anna")
    with pytest.raises(AuthenticationError):
        house.log_in("anna", "wrong password", ABROAD)
    with pytest.raises(AuthenticationError):
        house.log_in("hunter2 typed in the wrong field", "x", ABROAD)
    session = house.accounts.logins.session(secret, HOME)
    assert session is not None
    house.accounts.logins.log_out(session, Actor("anna", "session", HOME.address))
    told = [(one.entry.who, one.entry.action, one.entry.address) for one in house.audit()][:4]
    assert told == [
        ("anna", "logout", HOME.address),
        ("somebody", "login_failed", ABROAD.address),
        ("anna", "login_failed", ABROAD.address),
        ("anna", "login", HOME.address),
    ]
    assert "hunter2" not in str(house.audit())
    assert secret not in str(house.audit())


def test_failures_cannot_fill_the_disk_and_what_was_left_out_is_told(house: House) -> None:
    failures = house.accounts.logins._failed_logins
    for _ in range(100):
        failures.write(None, ABROAD, "no such account")
    house.clock.now += 60
    failures.write(None, ABROAD, "no such account")
    written = [one for one in house.audit() if one.entry.action == "login_failed"]
    assert len(written) == 61
    assert written[0].entry.detail["left_out_before"] == 40
