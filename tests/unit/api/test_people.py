"""The routes of accounts, called with accounts of a database."""

import pytest
from starlette.requests import Request

from keyhole.api.people import PersonReset, reset_person
from keyhole.api.principal import Principal
from keyhole.api.problem import ApiProblem
from keyhole.control.authentication import Authentication
from keyhole.model.role import Role
from tests.unit.accounts.conftest import HOME, House

RESET = PersonReset(second_factor=False)


def _request(house: House, name: str | None) -> Request:
    """A request with a session of this person; of nobody for a user of the machine."""
    session = house.accounts.logins.session(house.log_in(name), HOME) if name else None
    state = {"session": session} if session else {}
    return Request({"type": "http", "headers": [], "state": state})


def test_a_session_cannot_reset_the_account_that_it_belongs_to(house: House) -> None:
    auth = Authentication(house.accounts, None)
    root = Principal("root", Role.ADMINISTRATOR, "session")
    request = _request(house, "root")
    with pytest.raises(ApiProblem, match="you cannot reset your own account") as refused:
        reset_person(auth, root, HOME, request, "root", RESET)
    assert refused.value.status == 409
    assert house.log_in("root"), "the password is still the same"


def test_others_and_users_of_the_machine_can_still_reset_an_account(house: House) -> None:
    auth = Authentication(house.accounts, None)
    house.add("anna")
    root = Principal("root", Role.ADMINISTRATOR, "session")
    assert reset_person(auth, root, HOME, _request(house, "root"), "anna", RESET).password
    local = Principal("local:root", Role.ADMINISTRATOR, "socket")
    assert reset_person(auth, local, HOME, _request(house, None), "root", RESET).password
