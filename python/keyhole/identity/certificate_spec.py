"""What a certificate to be issued should contain."""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyhole.identity.error import IdentityError
from keyhole.model.spiffe import read_spiffe_id

SERVER_LIFE = timedelta(days=30)
SVID_LIFE = timedelta(hours=24)
MIN_SVID_LIFE = timedelta(minutes=5)
MAX_SVID_LIFE = timedelta(days=90)


@dataclass(frozen=True)
class CertificateSpec:
    """A certificate to issue.

    ``names`` are DNS names; the first label may be a wildcard. ``addresses`` are IP addresses as
    text. ``spiffe`` makes it an SVID. ``life`` counts from the time of issue, and is cut at the
    issuer's expiry.
    """

    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    life: timedelta = SERVER_LIFE
    usages: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.SERVER_AUTH,)
    spiffe: str | None = None

    @classmethod
    def svid(
        cls, spiffe: str, life: timedelta = SVID_LIFE, *, also_server: bool = False
    ) -> "CertificateSpec":
        """A client certificate; ``life`` is 5 minutes to 90 days.

        ``also_server`` allows its use as a server certificate as well. Raises
        :class:`IdentityError` for an invalid SPIFFE ID or lifetime.
        """
        if not MIN_SVID_LIFE <= life <= MAX_SVID_LIFE:
            raise IdentityError("a client certificate lives from 5 minutes to 90 days")
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        usages += [ExtendedKeyUsageOID.SERVER_AUTH] if also_server else []
        try:
            return cls(life=life, usages=tuple(usages), spiffe=read_spiffe_id(spiffe))
        except ValueError as error:
            raise IdentityError(str(error)) from None

    def alternative_names(self) -> x509.SubjectAlternativeName:
        """The subjectAltName, which alone identifies the holder (RFC 9525 section 2).

        An SVID has exactly one URI in it (X509-SVID section 2).
        """
        entries: list[x509.GeneralName] = [_dns_name(name) for name in sorted(set(self.names))]
        entries += [x509.IPAddress(address) for address in _addresses(self.addresses)]
        if self.spiffe is not None:
            entries.append(x509.UniformResourceIdentifier(self.spiffe))
        if not entries:
            raise IdentityError("a certificate needs at least one name or address")
        return x509.SubjectAlternativeName(entries)

    def common_name(self) -> str:
        """The subject's common name, which no check uses; at most 64 characters (RFC 5280)."""
        words = (*self.names, *self.addresses, *((self.spiffe,) if self.spiffe else ()))
        return next(iter(words), "keyhole").removeprefix("spiffe://")[-64:]


def _dns_name(name: str) -> x509.DNSName:
    text = name.removesuffix(".").lower()
    try:
        text.encode("ascii")
    except UnicodeEncodeError:
        raise IdentityError(
            f"{name} is not ASCII; write an international name in its xn-- form"
        ) from None
    labels = text.split(".")
    if not all(0 < len(label) <= 63 for label in labels) or len(text) > 253:
        raise IdentityError(f"{name!r} is not a DNS name")
    return x509.DNSName(text)


def _addresses(texts: tuple[str, ...]) -> list[IPv4Address | IPv6Address]:
    found: set[IPv4Address | IPv6Address] = set()
    for text in texts:
        try:
            found.add(ip_address(text))
        except ValueError:
            raise IdentityError(f"{text!r} is not an IP address") from None
    return sorted(found, key=lambda address: (address.version, int(address)))
