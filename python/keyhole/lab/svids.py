"""Who is who in the lab: a certificate of its own for each workload, some that are no good, and a
token for a device that has none."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keyhole.identity import (
    Authority,
    CertificateSpec,
    IdentityError,
    make_private_folder,
    read_certificate_and_key,
    read_tokens,
)
from keyhole.identity.certificate_and_key import read_certificates
from keyhole.identity.certificate_spec import MIN_SVID_LIFE
from keyhole.identity.files import PRIVATE_FILE, PUBLIC_FILE, write_whole
from keyhole.identity.tokens import create_token, digest

DOMAIN = "keyhole.lab"
ROOT_NAME = "Keyhole lab root"
# Short, so that renewal is part of the lab's daily life; a connection ends with its certificate.
LIFE = timedelta(minutes=10)
RESOLVER_LIFE = timedelta(hours=1)

RESOLVER = "keyhole/resolver"
TV = "office-tv"
WRONG_CA, EXPIRED = "bad/wrong-ca", "bad/expired"
_SPIFFE = {
    "shop/web": "ns/shop/sa/web",
    "shop/payments": "ns/shop/sa/payments",
    "build/ci": "ns/build/sa/ci",
    "netshoot": "ns/tools/sa/netshoot",
}


@dataclass(frozen=True)
class Svid:
    """A SPIFFE ID with the files of its certificate and key."""

    spiffe: str
    certificate: Path
    key: Path


class Svids:
    """The certificates of a lab, in one folder; nothing exists before :meth:`renew`."""

    def __init__(self, identity: Path, folder: Path) -> None:
        self._identity = identity
        self.folder = folder

    def of(self, name: str) -> Svid:
        """The identity of a workload, good or bad, or of the resolver."""
        # The bad ones claim to be somebody: what is wrong is only the proof.
        path = {
            RESOLVER: "ns/keyhole/sa/resolver",
            WRONG_CA: _SPIFFE["shop/payments"],
            EXPIRED: _SPIFFE["shop/web"],
        }.get(name) or _SPIFFE[name]
        stem = name.replace("/", "-")
        certificate, key = self.folder / f"{stem}.pem", self.folder / f"{stem}-key.pem"
        return Svid(f"spiffe://{DOMAIN}/{path}", certificate, key)

    def workloads(self) -> dict[str, Svid]:
        """All workloads that have a certificate, the bad ones included."""
        return {name: self.of(name) for name in (*_SPIFFE, WRONG_CA, EXPIRED)}

    @property
    def token(self) -> Path:
        """The file with the token of the television."""
        return self.folder / f"{TV}.token"

    def renew(self, now: datetime | None = None) -> list[str]:
        """Issues what is missing and renews what is past a third of its life; gives their names."""
        now = now or datetime.now(UTC)
        make_private_folder(self.folder)
        authority = Authority.open(self._identity, ROOT_NAME, now, domain=DOMAIN)
        lives = {**dict.fromkeys(_SPIFFE, LIFE), RESOLVER: RESOLVER_LIFE}
        renewed = []
        for name, life in lives.items():
            if _needs_renewal(self.of(name), authority, life, now):
                _issue(self.of(name), authority, life, now, name)
                renewed.append(name)
        self._renew_invalid(authority, now)
        self._ensure_token(now)
        return renewed

    def _renew_invalid(self, authority: Authority, now: datetime) -> None:
        folder = self.folder / "stranger"
        stranger = Authority.open(folder, "A stranger's root", now, domain=DOMAIN)
        if _needs_renewal(self.of(WRONG_CA), stranger, LIFE, now):
            _issue(self.of(WRONG_CA), stranger, LIFE, now)
        if not self.of(EXPIRED).certificate.exists():
            _issue(self.of(EXPIRED), authority, MIN_SVID_LIFE, now - 2 * MIN_SVID_LIFE)

    def _ensure_token(self, now: datetime) -> None:
        try:
            secret = self.token.read_text(encoding="ascii").strip()
        except OSError:
            secret = ""
        if read_tokens(self._identity).get(TV) != digest(secret):
            secret = create_token(self._identity, TV, replace=True, now=now)
            write_whole(self.token, secret.encode() + b"\n", PRIVATE_FILE)


def _needs_renewal(svid: Svid, authority: Authority, life: timedelta, now: datetime) -> bool:
    try:
        material = read_certificate_and_key(svid.certificate, svid.key, now, names_needed=False)
        above = read_certificates(svid.certificate)[1:]
    except IdentityError:
        return True  # ours to replace: nobody else writes these files
    return material.expires - now < life * 2 / 3 or not authority.signed(material.leaf, above)


def _issue(
    svid: Svid, authority: Authority, life: timedelta, now: datetime, name: str | None = None
) -> None:
    chain, key = authority.issue(
        CertificateSpec.svid(svid.spiffe, life), now, how="for the lab", name=name
    )
    # A reader between the two writes sees a pair that does not fit, and reads again.
    write_whole(svid.key, key, PRIVATE_FILE)
    write_whole(svid.certificate, chain, PUBLIC_FILE)
