"""Who may look at Keyhole and change it: accounts, sessions, second factors, tokens."""

from keyhole.people.accounts import Account
from keyhole.people.caller import Caller, Visit
from keyhole.people.error import (
    BusyError,
    CodeNeededError,
    NoSuchError,
    NotBelievedError,
    PeopleError,
    TakenError,
    TooOftenError,
)
from keyhole.people.ground import Ground
from keyhole.people.logins import Login
from keyhole.people.own import SecondFactor
from keyhole.people.passwords import Passwords
from keyhole.people.people import People
from keyhole.people.sessions import Lives, Session
from keyhole.people.tokens import ApiToken, Wanted

__all__ = [
    "Account",
    "ApiToken",
    "BusyError",
    "Caller",
    "CodeNeededError",
    "Ground",
    "Lives",
    "Login",
    "NoSuchError",
    "NotBelievedError",
    "Passwords",
    "People",
    "PeopleError",
    "SecondFactor",
    "Session",
    "TakenError",
    "TooOftenError",
    "Visit",
    "Wanted",
]
