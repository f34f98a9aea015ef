"""The files of the authority: root, issuer and bundle. Callers hold the folder's lock."""

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from keyhole.identity.certificate_and_key import alternative_names, read_certificates, read_key
from keyhole.identity.error import IdentityError
from keyhole.identity.files import PRIVATE_FILE, PUBLIC_FILE, write_whole
from keyhole.identity.journal import KEYHOLE, noted
from keyhole.identity.sign import (
    BACKDATE,
    Signer,
    certificate_pem,
    fingerprint,
    is_signed_by,
    key_pem,
)
from keyhole.model.spiffe import SCHEME
from keyhole.system import durable
from keyhole.system.installation import remember_file, was_there

ROOT, ROOT_KEY = "root.pem", "root-key.pem"
NEXT, NEXT_KEY = "next-root.pem", "next-root-key.pem"
ISSUER, ISSUER_KEY = "issuer.pem", "issuer-key.pem"
BUNDLE = "bundle.pem"


def ensure_root(
    folder: Path, common_name: str, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey | None]:
    """Returns the root, created if there is none, and its key if it is present.

    Also completes an interrupted rotation, and adds missing roots to the bundle.
    """
    root, key = folder / ROOT, folder / ROOT_KEY
    if not root.exists() and not key.exists():
        _refuse_another(root)
        signer = Signer.root(common_name, now)
        # The key first: a root without its key could never sign. A key without a root is detected
        # below; no client can trust a root that was never written.
        with noted(folder, KEYHOLE, "create_root", _shown(None, signer.certificate)):
            write_signer(folder, signer, ROOT, ROOT_KEY)
    remember_file(root)
    _complete_rotation(folder)
    if not root.exists():
        raise _incomplete(folder, ROOT)
    certificate = read_certificates(root)[0]
    check_clock(root, certificate, now)
    _ensure_bundle(folder)
    return certificate, _read_root_key(folder, certificate)


def ensure_issuer(
    folder: Path,
    root: x509.Certificate,
    key: ec.EllipticCurvePrivateKey | None,
    domain: str | None,
    now: datetime,
) -> Signer:
    """Returns the issuer. Creates a new one if there is none, after half of its lifetime, if
    another root signed it, or if it names no trust domain and ``domain`` is given."""
    current, problem = _read_issuer(folder, root)
    if current is not None and not _needs_renewal(current.certificate, domain, now):
        return current
    if key is None:
        if current is None:
            raise problem or _incomplete(folder, ISSUER)
        return current
    if root.not_valid_after_utc <= now:
        raise IdentityError(
            f"the root certificate {folder / ROOT} expired on {root.not_valid_after_utc:%Y-%m-%d}, "
            f"and the clock of this machine says {now:%Y-%m-%d %H:%M} UTC; set the clock if it is "
            "wrong; else let keyhole setup --new start a new authority (clients must then be given "
            "the new root.pem)"
        )
    issuer = Signer(root, key).issuer(_existing_domain(folder) or domain, now)
    shown = _shown(current.certificate if current else None, issuer.certificate)
    with noted(folder, KEYHOLE, "issue_issuer", shown):
        write_signer(folder, issuer, ISSUER, ISSUER_KEY)
    return issuer


def _shown(before: x509.Certificate | None, after: x509.Certificate) -> dict[str, str | None]:
    return {"before": _described(before) if before else None, "after": _described(after)}


def _described(certificate: x509.Certificate) -> str:
    return f"{fingerprint(certificate)}, until {certificate.not_valid_after_utc:%Y-%m-%d}"


def read_bundle(folder: Path) -> list[x509.Certificate]:
    """The trusted roots; empty if there is no authority.

    Raises :class:`IdentityError` if the file is unreadable.
    """
    for name in (BUNDLE, ROOT):
        if (folder / name).exists():
            return read_certificates(folder / name)
    return []


def read_domain(folder: Path) -> str | None:
    """The trust domain that the issuer names, if any."""
    path = folder / ISSUER
    return signed_domain(read_certificates(path)[0]) if path.exists() else None


def write_bundle(folder: Path, roots: list[x509.Certificate]) -> None:
    """Replaces the set of trusted roots."""
    write_whole(folder / BUNDLE, certificate_pem(*roots), PUBLIC_FILE)


def write_signer(folder: Path, signer: Signer, certificate: str, key: str) -> None:
    """Writes the key, then the certificate."""
    write_whole(folder / key, key_pem(signer.key), PRIVATE_FILE)
    write_whole(folder / certificate, certificate_pem(signer.certificate), PUBLIC_FILE)


def signed_domain(issuer: x509.Certificate) -> str | None:
    """The trust domain that an issuer names."""
    uris = alternative_names(issuer).get_values_for_type(x509.UniformResourceIdentifier)
    found = [uri.removeprefix(SCHEME) for uri in uris if uri.startswith(SCHEME)]
    return found[0] if len(found) == 1 else None


def read_ecdsa_key(path: Path, certificate: x509.Certificate) -> ec.EllipticCurvePrivateKey:
    """The key of a CA certificate; raises :class:`IdentityError` if it does not match."""
    key = read_key(path)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise IdentityError(f"{path} is not an ECDSA key")
    if key.public_key() != certificate.public_key():
        name = path.name.replace("-key", "")
        raise IdentityError(f"{path} does not belong to {name}: the public keys differ")
    return key


def _existing_domain(folder: Path) -> str | None:
    try:
        return read_domain(folder)
    except IdentityError:
        return None  # a damaged issuer is replaced; the settings name the domain


def _read_root_key(
    folder: Path, certificate: x509.Certificate
) -> ec.EllipticCurvePrivateKey | None:
    path = folder / ROOT_KEY
    if path.exists():
        return read_ecdsa_key(path, certificate)
    if not (folder / ISSUER_KEY).exists():
        # The root key may be stored offline only if there is an issuer to sign leaves.
        raise _incomplete(folder, ROOT_KEY)
    return None


def _read_issuer(
    folder: Path, root: x509.Certificate
) -> tuple[Signer | None, IdentityError | None]:
    path = folder / ISSUER
    if not path.exists():
        return None, None
    try:
        certificate = read_certificates(path)[0]
        key = read_ecdsa_key(folder / ISSUER_KEY, certificate)
    except IdentityError as error:
        return None, error
    if not is_signed_by(certificate, root):
        return None, IdentityError(f"{path} is not signed by {folder / ROOT}")
    return Signer(certificate, key), None


def _needs_renewal(issuer: x509.Certificate, domain: str | None, now: datetime) -> bool:
    if issuer.not_valid_before_utc > now:
        return True  # made while the clock was ahead: nobody would believe it before that day
    begin = issuer.not_valid_before_utc + BACKDATE
    half = begin + (issuer.not_valid_after_utc - begin) / 2
    return now >= half or (domain is not None and signed_domain(issuer) is None)


def _complete_rotation(folder: Path) -> None:
    """Completes a step of ``keyhole identity rotate`` that a crash interrupted."""
    new_root, key = folder / NEXT, folder / NEXT_KEY
    if key.exists() and not new_root.exists():
        durable.remove(key)  # its root was never published
    if new_root.exists() and not key.exists() and (folder / ROOT_KEY).exists():
        certificate = read_certificates(new_root)[0]
        if read_key(folder / ROOT_KEY).public_key() == certificate.public_key():
            durable.rename(new_root, folder / ROOT)


def _ensure_bundle(folder: Path) -> None:
    wanted = [
        read_certificates(folder / name)[0] for name in (ROOT, NEXT) if (folder / name).exists()
    ]
    roots = read_certificates(folder / BUNDLE) if (folder / BUNDLE).exists() else []
    missing = [root for root in wanted if root not in roots]
    if missing:
        write_bundle(folder, [*roots, *missing])


def _incomplete(folder: Path, missing: str) -> IdentityError:
    return IdentityError(
        f"the authority in {folder} is incomplete: {missing} is missing; restore it, or let "
        "keyhole setup --new start a new authority (clients must then be given the new root.pem)"
    )


def check_clock(path: Path, certificate: x509.Certificate, now: datetime) -> None:
    """Raises :class:`IdentityError` if the clock says a time before the certificate was made."""
    begin = certificate.not_valid_before_utc
    if begin > now:
        raise IdentityError(
            f"the clock of this machine is wrong: it says {now:%Y-%m-%d %H:%M} UTC, and {path} was "
            f"made on {begin + BACKDATE:%Y-%m-%d %H:%M} UTC; set the clock, then certificates are "
            "used again"
        )


def _refuse_another(root: Path) -> None:
    """A second authority would be one that no client trusts, and nobody would know why."""
    if was_there(root):
        raise IdentityError(
            f"the authority in {root.parent} is gone; restore it (keyhole restore), or let "
            "keyhole setup --new start a new authority (clients must then be given the new "
            "root.pem)"
        )
