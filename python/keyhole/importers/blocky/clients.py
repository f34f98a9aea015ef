"""Resolves blocky's client keys: an address, a network, or a client name with wildcards."""

import fnmatch
from dataclasses import dataclass, field

from keyhole.importers.addresses import Networks, client_network, plain_address
from keyhole.importers.product_settings import ClientSettings, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section

_MAX_NAMES = 2000


@dataclass
class Clients:
    """The clients of all keys seen so far, each once."""

    setup: Setup
    report: Report
    lookup: Section
    """``clientLookup``: the addresses of each client name."""
    _made: dict[str, ClientSettings] = field(default_factory=dict)

    def clients_of(self, key: str, place: str) -> list[ClientSettings]:
        """The clients of a key; none where Keyhole cannot identify them, which is reported."""
        try:
            return [self._client(key, [client_network(key)], place)]
        except ValueError:
            return self._named(key, place)

    def finish(self) -> None:
        """Merges what the networks around a client configure into it, and adds all clients.

        blocky applies every matching key; Keyhole applies the most specific network alone.
        """
        of = {text: one for one in self._made.values() for text in one.addresses}
        networks = Networks(of)
        for one in list(self._made.values()):
            covering = [set(networks.covering(text)) for text in one.addresses]
            for text in sorted(set.intersection(*covering)) if covering else ():
                other = of[text]
                one.bundles = tuple(dict.fromkeys((*one.bundles, *other.bundles)))
                one.servers = one.servers or other.servers
        for one in self._made.values():
            if not one.bundles:  # it was named for its upstreams alone
                one.bundles = self.setup.default_bundles
        self.setup.clients += self._made.values()

    def _named(self, key: str, place: str) -> list[ClientSettings]:
        found = []
        names = list(self.lookup.entries("clients"))
        for name, _ in names[:_MAX_NAMES]:
            if not fnmatch.fnmatchcase(name.lower(), key.lower()):
                continue
            texts = self.lookup.under("clients").texts(name)
            addresses = [known for one in texts if (known := plain_address(one))]
            if addresses:
                found.append(self._client(name, addresses, f"{place}, clientLookup.clients"))
        if not found:
            self.report.left(
                Kind.CLIENT, f"{place}: {key}",
                "Keyhole does not look up names of clients; give the client a certificate, a token "
                "or its address; until then it is treated like every other client",
            )  # fmt: skip
        return found

    def _client(self, title: str, addresses: list[str], place: str) -> ClientSettings:
        made = self._made.get(title)
        if made is None:
            made = self._made[title] = ClientSettings(
                title, addresses, origin=f"{place}: {title}", place=self.report.here
            )
        return made
