"""API tokens for programs: a role, optional networks and expiry; they create no session."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select, update

from keyhole.accounts.error import ConflictError, NoSuchError
from keyhole.accounts.secret import digest, new_token_secret
from keyhole.model.address import Network, is_within, read_network
from keyhole.model.role import Role
from keyhole.store.tables.people import API_TOKENS, PEOPLE

_SEEN_SECONDS = 60


@dataclass(frozen=True)
class TokenSpec:
    """A token to create; no networks: from anywhere, no ``ends``: until revoked."""

    name: str
    role: Role
    networks: Sequence[Network] = ()
    ends: int | None = None


@dataclass(frozen=True)
class ApiToken:
    """A token without its secret. ``role`` never exceeds the current role of its creator."""

    name: str
    role: Role
    networks: tuple[Network, ...]
    created: int
    ends: int | None
    maker: str | None
    made_by: str
    used: int | None
    used_from: str | None

    def is_good_from(self, address: str) -> bool:
        """Whether it may be used from this address."""
        return not self.networks or is_within(address, self.networks)


def create(
    connection: Connection, spec: TokenSpec, *, maker: str | None, made_by: str, now: int
) -> str:
    """Creates a token; returns its secret, which is not stored. The token is removed with the
    account ``maker``, if given."""
    taken = select(API_TOKENS.c.name).where(API_TOKENS.c.name == spec.name)
    if connection.execute(taken).first() is not None:
        raise ConflictError(
            f"there is a token {spec.name} already; revoke it, or take another name"
        )
    secret = new_token_secret()
    connection.execute(
        insert(API_TOKENS).values(
            name=spec.name,
            digest=digest(secret),
            role=spec.role.word,
            networks=json.dumps([str(one) for one in spec.networks]),
            created=now,
            ends=spec.ends,
            maker=maker,
            made_by=made_by,
        )
    )
    return secret


def find(connection: Connection, secret_digest: str, now: int) -> ApiToken | None:
    """The token whose secret has this digest, unless it has expired or its creator is disabled."""
    query = _all().where(API_TOKENS.c.digest == secret_digest)
    row = connection.execute(query).first()
    if row is None or row.is_disabled or (row.ends is not None and row.ends <= now):
        return None
    return _token(row._mapping)


def touch(connection: Connection, token: ApiToken, address: str, now: int) -> None:
    """Updates the "last used" time and address."""
    connection.execute(
        update(API_TOKENS)
        .where(API_TOKENS.c.name == token.name)
        .values(used=now, used_from=address)
    )


def needs_touch(token: ApiToken, address: str, now: int) -> bool:
    """Whether the "last used" entry should be updated."""
    return token.used is None or now - token.used >= _SEEN_SECONDS or token.used_from != address


def everything(connection: Connection) -> list[ApiToken]:
    """All tokens by name, including expired ones."""
    rows = connection.execute(_all().order_by(API_TOKENS.c.name))
    return [_token(row._mapping) for row in rows]


def revoke(connection: Connection, name: str) -> None:
    """Deletes a token; raises `NoSuchError` if there is none."""
    if connection.execute(delete(API_TOKENS).where(API_TOKENS.c.name == name)).rowcount == 0:
        raise NoSuchError(f"there is no token {name}")


def _all() -> Select[Any]:
    return select(API_TOKENS, PEOPLE.c.role.label("maker_role"), PEOPLE.c.is_disabled).outerjoin(
        PEOPLE, API_TOKENS.c.maker == PEOPLE.c.name
    )


def _token(row: Any) -> ApiToken:
    role = Role.of(row["role"])
    return ApiToken(
        name=row["name"],
        role=min(role, Role.of(row["maker_role"])) if row["maker_role"] else role,
        networks=tuple(read_network(one) for one in json.loads(row["networks"])),
        created=row["created"],
        ends=row["ends"],
        maker=row["maker"],
        made_by=row["made_by"],
        used=row["used"],
        used_from=row["used_from"],
    )
