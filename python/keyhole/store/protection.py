"""How the connection to a database is protected, as its URL and the environment say."""

import os
from ipaddress import ip_address
from typing import Literal

from sqlalchemy.engine import URL

Weakness = Literal["clear", "opportunistic", "unverified"]
"""``clear``: never TLS. ``opportunistic``: TLS where the server offers it, which anybody in between
can prevent. ``unverified``: TLS with anybody who claims to be the server."""

_VERIFIED = ("verify-ca", "verify-full")


def weakness_of(url: URL) -> Weakness | None:
    """What is weak about it; none for a file, a Unix socket, this machine, and for TLS with a
    checked certificate (libpq, section 34.19.1)."""
    if url.get_backend_name() != "postgresql" or all(map(_is_here, _hosts(url))):
        return None
    mode = _text(url, "sslmode") or os.environ.get("PGSSLMODE") or "prefer"
    if mode in _VERIFIED:
        return None
    if mode == "require":
        # With a file of roots, libpq checks the certificate like verify-ca.
        given = _text(url, "sslrootcert") or os.environ.get("PGSSLROOTCERT")
        return None if given else "unverified"
    return "clear" if mode == "disable" else "opportunistic"


def _hosts(url: URL) -> list[str]:
    """All hosts; without one, libpq uses PGHOST or a Unix socket."""
    given = url.host or _text(url, "host") or os.environ.get("PGHOST") or "/"
    return given.split(",")


def _is_here(host: str) -> bool:
    if host == "localhost" or host.startswith(("/", "@")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _text(url: URL, key: str) -> str:
    value = url.query.get(key, "")
    return value if isinstance(value, str) else ",".join(value)
