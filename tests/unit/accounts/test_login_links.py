"""One-time links: who may use them, how often, and for how long."""

from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest

from keyhole.accounts import (
    AuthenticationError,
    CodeRequiredError,
    ConflictError,
    NoSuchError,
    RateLimitedError,
)
from keyhole.accounts.login_links import LINK_SECONDS
from keyhole.model.role import Role
from tests.unit.accounts.conftest import ABROAD, BY, HOME, LONG, House


def _recovery_codes(house: House) -> list[str]:
    """Those of anna, whose second factor is enabled."""
    house.add("anna")
    own = house.accounts.self_service
    session = house.accounts.logins.session(house.log_in("anna"), HOME)
    assert session is not None
    secret = own.begin_second_factor(session, LONG, HOME).secret
    return own.confirm_second_factor(session, pyotp.TOTP(secret).at(int(house.clock.now)), HOME)


def _refused(house: House, secret: str) -> str:
    with pytest.raises(AuthenticationError) as refused:
        house.accounts.links.log_in(secret, None, HOME)
    return str(refused.value)


def test_a_link_signs_in_once_and_its_second_use_is_refused(house: House) -> None:
    house.add("anna", Role.OPERATOR)
    link = house.accounts.links.create("anna", BY)
    secret = house.accounts.links.log_in(link, None, HOME)
    session = house.accounts.logins.session(secret, HOME)
    assert session is not None
    assert (session.name, session.role) == ("anna", Role.OPERATOR)
    assert _refused(house, link) == (
        "this link was used before; keyhole people link anna makes another one"
    )
    assert house.accounts.logins.session(secret, HOME), "the first use goes on"


def test_a_link_expires(house: House) -> None:
    link = house.accounts.links.create("root", BY)
    house.clock.now += LINK_SECONDS - 1
    assert house.accounts.links.log_in(link, None, HOME)
    link = house.accounts.links.create("root", BY)
    house.clock.now += LINK_SECONDS
    assert "this link has expired" in _refused(house, link)


def test_a_link_of_another_control_is_refused(house: House) -> None:
    link = House(house.database, house.clock).accounts.links.create("root", BY)
    assert "there is no such link" in _refused(house, link)


def test_a_new_link_ends_the_one_before(house: House) -> None:
    first = house.accounts.links.create("root", BY)
    second = house.accounts.links.create("root", BY)
    assert "there is no such link" in _refused(house, first)
    assert house.accounts.links.log_in(second, None, HOME)


@pytest.mark.parametrize("change", ["password", "reset", "disabled", "removed"])
def test_a_link_ends_when_its_account_changes(house: House, change: str) -> None:
    house.add("anna")
    link = house.accounts.links.create("anna", BY)
    administration = house.accounts.administration
    match change:
        case "password":
            administration.set_password("anna", "another long password", BY)
        case "reset":
            administration.reset("anna", BY, with_code=False)
        case "disabled":
            administration.set_disabled("anna", True, BY)
        case _:
            administration.remove("anna", BY)
    assert "this link is not valid any more" in _refused(house, link)


def test_a_link_is_only_for_an_account_that_may_log_in(house: House) -> None:
    house.add("anna")
    house.accounts.administration.set_disabled("anna", True, BY)
    with pytest.raises(ConflictError):
        house.accounts.links.create("anna", BY)
    with pytest.raises(NoSuchError):
        house.accounts.links.create("nobody", BY)


def test_a_link_takes_the_place_of_the_password_and_not_of_the_second_factor(
    house: House,
) -> None:
    codes = _recovery_codes(house)
    link = house.accounts.links.create("anna", BY)
    with pytest.raises(CodeRequiredError):
        house.accounts.links.log_in(link, None, HOME)
    with pytest.raises(AuthenticationError, match="the code is wrong"):
        house.accounts.links.log_in(link, "000000", HOME)
    assert house.accounts.links.log_in(link, codes[0], HOME)


def test_codes_for_a_link_wait_as_codes_after_a_password_do(house: House) -> None:
    _recovery_codes(house)
    link = house.accounts.links.create("anna", BY)
    for _ in range(5):
        with pytest.raises(AuthenticationError):
            house.accounts.links.log_in(link, "000000", ABROAD)
    with pytest.raises(RateLimitedError):
        house.accounts.links.log_in(link, "000000", ABROAD)


def test_guesses_wait_and_a_right_link_never_does(house: House) -> None:
    link = house.accounts.links.create("root", BY)
    for at in range(100):
        assert "there is no such link" in _refused(house, f"guess {at}")
    with pytest.raises(RateLimitedError):
        house.accounts.links.log_in("guess", None, HOME)
    assert house.accounts.links.log_in(link, None, HOME)


def test_of_two_uses_at_once_one_signs_in(house: House) -> None:
    link = house.accounts.links.create("root", BY)

    def use(_: int) -> bool:
        try:
            return bool(house.accounts.links.log_in(link, None, HOME))
        except AuthenticationError:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(use, range(4))) == 1


def test_a_link_before_the_first_password_leads_to_choosing_one(house: House) -> None:
    house.accounts.administration.add("anna", Role.VIEWER, BY)
    secret = house.accounts.links.log_in(house.accounts.links.create("anna", BY), None, HOME)
    session = house.accounts.logins.session(secret, HOME)
    assert session is not None
    assert session.must_change
    house.accounts.self_service.change_password(session, None, LONG, HOME)
    assert house.log_in("anna")


def test_links_and_their_uses_are_in_the_audit_record_without_the_secret(house: House) -> None:
    link = house.accounts.links.create("root", BY)
    house.accounts.links.log_in(link, None, HOME)
    _refused(house, link)
    newest = house.audit()[:3]
    assert [(one.entry.who, one.entry.action) for one in newest] == [
        ("root", "login_failed"),
        ("root", "login"),
        (BY.name, "login_link_created"),
    ]
    assert link not in str(house.audit())
