"""The routes of tokens, called with accounts of a database."""

import dataclasses

import pytest
from starlette.requests import Request

from keyhole.accounts import Session
from keyhole.api.principal import Principal
from keyhole.api.problem import ApiProblem
from keyhole.api.tokens import TokenCreate, create_token
from keyhole.control.authentication import Authentication
from keyhole.model.role import Role
from tests.unit.accounts.conftest import HOME, House

ROOT = Principal("root", Role.ADMINISTRATOR, "session")


def _request(session: Session | None) -> Request:
    return Request({"type": "http", "headers": [], "state": {"session": session}})


def _session(house: House) -> Session:
    session = house.accounts.logins.session(house.log_in("root"), HOME)
    assert session is not None
    return session


def test_a_token_without_an_end_needs_an_account_that_it_ends_with(house: House) -> None:
    auth = Authentication(house.accounts, None)
    session = _session(house)
    by_provider = _request(dataclasses.replace(session, person=None))
    with pytest.raises(ApiProblem, match="days: give an end") as refused:
        create_token(auth, ROOT, HOME, by_provider, TokenCreate(name="a", role="viewer"))
    assert refused.value.status == 422
    dated = TokenCreate(name="a", role="viewer", days=30)
    assert create_token(auth, ROOT, HOME, by_provider, dated).secret
    forever = TokenCreate(name="b", role="viewer")
    assert create_token(auth, ROOT, HOME, _request(session), forever).secret
    local = Principal("local:root", Role.ADMINISTRATOR, "socket")
    forever = TokenCreate(name="c", role="viewer")
    assert create_token(auth, local, HOME, _request(None), forever).secret
