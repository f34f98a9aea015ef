"""The identities of the lab: a certificate for each workload, some invalid certificates, and a
token for a device without a certificate."""

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
from keyhole.identity.error import RefusedError
from keyhole.identity.files import PRIVATE_FILE, PUBLIC_FILE, locked, write_whole
from keyhole.identity.tokens import create_token, digest

DOMAIN = "keyhole.lab"
ROOT_NAME = "Keyhole lab root"
# Short, so that renewals happen often in a lab. A connection ends when its certificate expires.
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
    """The certificates of a lab, in one folder; :meth:`renew` creates them."""

    def __init__(self, identity: Path, folder: Path) -> None:
        self._identity = identity
        self.folder = folder

    def of(self, name: str) -> Svid:
        """The identity of a workload, valid or invalid, or of the resolver."""
        # An invalid one claims the SPIFFE ID of a valid one; only its certificate is wrong.
        path = {
            RESOLVER: "ns/keyhole/sa/resolver",
            WRONG_CA: _SPIFFE["shop/payments"],
            EXPIRED: _SPIFFE["shop/web"],
        }.get(name) or _SPIFFE[name]
        stem = name.replace("/", "-")
        certificate, key = self.folder / f"{stem}.pem", self.folder / f"{stem}-key.pem"
        return Svid(f"spiffe://{DOMAIN}/{path}", certificate, key)

    def workloads(self) -> dict[str, Svid]:
        """All workloads that have a certificate, valid or invalid."""
        return {name: self.of(name) for name in (*_SPIFFE, WRONG_CA, EXPIRED)}

    @property
    def token(self) -> Path:
        """The file with the token of the television (it has no certificate)."""
        return self.folder / f"{TV}.token"

    def renew(self, now: datetime | None = None) -> list[str]:
        """Issues missing certificates and renews those past a third of their life; gives the
        names."""
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
        pair = read_certificate_and_key(svid.certificate, svid.key, now, names_needed=False)
        above = read_certificates(svid.certificate)[1:]
    except IdentityError:
        return True  # the lab replaces it, because only the lab writes these files
    return pair.expires - now < life * 2 / 3 or not authority.signed(pair.leaf, above)


def _issue(
    svid: Svid, authority: Authority, life: timedelta, now: datetime, name: str | None = None
) -> None:
    spec = CertificateSpec.svid(svid.spiffe, life)
    try:
        with locked(authority.folder):
            chain, key = authority.issue(spec, now, how="for the lab", name=name)
    except RefusedError:
        return  # revoked to see what happens then
    # A reader between the two writes sees a key that does not match, and reads again.
    write_whole(svid.key, key, PRIVATE_FILE)
    write_whole(svid.certificate, chain, PUBLIC_FILE)
