"""What administrators do: accounts, sessions of others, and tokens."""

from sqlalchemy import Connection

from keyhole.accounts import accounts, sessions, tokens, totp
from keyhole.accounts.accounts import Account
from keyhole.accounts.actor import Actor, read_name
from keyhole.accounts.context import ONE_TIME_SECONDS, AccountContext, record
from keyhole.accounts.passwords import check_new
from keyhole.accounts.secret import new_one_time_password
from keyhole.accounts.sessions import Session
from keyhole.accounts.tokens import ApiToken, TokenSpec
from keyhole.model.role import Role

FIRST_ACCOUNT = "admin"
"""The account that the first run makes."""


class Administration:
    """Every change is written into the audit record in the same transaction."""

    def __init__(self, ground: AccountContext) -> None:
        self._ground = ground

    def begin_first_run(self) -> str | None:
        """Where there is no account at all, makes the first administrator and gives the one-time
        password; else none."""
        with self._ground.database.read() as connection:
            if accounts.everybody(connection):
                return None  # almost always, and a hash takes its time
        kept, password = self._one_time()
        with self._ground.database.begin() as connection:
            accounts.lock(connection)
            if accounts.everybody(connection):
                return None
            self._add(
                Actor("keyhole", "start"), connection, FIRST_ACCOUNT, Role.ADMINISTRATOR, kept
            )
        return password

    def is_set_up(self) -> bool:
        """Whether the first run is over: somebody has chosen a password, or a program has a
        token."""
        with self._ground.database.read() as connection:
            return accounts.is_set_up(connection)

    def everybody(self) -> list[Account]:
        """All accounts by name."""
        with self._ground.database.read() as connection:
            return accounts.everybody(connection)

    def get(self, name: str) -> Account:
        """One account; raises `NoSuchError` where there is none."""
        with self._ground.database.read() as connection:
            return accounts.get(connection, name)

    def add(self, name: str, role: Role, by: Actor) -> str:
        """Makes an account and gives its one-time password."""
        read_name(name)
        kept, password = self._one_time()
        with self._ground.database.begin() as connection:
            accounts.lock(connection)
            self._add(by, connection, name, role, kept)
        return password

    def reset(self, name: str, by: Actor, *, with_code: bool) -> str:
        """Gives an account a new one-time password and ends its sessions; ``with_code`` takes the
        second factor away as well, for whoever has lost the device and the recovery codes."""
        kept, password = self._one_time()
        with self._ground.database.begin() as connection:
            accounts.lock(connection)
            ends = self._ground.now() + ONE_TIME_SECONDS
            accounts.change(connection, name, password=kept, one_time_until=ends)
            if with_code:
                accounts.change(connection, name, totp=None, totp_draft=None)
                totp.forget_recovery_codes(connection, name)
            sessions.end_all_of(connection, name)
            record(connection, by, "person_reset", person=name, second_factor=with_code)
        self._ground.admission.forget(name)
        return password

    def set_password(self, name: str, password: str, by: Actor) -> None:
        """Gives an account a password that somebody on this machine chose, and ends its
        sessions."""
        check_new(password, name)
        kept = self._ground.passwords.keep(password)
        with self._ground.database.begin() as connection:
            accounts.lock(connection)
            accounts.change(connection, name, password=kept, one_time_until=None)
            sessions.end_all_of(connection, name)
            record(connection, by, "person_password", person=name)
        self._ground.admission.forget(name)
        self._ground.heard()

    def set_role(self, name: str, role: Role, by: Actor) -> None:
        """Changes what somebody may do, from their next request on."""
        with self._ground.database.begin() as connection:
            accounts.lock(connection)
            before = accounts.get(connection, name).role
            accounts.change(connection, name, role=role.word)
            accounts.require_one_administrator(connection)
            detail = {"person": name, "before": before.word, "role": role.word}
            record(connection, by, "person_role", **detail)

    def set_disabled(self, name: str, is_disabled: bool, by: Actor) -> None:
        """Keeps somebody out, or lets them in again; sessions end, tokens are refused."""
        with self._ground.database.begin() as connection:
            accounts.lock(connection)
            accounts.change(connection, name, is_disabled=is_disabled)
            accounts.require_one_administrator(connection)
            if is_disabled:
                sessions.end_all_of(connection, name)
            action = "person_disabled" if is_disabled else "person_enabled"
            record(connection, by, action, person=name)

    def remove(self, name: str, by: Actor) -> None:
        """Removes an account with its sessions and the tokens that it made."""
        with self._ground.database.begin() as connection:
            accounts.lock(connection)
            accounts.remove(connection, name)
            accounts.require_one_administrator(connection)
            record(connection, by, "person_removed", person=name)

    def sessions(self, name: str | None = None) -> list[Session]:
        """Sessions that hold, the newest first; of everybody, or of one name."""
        ground = self._ground
        with ground.database.read() as connection:
            return sessions.live(connection, ground.lives, ground.now(), name=name)

    def end_session(self, session: str, by: Actor) -> None:
        """Ends a session by its id."""
        with self._ground.database.begin() as connection:
            whose = sessions.end(connection, session)
            record(connection, by, "session_ended", person=whose)

    def tokens(self) -> list[ApiToken]:
        """All tokens by name."""
        with self._ground.database.read() as connection:
            return tokens.everything(connection)

    def create_token(self, wanted: TokenSpec, by: Actor, maker: str | None) -> str:
        """Makes a token and gives its secret."""
        read_name(wanted.name)
        with self._ground.database.begin() as connection:
            now = self._ground.now()
            secret = tokens.create(connection, wanted, maker=maker, made_by=by.name, now=now)
            detail = {
                "token": wanted.name,
                "role": wanted.role.word,
                "networks": [str(one) for one in wanted.networks],
                "ends": wanted.ends,
            }
            record(connection, by, "token_created", **detail)
        self._ground.heard()
        return secret

    def revoke_token(self, name: str, by: Actor) -> None:
        """Ends a token at once."""
        with self._ground.database.begin() as connection:
            tokens.revoke(connection, name)
            record(connection, by, "token_revoked", token=name)

    def _one_time(self) -> tuple[str, str]:
        password = new_one_time_password()
        return self._ground.passwords.keep(password), password

    def _add(self, by: Actor, connection: Connection, name: str, role: Role, kept: str) -> None:
        now = self._ground.now()
        ends = now + ONE_TIME_SECONDS
        accounts.add(connection, name, role, kept, one_time_until=ends, now=now)
        record(connection, by, "person_added", person=name, role=role.word)
