"""The server certificate of the listeners, issued by Keyhole's own authority."""

from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from keyhole.identity.authority import Authority
from keyhole.identity.certificate_and_key import (
    CertificateAndKey,
    read_certificate_and_key,
    read_certificates,
)
from keyhole.identity.certificate_spec import SERVER_LIFE, CertificateSpec
from keyhole.identity.error import IdentityError
from keyhole.identity.files import PRIVATE_FILE, PUBLIC_FILE, locked, write_whole
from keyhole.identity.sign import BACKDATE


def ensure_server_certificate(
    folder: Path,
    names: Iterable[str],
    addresses: Iterable[str],
    *,
    file: str = "server",
    domain: str | None = None,
    now: datetime | None = None,
) -> CertificateAndKey:
    """Returns a certificate for these names and addresses; issues a new one only if needed.

    A new one is issued if there is none, after half of its lifetime, if its names differ, or if
    another authority issued it. The files are ``<file>.pem`` (leaf and issuer) and
    ``<file>-key.pem`` (0600) in ``folder``, beside the authority, which is created for the trust
    domain ``domain``.
    """
    now = now or datetime.now(UTC)
    authority = Authority.open(folder, now=now, domain=domain)
    spec = CertificateSpec(names=tuple(names), addresses=tuple(addresses))
    certificate, key = folder / f"{file}.pem", folder / f"{file}-key.pem"
    with locked(folder):
        current = _read_usable(authority, spec, certificate, key, now)
        if current is not None:
            return current
        chain, key_bytes = authority.issue(spec, now, how=f"for {file}.pem")
        # A reader between the two writes sees a pair that does not match, keeps its old one, and
        # reads again after the second write.
        write_whole(key, key_bytes, PRIVATE_FILE)
        write_whole(certificate, chain, PUBLIC_FILE)
        return read_certificate_and_key(certificate, key, now)


def _read_usable(
    authority: Authority, spec: CertificateSpec, certificate: Path, key: Path, now: datetime
) -> CertificateAndKey | None:
    try:
        pair = read_certificate_and_key(certificate, key, now)
        above = read_certificates(certificate)[1:]
    except IdentityError:
        return None  # safe to replace: only this function writes these files
    issued = pair.leaf.not_valid_before_utc + BACKDATE
    actual = (set(pair.names()), set(pair.addresses()))
    wanted = (
        {name.removesuffix(".").lower() for name in spec.names},
        {ip_address(address) for address in spec.addresses},
    )
    if actual != wanted or now >= issued + SERVER_LIFE / 2:
        return None
    # Earlier versions wrote no chain; clients that have only the root could not verify it.
    if not above or not authority.signed(pair.leaf, above):
        return None
    return pair
