"""Access to Keyhole's administration: accounts, sessions, second factors, API tokens."""

from keyhole.accounts.accounts import Account
from keyhole.accounts.client_info import ClientInfo
from keyhole.accounts.context import AccountContext
from keyhole.accounts.error import (
    AccountError,
    AuthenticationError,
    BusyError,
    CodeRequiredError,
    ConflictError,
    NoSuchError,
    RateLimitedError,
)
from keyhole.accounts.logins import Login
from keyhole.accounts.passwords import Passwords
from keyhole.accounts.self_service import SecondFactor
from keyhole.accounts.services import AccountServices
from keyhole.accounts.sessions import Session, SessionLifetimes
from keyhole.accounts.tokens import ApiToken, TokenSpec

__all__ = [
    "Account",
    "AccountContext",
    "AccountError",
    "AccountServices",
    "ApiToken",
    "AuthenticationError",
    "BusyError",
    "ClientInfo",
    "CodeRequiredError",
    "ConflictError",
    "Login",
    "NoSuchError",
    "Passwords",
    "RateLimitedError",
    "SecondFactor",
    "Session",
    "SessionLifetimes",
    "TokenSpec",
]
