"""Accounts, their sessions, and API tokens.

Times are seconds of Unix time. Only digests of secrets are stored: of passwords by Argon2id, of
random secrets by SHA-256, since 2^256 of them cannot be tried.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text

from keyhole.store.tables import METADATA


def _person() -> ForeignKey:
    return ForeignKey("people.name", ondelete="CASCADE")


PEOPLE = Table(
    "people",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("one_time_until", BigInteger),
    Column("is_disabled", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("last_login", BigInteger),
    Column("totp", Text),
    Column("totp_draft", Text),
    Column("totp_step", BigInteger, nullable=False),
)
"""``one_time_until`` is the end of a password that must be changed at the first login, null for one
that the person chose; ``totp_draft`` is a second factor that is not confirmed yet; ``totp_step``
is the newest accepted time step, so that no code is accepted twice."""

RECOVERY_CODES = Table(
    "people_recovery_codes",
    METADATA,
    Column("person", Text, _person(), primary_key=True),
    Column("digest", Text, primary_key=True),
)

PLACES = Table(
    "people_places",
    METADATA,
    Column("person", Text, _person(), primary_key=True),
    Column("place", Text, primary_key=True),
    Column("seen", BigInteger, nullable=False),
)
"""Addresses of earlier logins: failed logins from elsewhere do not delay them."""

SESSIONS = Table(
    "people_sessions",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("person", Text, _person()),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Index("people_sessions_person", "person"),
)
"""For a login by an identity provider ``person`` is null and ``role`` counts; otherwise the role of
the person is read each time. ``id`` is independent of the secret."""

API_TOKENS = Table(
    "api_tokens",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("networks", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("ends", BigInteger),
    Column("maker", Text, _person()),
    Column("made_by", Text, nullable=False),
    Column("used", BigInteger),
    Column("used_from", Text),
)
"""``networks`` is a JSON list, empty for all; a token is removed with its maker's account."""
