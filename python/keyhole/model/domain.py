"""The domains of an upstream: a name, or a network for the names of its addresses."""

from ipaddress import IPv4Network

from keyhole.model.address import Network, read_network
from keyhole.model.field_types import FieldType, text_of
from keyhole.model.name import read_name, without_escapes

NEVER_FORWARDED = ("localhost", "onion", "invalid")
"""Top-level names that never leave this machine (RFC 6761 sections 6.3 and 6.4, RFC 7686)."""


def read_domain(written: object) -> str:
    """A domain such as ``corp.example``, or a network such as ``192.168.0.0/16``, in normal form.

    Raises ``ValueError`` for what is neither.
    """
    text = text_of(written).strip()
    network = _network(text)
    if network is not None:
        return str(network)
    if text in ("", ".", "*"):
        raise ValueError("an upstream for all names has no domains; leave domains out")
    if without_escapes(text).startswith("*."):
        raise ValueError(f"a domain stands for all names below it, too; write {text[2:]}")
    name = read_name(text)
    if name.rpartition(".")[2] in NEVER_FORWARDED:
        raise ValueError(f"{name} never leaves this machine (RFC 6761, RFC 7686)")
    return name


def domain_names(domain: str) -> list[str]:
    """The names that a domain stands for, each with all below it: itself, or for a network its
    reverse zones (RFC 1035 section 3.5, RFC 3596 section 2.5).

    A network between two zones has a name for each of its parts, at most 128.
    """
    network = _network(domain)
    return [domain] if network is None else _reverse_zones(network)


def _network(text: str) -> Network | None:
    """The network that a text means; none for a name. An address alone is one, too."""
    looks_like_one = "/" in text or ":" in text or text.replace(".", "").isdecimal()
    return read_network(text) if looks_like_one and text.strip(".") else None


def _reverse_zones(network: Network) -> list[str]:
    bits = 8 if isinstance(network, IPv4Network) else 4
    zone = "in-addr.arpa" if isinstance(network, IPv4Network) else "ip6.arpa"
    labels = -(-network.prefixlen // bits)
    all_labels = network.max_prefixlen // bits
    parts = network.subnets(new_prefix=labels * bits)
    # The reverse name of an address has a label for each of its parts, the last one first.
    names = (one.network_address.reverse_pointer.split(".")[all_labels - labels :] for one in parts)
    return [".".join(one) if labels else zone for one in names]


DOMAIN = FieldType(
    read_domain,
    {
        "type": "string",
        "description": "a name, or a network",
        "examples": ["corp.example", "192.168.0.0/16"],
    },
)
