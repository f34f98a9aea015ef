"""Trust data of the own authority, which control puts into the snapshot."""

from dataclasses import dataclass
from pathlib import Path

from keyhole.identity import issuance_log, revoked, tokens
from keyhole.identity.ca_files import BUNDLE, ISSUER, ROOT, read_bundle, read_domain
from keyhole.identity.error import IdentityError
from keyhole.identity.sign import certificate_pem
from keyhole.model.spiffe import DEFAULT_TRUST_DOMAIN
from keyhole.system.installation import was_there


@dataclass(frozen=True)
class OwnTrust:
    """The own trust domain, and all revocations, also of other domains.

    ``bundle_pem`` is empty if there is no authority. ``revoked_certificates`` are pairs of trust
    domain and serial number in hexadecimal. ``not_before`` are pairs of identity and Unix time:
    its certificates that begin earlier are refused.
    """

    domain: str
    bundle_pem: str
    revoked_identities: tuple[str, ...]
    revoked_certificates: tuple[tuple[str, str], ...]
    not_before: tuple[tuple[str, int], ...] = ()


def read_trust(folder: Path, domain: str | None = None) -> OwnTrust:
    """Reads the trust data; raises ``IdentityError`` if any existing file is unreadable.

    ``domain`` is the trust domain if no issuer in the folder names one.

    Writes nothing. Unreadable revocations are an error, since continuing would ignore them.
    """
    if not (folder / ROOT).exists() and was_there(folder / ROOT):
        raise IdentityError(
            f"the authority in {folder} is gone; restore it from a backup (keyhole restore), or "
            "let keyhole setup --new start a new authority"
        )
    known = revoked.read_revoked(folder)
    return OwnTrust(
        domain=read_domain(folder) or domain or DEFAULT_TRUST_DOMAIN,
        bundle_pem=certificate_pem(*read_bundle(folder)).decode(),
        revoked_identities=tuple(one.id for one in known.identities),
        revoked_certificates=tuple((one.domain, one.serial) for one in known.certificates),
        not_before=tuple((one.id, int(one.at.timestamp())) for one in known.not_before),
    )


def identity_files(folder: Path) -> frozenset[Path]:
    """The files from which the snapshot is built."""
    names = (ROOT, ISSUER, BUNDLE, revoked.FILE, tokens.FILE)
    return frozenset(folder / name for name in names)


def has_issued_clients(folder: Path) -> bool:
    """Whether the authority ever issued a client certificate."""
    return any(one.spiffe is not None for one in issuance_log.read_issued(folder))
