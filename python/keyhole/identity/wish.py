"""What a certificate is asked to say."""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyhole.identity.error import IdentityError

SERVER_LIFE = timedelta(days=30)


@dataclass(frozen=True)
class Wish:
    """A certificate to issue.

    ``names`` are DNS names, a wildcard in the first label allowed; ``addresses`` are IP addresses
    as text; ``life`` counts from the moment of issue and never outlives the root.
    """

    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    life: timedelta = SERVER_LIFE
    usages: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.SERVER_AUTH,)

    def alternative_names(self) -> x509.SubjectAlternativeName:
        """The subjectAltName: where alone a certificate says who it is (RFC 9525 section 2)."""
        entries: list[x509.GeneralName] = [_dns_name(name) for name in sorted(set(self.names))]
        entries += [x509.IPAddress(address) for address in _addresses(self.addresses)]
        if not entries:
            raise IdentityError("a certificate needs at least one name or address")
        return x509.SubjectAlternativeName(entries)

    def common_name(self) -> str:
        """A word for people in the subject; nothing checks it. At most 64 characters (RFC 5280)."""
        return next(iter((*self.names, *self.addresses)), "keyhole")[:64]


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
