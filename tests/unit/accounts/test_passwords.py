"""What a password has to be, and what is stored of it."""

import pytest

from keyhole.accounts import AccountError, Passwords
from keyhole.accounts.passwords import check_new
from tests.unit.accounts.conftest import LONG, House, cheap_passwords


def test_what_is_kept_is_argon2id_with_the_parameters_of_the_server() -> None:
    stored = Passwords().hash(LONG)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert LONG not in stored
    assert Passwords().verify(stored, LONG)
    assert not Passwords().verify(stored, LONG + "x")


def test_the_same_password_is_kept_differently_each_time() -> None:
    passwords = cheap_passwords()
    assert passwords.hash(LONG) != passwords.hash(LONG)


def test_nothing_is_right_where_nothing_is_kept() -> None:
    passwords = cheap_passwords()
    assert not passwords.verify(None, LONG)
    assert not passwords.verify(None, "of an account that does not exist")
    assert not passwords.verify("", "")


def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    passwords = cheap_passwords()
    assert passwords.verify(passwords.hash("pässwörter genug"), "pässwörter genug")


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "at least 12"),
        ("a" * 257, "at most 256"),
        ("abababababababab", "repeats"),
        ("my name is anna ok", "contains the name"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(password: str, said: str) -> None:
    with pytest.raises(AccountError, match=said):
        check_new(password, "anna")


def test_a_login_keeps_the_password_anew_when_the_parameters_changed(house: House) -> None:
    house.add("anna")
    before = house.accounts.administration.get("anna").password
    house.context.passwords = Passwords(passes=2, kibibytes=16, lanes=1)
    house.log_in("anna")
    after = house.accounts.administration.get("anna").password
    assert "m=8,t=1" in before
    assert "m=16,t=2" in after
    house.log_in("anna")
    assert house.accounts.administration.get("anna").password == after
