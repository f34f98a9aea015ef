"""The upstreams to choose from, and how one of one's own is written."""

import json
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from keyhole.control.error import ControlError
from keyhole.importers.public_resolvers import PublicResolver, all_resolvers
from keyhole.model.document_name import read_document_name
from keyhole.model.name import read_server_name
from keyhole.model.suggestion import suggest

_DOT_ALONE = ("dns.opendns.com",)
"""Their DNS over HTTPS has another name."""
_OWN = "give a name of keyhole setup --help, or doh:NAME@ADDRESS or dot:NAME@ADDRESS"


@dataclass(frozen=True)
class Choice:
    """One upstream that was chosen."""

    name: str
    """The name of its document."""
    title: str
    protocol: Literal["doh", "dot"]
    server_name: str
    addresses: tuple[str, ...]

    @property
    def document(self) -> str:
        """Its document."""
        addresses = json.dumps(list(self.addresses))
        return (
            f"# {self.title}\napiVersion: keyhole.dev/v1\nkind: Upstream\n"
            f"metadata: {{name: {self.name}}}\n"
            f"spec:\n  protocol: {self.protocol}\n  addresses: {addresses}\n"
            f"  serverName: {json.dumps(self.server_name)}\n"
        )


def public_upstreams() -> dict[str, PublicResolver]:
    """The named ones, by the word for each: ``quad9``, ``cloudflare-for-families``."""
    return {one.title.lower().replace(" ", "-"): one for one in all_resolvers()}


def read_upstream(text: str) -> Choice:
    """Reads ``quad9``, ``dot:quad9``, or an own one such as ``dot:dns.example.org@192.0.2.1``.
    Raises `ControlError`."""
    word, colon, rest = text.strip().partition(":")
    protocol: Literal["doh", "dot"] | None = None
    if colon and word in ("doh", "dot"):
        protocol = "dot" if word == "dot" else "doh"
    elif colon and "@" not in word:
        raise ControlError(f"{text[:80]} is no upstream: {_OWN}")
    name = rest if protocol else text.strip()
    if "@" in name:
        return _own(name, protocol)
    known = public_upstreams()
    found = known.get(name)
    if found is None:
        raise ControlError(
            f"{name[:80] or 'nothing'} is no upstream: {_OWN}; {suggest(name, list(known))}"
        )
    usual: Literal["doh", "dot"] = "dot" if found.name in _DOT_ALONE else "doh"
    if protocol == "doh" and usual == "dot":
        raise ControlError(f"{name} has DNS over TLS here: give {name} or dot:{name}")
    return Choice(name, found.title, protocol or usual, found.name, found.addresses)


def _own(text: str, protocol: Literal["doh", "dot"] | None) -> Choice:
    written, _, addresses = text.partition("@")
    if protocol is None:
        raise ControlError(f"{text[:80]} does not say how it is asked: put doh: or dot: before it")
    try:
        server = read_server_name(written)
        found = tuple(str(ip_address(one.strip().strip("[]"))) for one in addresses.split(","))
        name = read_document_name(server.replace(":", "-").lower()[:63].rstrip(".-"))
    except ValueError as error:
        raise ControlError(f"{text[:80]}: {error}; such as dot:dns.example.org@192.0.2.1") from None
    return Choice(name, "an upstream of your own", protocol, server, found)
