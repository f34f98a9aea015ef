"""Keeps the files of the authority whole: root, issuer, bundle. Call it with the folder locked."""

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from keyhole.identity.certificate_and_key import alternative_names, read_certificates, read_key
from keyhole.identity.error import IdentityError
from keyhole.identity.files import PRIVATE_FILE, PUBLIC_FILE, write_whole
from keyhole.identity.sign import BACKDATE, Signer, certificate_pem, is_signed_by, key_pem
from keyhole.model.spiffe import SCHEME

ROOT, ROOT_KEY = "root.pem", "root-key.pem"
NEXT, NEXT_KEY = "next-root.pem", "next-root-key.pem"
ISSUER, ISSUER_KEY = "issuer.pem", "issuer-key.pem"
BUNDLE = "bundle.pem"


def ensure_root(
    folder: Path, common_name: str, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey | None]:
    """The root, made when there is none, and its key where it is here.

    Also ends what a crash cut short, and has the bundle hold every root that is to be trusted.
    """
    root, key = folder / ROOT, folder / ROOT_KEY
    if not root.exists() and not key.exists():
        made = Signer.root(common_name, now)
        # The key first: a root without its key could never sign, a key alone is found below, and
        # nobody can have trusted a root that was never written.
        write_signer(folder, made, ROOT, ROOT_KEY)
    _complete_rotation(folder)
    if not root.exists():
        raise _incomplete(folder, ROOT)
    certificate = read_certificates(root)[0]
    _ensure_bundle(folder)
    return certificate, _read_root_key(folder, certificate)


def ensure_issuer(
    folder: Path,
    root: x509.Certificate,
    key: ec.EllipticCurvePrivateKey | None,
    domain: str | None,
    now: datetime,
) -> Signer:
    """The issuer; a new one when there is none, when it is past half of its life, when another root
    signed it, or when it says no trust domain yet and one is wanted."""
    kept, problem = _read_issuer(folder, root)
    if kept is not None and not _is_to_be_renewed(kept.certificate, domain, now):
        return kept
    if key is None:
        if kept is None:
            raise problem or _incomplete(folder, ISSUER)
        return kept
    if root.not_valid_after_utc <= now:
        raise IdentityError(
            f"the root certificate {folder / ROOT} expired on {root.not_valid_after_utc:%Y-%m-%d}; "
            "remove its folder to start with a new authority"
        )
    made = Signer(root, key).issuer(_existing_domain(folder) or domain, now)
    write_signer(folder, made, ISSUER, ISSUER_KEY)
    return made


def read_bundle(folder: Path) -> list[x509.Certificate]:
    """The roots that are trusted; none where there is no authority.

    Raises :class:`IdentityError` when the file cannot be read.
    """
    for name in (BUNDLE, ROOT):
        if (folder / name).exists():
            return read_certificates(folder / name)
    return []


def read_domain(folder: Path) -> str | None:
    """The trust domain that the issuer names, where there is one that does."""
    path = folder / ISSUER
    return signed_domain(read_certificates(path)[0]) if path.exists() else None


def write_bundle(folder: Path, roots: list[x509.Certificate]) -> None:
    """Says which roots are trusted from now on."""
    write_whole(folder / BUNDLE, certificate_pem(*roots), PUBLIC_FILE)


def write_signer(folder: Path, signer: Signer, certificate: str, key: str) -> None:
    """Writes the key, and then the certificate."""
    write_whole(folder / key, key_pem(signer.key), PRIVATE_FILE)
    write_whole(folder / certificate, certificate_pem(signer.certificate), PUBLIC_FILE)


def signed_domain(issuer: x509.Certificate) -> str | None:
    """The trust domain that an issuer names."""
    uris = alternative_names(issuer).get_values_for_type(x509.UniformResourceIdentifier)
    found = [uri.removeprefix(SCHEME) for uri in uris if uri.startswith(SCHEME)]
    return found[0] if len(found) == 1 else None


def read_ecdsa_key(path: Path, certificate: x509.Certificate) -> ec.EllipticCurvePrivateKey:
    """The key of a certificate that signs; raises :class:`IdentityError` for any other."""
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
        return None  # damaged: the settings say it again


def _read_root_key(
    folder: Path, certificate: x509.Certificate
) -> ec.EllipticCurvePrivateKey | None:
    path = folder / ROOT_KEY
    if path.exists():
        return read_ecdsa_key(path, certificate)
    if not (folder / ISSUER_KEY).exists():
        # With an issuer the root's key may be elsewhere; without one nothing can be signed.
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


def _is_to_be_renewed(issuer: x509.Certificate, domain: str | None, now: datetime) -> bool:
    begin = issuer.not_valid_before_utc + BACKDATE
    half = begin + (issuer.not_valid_after_utc - begin) / 2
    return now >= half or (domain is not None and signed_domain(issuer) is None)


def _complete_rotation(folder: Path) -> None:
    """Ends a step of ``keyhole identity rotate`` that a crash cut short."""
    following, key = folder / NEXT, folder / NEXT_KEY
    if key.exists() and not following.exists():
        key.unlink()  # nobody can have trusted it yet
    if following.exists() and not key.exists() and (folder / ROOT_KEY).exists():
        certificate = read_certificates(following)[0]
        if read_key(folder / ROOT_KEY).public_key() == certificate.public_key():
            following.replace(folder / ROOT)


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
        f"the authority in {folder} is incomplete: {missing} is missing; restore it, or remove the "
        "folder to start with a new authority (clients must then be given the new root.pem)"
    )
