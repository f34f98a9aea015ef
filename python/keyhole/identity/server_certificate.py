"""The certificate that the listeners show, issued by Keyhole's own authority."""

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
    """Gives a certificate for these names and addresses, issuing it only when needed.

    A new one is issued when there is none, when it is past half of its life, or when it does not
    say exactly these names or is not from this authority. The files are ``<file>.pem`` (with the
    issuer, which clients need on the way to the root) and ``<file>-key.pem`` (0600) in ``folder``,
    beside the authority, which is made for the trust domain ``domain``.
    """
    now = now or datetime.now(UTC)
    authority = Authority.open(folder, now=now, domain=domain)
    wish = CertificateSpec(names=tuple(names), addresses=tuple(addresses))
    certificate, key = folder / f"{file}.pem", folder / f"{file}-key.pem"
    with locked(folder):
        kept = _still_good(authority, wish, certificate, key, now)
        if kept is not None:
            return kept
        chain, key_bytes = authority.issue(wish, now, how=f"for {file}.pem")
        # A reader between the two writes sees a pair that does not fit, keeps its old one, and is
        # told of the second write.
        write_whole(key, key_bytes, PRIVATE_FILE)
        write_whole(certificate, chain, PUBLIC_FILE)
        return read_certificate_and_key(certificate, key, now)


def _still_good(
    authority: Authority, wish: CertificateSpec, certificate: Path, key: Path, now: datetime
) -> CertificateAndKey | None:
    try:
        material = read_certificate_and_key(certificate, key, now)
        above = read_certificates(certificate)[1:]
    except IdentityError:
        return None  # ours to replace: nobody else writes these files
    issued = material.leaf.not_valid_before_utc + BACKDATE
    said = (set(material.names()), set(material.addresses()))
    wanted = (
        {name.removesuffix(".").lower() for name in wish.names},
        {ip_address(address) for address in wish.addresses},
    )
    if said != wanted or now >= issued + SERVER_LIFE / 2:
        return None
    # Issued without a chain, by an earlier version: clients with the root alone could not check it.
    if not above or not authority.signed(material.leaf, above):
        return None
    return material
