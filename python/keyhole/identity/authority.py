"""Keyhole's own certificate authority: a root and an issuer in one folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from keyhole.identity.ca_files import ISSUER, ROOT, ensure_issuer, ensure_root, signed_domain
from keyhole.identity.certificate_spec import CertificateSpec
from keyhole.identity.error import IdentityError, RefusedError
from keyhole.identity.files import locked, make_private_folder, write_errors
from keyhole.identity.issuance_log import IssuanceRecord, record
from keyhole.identity.journal import KEYHOLE, Author, note
from keyhole.identity.revoked import first_moment, read_revoked
from keyhole.identity.sign import (
    ISSUER_LIFE,
    Signer,
    certificate_pem,
    fingerprint,
    is_signed_by,
    key_pem,
    serial_text,
)
from keyhole.model.spiffe import DEFAULT_TRUST_DOMAIN, trust_domain_of
from keyhole.system import durable

_WARN_ROOT = timedelta(days=365)


@dataclass(frozen=True)
class IssuedCertificate:
    """A newly issued certificate."""

    leaf: x509.Certificate
    chain: bytes
    """PEM: the leaf, then the issuer, which clients need to reach the root."""


class Authority:
    """A root in ``root.pem`` (for clients), an issuer below it, and the keys of both (0600).

    The issuer signs every leaf. ``root-key.pem`` may therefore be stored offline; it is needed once
    a year, to renew the issuer.
    """

    def __init__(
        self,
        folder: Path,
        certificate: x509.Certificate,
        issuer: Signer,
        *,
        is_root_key_here: bool = True,
    ) -> None:
        self.folder = folder
        self.certificate = certificate
        self.issuer = issuer.certificate
        self.is_root_key_here = is_root_key_here
        self._signer = issuer

    @property
    def root(self) -> Path:
        """The root certificate, which clients trust."""
        return self.folder / ROOT

    @property
    def domain(self) -> str:
        """The trust domain of the issued certificates."""
        return signed_domain(self.issuer) or DEFAULT_TRUST_DOMAIN

    @classmethod
    def open(
        cls,
        folder: Path,
        common_name: str = "Keyhole root",
        now: datetime | None = None,
        *,
        domain: str | None = None,
    ) -> "Authority":
        """Opens the authority in the folder; creates it when there is none.

        Renews the issuer after half of its life, if the root key is present. ``domain`` is the
        expected trust domain; ``None`` accepts the existing one.

        Raises :class:`IdentityError` when files are missing or do not belong together: a new root
        would break every client that trusts the old one. Also raises it when the authority signs
        for another trust domain.
        """
        now = now or datetime.now(UTC)
        make_private_folder(folder)
        with locked(folder), write_errors(folder):
            durable.remove_drafts(folder)
            root, key = ensure_root(folder, common_name, now)
            issuer = ensure_issuer(folder, root, key, domain, now)
        opened = cls(folder, root, issuer, is_root_key_here=key is not None)
        if domain is not None and opened.domain != domain:
            raise IdentityError(
                f"the authority in {folder} signs for the trust domain {opened.domain}, and the "
                f"settings say {domain}; set identity.trust_domain to {opened.domain}, or let "
                "keyhole setup --new start a new authority"
            )
        return opened

    def issue(
        self,
        spec: CertificateSpec,
        now: datetime | None = None,
        *,
        how: str = "issued here",
        name: str | None = None,
        author: Author | None = None,
    ) -> tuple[bytes, bytes]:
        """Signs a leaf for a new ECDSA P-256 key, as `certify` does; returns the chain and the key
        as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        issued = self.certify(spec, key.public_key(), now, how=how, name=name, author=author)
        return issued.chain, key_pem(key)

    def certify(
        self,
        spec: CertificateSpec,
        key: ec.EllipticCurvePublicKey,
        now: datetime | None = None,
        *,
        how: str,
        name: str | None = None,
        author: Author | None = None,
    ) -> IssuedCertificate:
        """Signs a leaf for an authenticated key holder, and records it in ``issued.jsonl``.

        ``how`` gives the reason for issuing, ``name`` the holder; both only inform the operator.
        The caller holds the lock of the folder: whoever revokes waits until the certificate is
        recorded, or is seen here. Raises :class:`RefusedError` for a revoked identity.
        """
        now = now or datetime.now(UTC)
        if spec.spiffe is not None:
            revoked = read_revoked(self.folder)
            if revoked.has_identity(spec.spiffe):
                raise RefusedError(
                    f"{spec.spiffe} is revoked, so its certificate would be refused; take that "
                    f"back with keyhole identity revoke --undo {spec.spiffe}, or give another "
                    "identity"
                )
            now = first_moment(revoked, spec.spiffe, now)
        self.check_can_sign(spec, now)
        leaf = self._signer.leaf(spec, key, now)
        # Recorded before it is handed out: every certificate in use is in the log.
        issued = IssuanceRecord(
            time=now,
            name=name,
            spiffe=spec.spiffe,
            names=sorted({*spec.names, *spec.addresses}),
            serial=serial_text(leaf),
            not_after=leaf.not_valid_after_utc,
            root=fingerprint(self.certificate),
            how=how,
        )
        if spec.spiffe is not None:
            note(self.folder, author or Author.of_command(), "issue", _shown(issued))
        else:
            note(self.folder, author or KEYHOLE, "issue_server_certificate", _shown(issued))
        record(self.folder, issued)
        return IssuedCertificate(leaf, certificate_pem(leaf, self.issuer))

    def signed(self, certificate: x509.Certificate, above: Sequence[x509.Certificate] = ()) -> bool:
        """Whether this root signed the certificate, through its current issuer or one in
        ``above``."""
        return any(
            is_signed_by(certificate, issuer) and is_signed_by(issuer, self.certificate)
            for issuer in (self.issuer, *above)
        )

    def advice(self, now: datetime | None = None) -> list[str]:
        """What the operator has to do before a CA certificate expires."""
        now = now or datetime.now(UTC)
        end, root_end = self.issuer.not_valid_after_utc, self.certificate.not_valid_after_utc
        advice = []
        if not self.is_root_key_here and now > end - ISSUER_LIFE / 2:
            advice.append(
                f"the issuer {self.folder / ISSUER} ends on {end:%Y-%m-%d} and cannot be renewed: "
                f"put root-key.pem back into {self.folder} before that day"
            )
        if now > root_end - _WARN_ROOT:
            advice.append(
                f"the root {self.root} ends on {root_end:%Y-%m-%d}; start keyhole identity "
                "rotate now"
            )
        return advice

    def check_can_sign(self, spec: CertificateSpec, now: datetime) -> None:
        """Raises :class:`IdentityError` if it cannot sign such a certificate."""
        end = self.issuer.not_valid_after_utc
        if end <= now:
            remedy = (
                "open it again" if self.is_root_key_here else "put root-key.pem back to renew it"
            )
            raise IdentityError(
                f"the issuer {self.folder / ISSUER} expired on {end:%Y-%m-%d}; {remedy}"
            )
        if spec.spiffe is not None and trust_domain_of(spec.spiffe) != self.domain:
            raise IdentityError(
                f"{spec.spiffe} is of another trust domain; this authority signs for {self.domain}"
            )


def _shown(issued: IssuanceRecord) -> dict[str, str | list[str] | None]:
    return {
        "identity": issued.spiffe,
        "names": issued.names,
        "serial": issued.serial,
        "how": issued.how,
        "before": None,
        "after": f"valid until {issued.not_after:%Y-%m-%dT%H:%M:%SZ}",
    }
