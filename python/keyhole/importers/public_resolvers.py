"""Public resolvers: their addresses, and the names for their encrypted services.

As their operators publish them.
"""

from dataclasses import dataclass

from keyhole.importers.product_settings import Server


@dataclass(frozen=True)
class PublicResolver:
    """One service of an operator."""

    title: str
    name: str
    """The name in its certificate for DNS over TLS."""
    addresses: tuple[str, ...]
    other_names: tuple[str, ...] = ()

    def server(self) -> Server:
        """The service over DNS over TLS."""
        return Server("dot", self.addresses, self.name, origin=self.title)


_ALL = (
    PublicResolver(
        "Quad9",
        "dns.quad9.net",
        ("9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9"),
    ),
    PublicResolver(
        "Quad9 without blocking",
        "dns10.quad9.net",
        ("9.9.9.10", "149.112.112.10", "2620:fe::10", "2620:fe::fe:10"),
    ),
    PublicResolver(
        "Quad9 with client subnet",
        "dns11.quad9.net",
        ("9.9.9.11", "149.112.112.11", "2620:fe::11", "2620:fe::fe:11"),
    ),
    PublicResolver(
        "Cloudflare",
        "cloudflare-dns.com",
        ("1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001"),
        ("one.one.one.one", "1dot1dot1dot1.cloudflare-dns.com", "dns.cloudflare.com"),
    ),
    PublicResolver(
        "Cloudflare without malware",
        "security.cloudflare-dns.com",
        ("1.1.1.2", "1.0.0.2", "2606:4700:4700::1112", "2606:4700:4700::1002"),
    ),
    PublicResolver(
        "Cloudflare for families",
        "family.cloudflare-dns.com",
        ("1.1.1.3", "1.0.0.3", "2606:4700:4700::1113", "2606:4700:4700::1003"),
    ),
    PublicResolver(
        "Google",
        "dns.google",
        ("8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"),
    ),
    PublicResolver(
        "OpenDNS",
        "dns.opendns.com",
        ("208.67.222.222", "208.67.220.220", "2620:119:35::35", "2620:119:53::53"),
    ),
    PublicResolver(
        "AdGuard",
        "dns.adguard-dns.com",
        ("94.140.14.14", "94.140.15.15", "2a10:50c0::ad1:ff", "2a10:50c0::ad2:ff"),
        ("dns.adguard.com",),
    ),
    PublicResolver(
        "AdGuard without filtering",
        "unfiltered.adguard-dns.com",
        ("94.140.14.140", "94.140.14.141", "2a10:50c0::1:ff", "2a10:50c0::2:ff"),
        ("dns-unfiltered.adguard.com",),
    ),
    PublicResolver(
        "AdGuard for families",
        "family.adguard-dns.com",
        ("94.140.14.15", "94.140.15.16", "2a10:50c0::bad1:ff", "2a10:50c0::bad2:ff"),
        ("dns-family.adguard.com",),
    ),
    PublicResolver("Mullvad", "dns.mullvad.net", ("194.242.2.2", "2a07:e340::2")),
    PublicResolver(
        "Mullvad without ads", "adblock.dns.mullvad.net", ("194.242.2.3", "2a07:e340::3")
    ),
)
_BY_ADDRESS = {address: one for one in _ALL for address in one.addresses}
_BY_NAME = {name: one for one in _ALL for name in (one.name, *one.other_names)}


def all_resolvers() -> tuple[PublicResolver, ...]:
    """All that are known."""
    return _ALL


def resolver_at(address: str) -> PublicResolver | None:
    """The resolver with this address, if it is known."""
    return _BY_ADDRESS.get(address)


def resolver_named(name: str) -> PublicResolver | None:
    """The resolver with this name, if it is known."""
    return _BY_NAME.get(name)
