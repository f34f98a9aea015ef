"""Tokens: what they may, from where, for how long, and whose they are."""

import pytest

from keyhole.accounts import AccountError, ConflictError, NoSuchError, TokenSpec
from keyhole.model.address import read_network
from keyhole.model.role import Role
from tests.unit.accounts.conftest import BY, House


def _create(house: House, **wanted: object) -> str:
    given = TokenSpec(**{"name": "ci", "role": Role.OPERATOR, **wanted})  # type: ignore[arg-type]
    return house.accounts.administration.create_token(given, BY, maker=None)


def test_a_token_is_believed_until_it_is_revoked(house: House) -> None:
    secret = _create(house)
    token = house.accounts.logins.token(secret, "192.0.2.1")
    assert token is not None
    assert (token.name, token.role) == ("ci", Role.OPERATOR)
    house.accounts.administration.revoke_token("ci", BY)
    assert house.accounts.logins.token(secret, "192.0.2.1") is None


def test_a_token_ends_at_its_time(house: House) -> None:
    secret = _create(house, ends=int(house.clock.now) + 10)
    assert house.accounts.logins.token(secret, "192.0.2.1")
    house.clock.now += 10
    assert house.accounts.logins.token(secret, "192.0.2.1") is None


def test_a_token_knows_from_where_it_may_be_used_and_remembers_where_it_was(house: House) -> None:
    secret = _create(house, networks=[read_network("192.0.2.0/24")])
    for address, is_good in (
        ("192.0.2.9", True),
        ("::ffff:192.0.2.9", True),
        ("198.51.100.1", False),
    ):
        token = house.accounts.logins.token(secret, address)
        assert token is not None
        assert token.is_good_from(address) is is_good
    [listed] = house.accounts.administration.tokens()
    assert listed.used_from == "::ffff:192.0.2.9"


def test_a_token_is_never_more_than_its_maker_and_ends_with_them(house: House) -> None:
    house.add("anna", Role.ADMINISTRATOR)
    administration, logins = house.accounts.administration, house.accounts.logins
    wanted = TokenSpec("hers", Role.ADMINISTRATOR)
    secret = administration.create_token(wanted, BY, maker="anna")
    administration.set_role("anna", Role.VIEWER, BY)
    token = logins.token(secret, "192.0.2.1")
    assert token is not None
    assert token.role is Role.VIEWER
    administration.set_disabled("anna", True, BY)
    assert logins.token(secret, "192.0.2.1") is None
    administration.set_disabled("anna", False, BY)
    assert logins.token(secret, "192.0.2.1") is not None
    administration.remove("anna", BY)
    assert logins.token(secret, "192.0.2.1") is None


def test_names_are_plain_and_given_once(house: House) -> None:
    _create(house)
    with pytest.raises(ConflictError):
        _create(house)
    for name in ("", "A", "a b", "<b>", "a\n", "x" * 64):
        with pytest.raises(AccountError, match="not a valid name"):
            _create(house, name=name)
    with pytest.raises(NoSuchError):
        house.accounts.administration.revoke_token("other", BY)
