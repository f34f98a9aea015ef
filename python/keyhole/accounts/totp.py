"""The second factor: time-based codes (RFC 6238), and recovery codes for a lost device."""

import re

import pyotp
from sqlalchemy import Connection, delete, insert, update

from keyhole.accounts.accounts import Account
from keyhole.accounts.secret import digest, new_recovery_code
from keyhole.store.tables.people import PEOPLE, RECOVERY_CODES

STEP_SECONDS = 30
_RECOVERY_CODES = 10
# A clock may be off by one step in each direction (RFC 6238 section 5.2).
_DRIFT = 1
_DIGITS = re.compile(r"[0-9]{6}")


def new_secret() -> str:
    """160 bits as base32 (RFC 4226 section 4)."""
    return pyotp.random_base32()


def enrollment_url(secret: str, name: str, issuer: str) -> str:
    """The ``otpauth://`` URL that authenticators read from a QR code."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=name, issuer_name=issuer)


def step_of(secret: str, code: str, now: float, after: int) -> int | None:
    """The time step of a valid code, if it is newer than ``after``."""
    if not _DIGITS.fullmatch(code):
        return None
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    current = int(now) // STEP_SECONDS
    found = None
    for step in range(current - _DRIFT, current + _DRIFT + 1):
        # All steps are compared, in constant time each.
        if pyotp.utils.strings_equal(code, totp.generate_otp(step)) and step > after:
            found = step
    return found


def use_code(connection: Connection, name: str, secret: str, code: str, now: float) -> bool:
    """Accepts a code only once, also if it is used twice at the same time."""
    step = step_of(secret, code, now, after=-1)
    if step is None:
        return False
    taken = connection.execute(
        update(PEOPLE)
        .where(PEOPLE.c.name == name, PEOPLE.c.totp_step < step)
        .values(totp_step=step)
    )
    return taken.rowcount == 1


def use_recovery_code(connection: Connection, name: str, code: str) -> bool:
    """Accepts a recovery code only once."""
    plain = code.strip().lower()
    used = connection.execute(
        delete(RECOVERY_CODES).where(
            RECOVERY_CODES.c.person == name, RECOVERY_CODES.c.digest == digest(plain)
        )
    )
    return used.rowcount == 1


def use_any_code(connection: Connection, account: Account, code: str, now: float) -> str | None:
    """Accepts a code or a recovery code of an account; returns which kind it was, if any."""
    if account.totp and use_code(connection, account.name, account.totp, code, now):
        return "by time"
    return "recovery" if use_recovery_code(connection, account.name, code) else None


def renew_recovery_codes(connection: Connection, name: str) -> list[str]:
    """Replaces the recovery codes; returns the new ones, of which only digests are stored."""
    forget_recovery_codes(connection, name)
    codes = [new_recovery_code() for _ in range(_RECOVERY_CODES)]
    rows = [{"person": name, "digest": digest(one)} for one in codes]
    connection.execute(insert(RECOVERY_CODES), rows)
    return codes


def forget_recovery_codes(connection: Connection, name: str) -> None:
    """Deletes all recovery codes of an account."""
    connection.execute(delete(RECOVERY_CODES).where(RECOVERY_CODES.c.person == name))
