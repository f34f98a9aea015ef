"""``dns.config`` of versions 1 to 3: forwarders, and the answer for blocked names.

The fields have no tags and must be read in order. The whole file is read, and refused where its
end is not reached exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from keyhole.importers.product_settings import ClientSettings, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.technitium.binary import BinaryReader, expect
from keyhole.importers.upstreams import take_upstreams
from keyhole.model.address import is_address

BLOCKING = "blocking"
"""The key of the bundle with the server's own blocking."""

_ANY_ADDRESS, _NO_NAME = 0, 1
_SCHEMES = {0: "udp", 1: "tcp", 2: "tls", 3: "https", 4: "https", 5: "quic"}


@dataclass
class DnsSettings:
    """The fields that are imported."""

    blocks: bool = True
    bypass: list[str] = field(default_factory=list)
    blocking_type: int = _ANY_ADDRESS
    addresses: list[str] = field(default_factory=list)
    has_proxy: bool = False
    forwarders: list[tuple[str, str]] = field(default_factory=list)
    """Scheme and address; an empty scheme must be derived from the address."""


def take_dns_settings(setup: Setup, report: Report, octets: bytes) -> None:
    """Adds the settings; raises ValueError where the file is invalid."""
    settings = read_dns_settings(octets)
    _blocking(setup, report, settings)
    known: dict[str, list[str]] = {}
    texts = [_forwarder(scheme, text, known) for scheme, text in settings.forwarders]
    setup.servers += take_upstreams(setup, report, texts, addresses=known)
    if not settings.forwarders:
        why = "it resolves from the root servers without encryption; choose an encrypted upstream"
        report.left(Kind.UPSTREAM, "recursion without forwarders", why)
    if settings.has_proxy:
        report.left(Kind.SETTING, "proxy", "Keyhole connects to upstreams directly")
    why = "listeners, limits, cache and log are set in keyhole.yaml"
    report.left(Kind.SETTING, "the rest of dns.config", why)


def _blocking(setup: Setup, report: Report, settings: DnsSettings) -> None:
    if not settings.blocks:
        setup.observe_only = True
        why = (
            "blocking was off, so every policy has mode: observe, which only records what it would "
            "block; remove those lines to block"
        )
        report.changed(Kind.SETTING, "enableBlocking = false", why)
    own = [one for one in settings.addresses if is_address(one)]
    if settings.blocking_type == _NO_NAME:
        setup.answer = "nxdomain"
        report.taken(Kind.SETTING, "blockingType = NxDomain", "answer: nxdomain")
    elif settings.blocking_type == _ANY_ADDRESS or not own:
        report.taken(Kind.SETTING, "blockingType = AnyAddress", "answer: null")
    else:
        setup.answer = own[0]
        why = f"answer: {own[0]}; a single address, so other types get an empty answer"
        report.changed(Kind.SETTING, "blockingType = CustomAddress", why)
    for network in settings.bypass:
        setup.clients.append(
            ClientSettings(f"bypass {network}", [_single(network)], origin="blockingBypassList")
        )


def _single(network: str) -> str:
    address, _, length = network.partition("/")
    return address if length == ("128" if ":" in address else "32") else network


def _forwarder(scheme: str, text: str, known: dict[str, list[str]]) -> str:
    """The forwarder as a URL; notes the address that may follow in brackets as the name's."""
    name, _, behind = text.partition("(")
    name = name.strip()
    if "://" not in name:
        name = f"{scheme}://{name}" if scheme else name
    address = behind.strip().rstrip(")").strip()
    address = address.partition("]")[0].lstrip("[") if "[" in address else address
    if address.count(":") == 1:
        address = address.partition(":")[0]
    host = name.partition("://")[2].partition("/")[0].partition(":")[0]
    if is_address(address) and host:
        known[host] = [address]
    return name


def read_dns_settings(octets: bytes) -> DnsSettings:
    """Reads the whole file; raises ValueError where it is invalid."""
    reader = BinaryReader(octets)
    version = expect(reader, b"DC", range(1, 4))
    settings = DnsSettings()
    _general(reader, version)
    _protocols(reader, version)
    reader.octets(1)
    reader.access_list()
    reader.octets(2 + 4 * 4)  # name randomization, minimization; retries, time, concurrency, depth
    reader.octets(2 + 3 * 4 + 4 + 8 + 4 * 4 + 4 * 4)  # the cache
    settings.blocks = reader.flag()
    reader.flag()
    settings.bypass = reader.networks()
    settings.blocking_type = reader.number(1)
    settings.addresses = [reader.address() for _ in range(reader.number(1))]
    reader.octets(4)
    settings.has_proxy = _proxy(reader)
    settings.forwarders = [_name_server(reader) for _ in range(reader.number(1))]
    reader.octets(1 + 3 * 4 + 3 + 4)  # forwarding; logs and statistics
    if not reader.is_at_end:
        raise ValueError("it has data behind its expected end")
    return settings


def _general(reader: BinaryReader, version: int) -> None:
    reader.text()
    _each(reader, reader.end_point)
    reader.networks()
    reader.networks()
    reader.octets(4 if version < 2 else 12)
    reader.text()
    reader.octets(1 + 4 + 4)
    reader.networks()
    reader.networks()
    reader.flag()
    reader.octets(2)  # IPv6, a pool of sockets
    reader.octets(2 * reader.number(2))
    reader.octets(2 + 1 + 1 + 2)
    for _ in range(2):
        if reader.flag():
            reader.network()
    for _ in range(2):
        reader.octets(12 * reader.number(1))
    reader.octets(4 + 4)
    reader.networks()
    reader.octets(6 * 4 + (8 if version >= 3 else 0) + 2)


def _protocols(reader: BinaryReader, version: int) -> None:
    reader.octets((1 if version >= 3 else 0) + 7 + 6 * 4)
    reader.access_list()
    for _ in range(3):
        reader.text()
    for _ in range(reader.number(1)):
        reader.text()
        reader.text()
        reader.octets(1)


def _proxy(reader: BinaryReader) -> bool:
    if not reader.number(1):
        return False
    reader.text()
    reader.octets(4)
    if reader.flag():
        reader.text()
        reader.text()
    _each(reader, reader.text)
    return True


def _name_server(reader: BinaryReader) -> tuple[str, str]:
    version = reader.number(1)
    if version == 2:
        return "", reader.text()
    if version == 3:
        scheme = _SCHEMES.get(reader.number(1), "udp")
        return scheme, reader.text()
    raise ValueError(f"a forwarder is of version {version}; known are 2 and 3")


def _each(reader: BinaryReader, read: Callable[[], object]) -> None:
    for _ in range(reader.number(1)):
        read()
