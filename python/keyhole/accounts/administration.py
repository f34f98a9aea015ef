"""Administration of accounts, sessions and tokens."""

from sqlalchemy import Connection

from keyhole.accounts import accounts, sessions, tokens, totp
from keyhole.accounts.accounts import Account
from keyhole.accounts.client_info import read_name
from keyhole.accounts.context import ONE_TIME_SECONDS, AccountContext, record
from keyhole.accounts.passwords import check_new
from keyhole.accounts.secret import new_one_time_password
from keyhole.accounts.sessions import Session
from keyhole.accounts.tokens import ApiToken, TokenSpec
from keyhole.model.role import Role
from keyhole.store import Actor

FIRST_ACCOUNT = "admin"
"""The account that the first start creates."""


class Administration:
    """Each change and its audit record are one transaction."""

    def __init__(self, context: AccountContext) -> None:
        self._context = context

    def begin_first_run(self, chosen: str | None = None) -> str | None:
        """Creates the first administrator if there is no account; returns its one-time password,
        otherwise ``None``. ``chosen`` is the hash of a password that a person of this machine chose
        before: then there is no one-time password."""
        with self._context.database.read() as connection:
            if accounts.everybody(connection):
                return None  # the common case; avoids the slow hash
        stored, password = (chosen, None) if chosen else self._one_time()
        with self._context.database.begin() as connection:
            accounts.lock(connection)
            if accounts.everybody(connection):
                return None
            by = Actor("keyhole", "start")
            self._add(by, connection, FIRST_ACCOUNT, Role.ADMINISTRATOR, stored)
            if password is None:
                accounts.change(connection, FIRST_ACCOUNT, password=stored, one_time_until=None)
        if password is None:
            self._context.on_set_up()
        return password

    def is_set_up(self) -> bool:
        """Whether initial setup is complete: a permanent password or a token exists."""
        with self._context.database.read() as connection:
            return accounts.is_set_up(connection)

    def everybody(self) -> list[Account]:
        """All accounts by name."""
        with self._context.database.read() as connection:
            return accounts.everybody(connection)

    def get(self, name: str) -> Account:
        """One account; raises `NoSuchError` if there is none."""
        with self._context.database.read() as connection:
            return accounts.get(connection, name)

    def add(self, name: str, role: Role, by: Actor) -> str:
        """Creates an account and returns its one-time password."""
        read_name(name)
        stored, password = self._one_time()
        with self._context.database.begin() as connection:
            accounts.lock(connection)
            self._add(by, connection, name, role, stored)
        return password

    def reset(self, name: str, by: Actor, *, with_code: bool) -> str:
        """Sets a new one-time password and ends all sessions; ``with_code`` also removes the second
        factor, for a person who lost the device and the recovery codes."""
        stored, password = self._one_time()
        with self._context.database.begin() as connection:
            accounts.lock(connection)
            ends = self._context.now() + ONE_TIME_SECONDS
            before = accounts.find(connection, name)
            had_code = before is not None and before.has_code
            accounts.change(connection, name, password=stored, one_time_until=ends)
            if with_code:
                accounts.change(connection, name, totp=None, totp_draft=None)
                totp.forget_recovery_codes(connection, name)
            sessions.end_all_of(connection, name)
            detail = {
                "before": {"second_factor": had_code},
                "after": {"second_factor": had_code and not with_code, "password": "one-time"},
            }
            record(connection, by, "person_reset", person=name, **detail)
        self._context.login_limits.forget(name)
        return password

    def set_password(self, name: str, password: str, by: Actor) -> None:
        """Sets a password that a user of this machine chose, and ends all sessions."""
        check_new(password, name)
        stored = self._context.passwords.hash(password)
        with self._context.database.begin() as connection:
            accounts.lock(connection)
            accounts.change(connection, name, password=stored, one_time_until=None)
            sessions.end_all_of(connection, name)
            record(connection, by, "person_password", person=name)
        self._context.login_limits.forget(name)
        self._context.on_set_up()

    def set_role(self, name: str, role: Role, by: Actor) -> None:
        """Changes the role, effective from the next request."""
        with self._context.database.begin() as connection:
            accounts.lock(connection)
            before = accounts.get(connection, name).role
            accounts.change(connection, name, role=role.word)
            accounts.require_one_administrator(connection)
            detail = {"person": name, "before": before.word, "after": role.word}
            record(connection, by, "person_role", **detail)

    def set_disabled(self, name: str, is_disabled: bool, by: Actor) -> None:
        """Disables or enables an account; disabling ends sessions, and its tokens are refused."""
        with self._context.database.begin() as connection:
            accounts.lock(connection)
            before = "disabled" if accounts.get(connection, name).is_disabled else "enabled"
            accounts.change(connection, name, is_disabled=is_disabled)
            accounts.require_one_administrator(connection)
            if is_disabled:
                sessions.end_all_of(connection, name)
            action = "person_disabled" if is_disabled else "person_enabled"
            after = "disabled" if is_disabled else "enabled"
            record(connection, by, action, person=name, before=before, after=after)

    def remove(self, name: str, by: Actor) -> None:
        """Removes an account, its sessions, and the tokens that it created."""
        with self._context.database.begin() as connection:
            accounts.lock(connection)
            before = accounts.get(connection, name).role.word
            ended = [one.name for one in tokens.everything(connection) if one.maker == name]
            accounts.remove(connection, name)
            accounts.require_one_administrator(connection)
            detail = {"person": name, "before": before, "after": None, "tokens_revoked": ended}
            record(connection, by, "person_removed", **detail)

    def sessions(self, name: str | None = None) -> list[Session]:
        """Valid sessions, newest first; of all people, or of one name."""
        context = self._context
        with context.database.read() as connection:
            return sessions.live(connection, context.lifetimes, context.now(), name=name)

    def end_session(self, session: str, by: Actor) -> None:
        """Ends a session by its id."""
        with self._context.database.begin() as connection:
            whose = sessions.end(connection, session)
            record(connection, by, "session_ended", person=whose)

    def tokens(self) -> list[ApiToken]:
        """All tokens by name."""
        with self._context.database.read() as connection:
            return tokens.everything(connection)

    def create_token(self, spec: TokenSpec, by: Actor, maker: str | None) -> str:
        """Creates a token and returns its secret."""
        read_name(spec.name)
        with self._context.database.begin() as connection:
            now = self._context.now()
            secret = tokens.create(connection, spec, maker=maker, made_by=by.name, now=now)
            detail = {
                "token": spec.name,
                "before": None,
                "after": spec.role.word,
                "role": spec.role.word,
                "networks": [str(one) for one in spec.networks],
                "ends": spec.ends,
            }
            record(connection, by, "token_created", **detail)
        self._context.on_set_up()
        return secret

    def revoke_token(self, name: str, by: Actor) -> None:
        """Revokes a token immediately."""
        with self._context.database.begin() as connection:
            known = {one.name: one for one in tokens.everything(connection)}
            tokens.revoke(connection, name)
            before = known[name].role.word
            record(connection, by, "token_revoked", token=name, before=before, after=None)

    def _one_time(self) -> tuple[str, str]:
        password = new_one_time_password()
        return self._context.passwords.hash(password), password

    def _add(self, by: Actor, connection: Connection, name: str, role: Role, stored: str) -> None:
        now = self._context.now()
        ends = now + ONE_TIME_SECONDS
        accounts.add(connection, name, role, stored, one_time_until=ends, now=now)
        record(connection, by, "person_added", person=name, before=None, after=role.word)
