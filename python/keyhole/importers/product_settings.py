"""The settings of any product in one common form.

A *bundle* is a set of rules and lists that apply together. A *client* has its own choice of
bundles; all other clients have the default bundles.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from keyhole.importers.settings_file import Place
from keyhole.model.upstream import MAX_DOMAINS

Answer = str
"""As in a policy: nxdomain, nodata, refused, null, or an address."""


@dataclass(frozen=True)
class ListSource:
    """A list with its URL."""

    url: str
    allow: bool = False
    title: str = ""
    origin: str = ""
    """Where the product's file has it; becomes a comment."""


@dataclass(frozen=True)
class NameRule:
    """A rule for some names."""

    matches: tuple[str, ...]
    """Names, ``*.NAME``, or ``/EXPRESSION/``."""
    allow: bool = False
    types: tuple[str, ...] = ()
    answer: Answer | None = None
    """None means the answer of the setup."""
    important: bool = False
    when: "Schedule | None" = None
    title: str = ""
    """Its name in the report."""
    origin: str = ""


@dataclass(frozen=True)
class Schedule:
    """When a rule applies: days as ``mon``, times as ``21:00``, or none for whole days."""

    days: tuple[str, ...]
    begins: str | None
    ends: str | None
    timezone: str


@dataclass
class Bundle:
    """Rules and lists that apply together."""

    title: str
    lists: list[ListSource] = field(default_factory=list)
    rules: list[NameRule] = field(default_factory=list)
    answer: Answer | None = None
    """The answer for names on its lists; none means the answer of the setup."""
    denies_rest: bool = False
    """Whether clients with this bundle get only the names that it allows."""
    for_all: bool = False
    """Whether it applies to every client that is not denied."""
    origin: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it has neither rules nor lists."""
        return not (self.lists or self.rules)


@dataclass(frozen=True)
class Restrictions:
    """What a policy restricts by the shipped tables, with the words of a Policy."""

    safe_search: tuple[str, ...] = ()
    youtube: str = "off"
    services: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    """Services that no shipped table has, by their names in AdGuard's file of services."""

    @property
    def spec(self) -> dict[str, object]:
        """The fields of a Policy; none where nothing is restricted."""
        fields: dict[str, object] = {}
        if self.safe_search:
            fields["safeSearch"] = list(self.safe_search)
        if self.youtube != "off":
            fields["youtube"] = self.youtube
        if self.services:
            fields["services"] = list(self.services)
        return fields


@dataclass
class ClientSettings:
    """A client, or several with the same settings."""

    title: str
    addresses: list[str] = field(default_factory=list)
    """Addresses and networks."""
    tokens: list[str] = field(default_factory=list)
    bundles: tuple[str, ...] = ()
    log: str = ""
    """Empty means the log mode of the setup."""
    servers: "tuple[Server, ...]" = ()
    """Empty means the upstreams of the setup."""
    restrictions: Restrictions | None = None
    """None means those of the setup."""
    is_denied: bool = False
    """Whether all its queries are refused."""
    changes: tuple[str, ...] = ()
    origin: str = ""
    place: Place | None = None
    """Where it stands; none where its title tells."""


@dataclass(frozen=True)
class LocalRecord:
    """A name with one value."""

    name: str
    kind: str
    """a, aaaa, cname, txt or ptr."""
    value: str
    ttl: int | None = None
    title: str = ""
    """Its name in the report; empty for a record that was derived from another one."""
    changes: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True)
class Server:
    """An encrypted upstream."""

    protocol: str
    addresses: tuple[str, ...]
    server_name: str
    path: str | None = None
    domains: tuple[str, ...] = ()
    """The domains for which alone it is asked; empty for all other names."""
    origin: str = field(default="", compare=False)


@dataclass
class Setup:
    """Everything that is imported from one product."""

    product: str
    """The product's name, as its makers write it."""
    bundles: dict[str, Bundle] = field(default_factory=dict)
    default_bundles: tuple[str, ...] = ()
    """The keys of the bundles for clients without an entry of their own."""
    served_subjects: tuple[str, ...] = ()
    """The only subjects that are served besides ``clients``; empty means all."""
    clients: list[ClientSettings] = field(default_factory=list)
    records: list[LocalRecord] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    forwarding: dict[Server, dict[str, None]] = field(default_factory=dict)
    """The domains for which alone a server is asked, in their order; the server has none itself."""
    suggestions: list[Server] = field(default_factory=list)
    """Encrypted services of public resolvers that were used without encryption."""
    timeout: int | None = None
    """Seconds that one try of an upstream may take; none means Keyhole's default."""
    answer: Answer = "null"
    refresh: int | None = None
    """Seconds until a list is downloaded again."""
    blocked_ttl: int | None = None
    """Seconds for which a client may cache the answer for a blocked name; none means Keyhole's
    default."""
    private_names: list[str] = field(default_factory=list)
    """Names, as in a rule, whose answers may have private addresses."""
    restrictions: Restrictions = field(default_factory=Restrictions)
    observe_only: bool = False
    """Whether blocking was off, so that policies only observe."""
    log: str = "full"
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why other settings are left, by the beginning of their path."""

    def every_server(self) -> list[Server]:
        """All upstreams but those of clients; one for each part of the domains of a server that
        an Upstream can have."""
        found = list(self.servers)
        for server, domains in self.forwarding.items():
            names = tuple(domains)
            parts = range(0, len(names), MAX_DOMAINS)
            found += [replace(server, domains=names[at : at + MAX_DOMAINS]) for at in parts]
        return found

    def rules(self) -> Iterator[NameRule]:
        """All rules of all bundles."""
        for bundle in self.bundles.values():
            yield from bundle.rules

    def expressions(self) -> Iterator[str]:
        """All expressions of all rules, with their slashes."""
        for rule in self.rules():
            yield from (match for match in rule.matches if match.startswith("/"))

    def without(self, expression: str) -> Iterator[str]:
        """Removes the rules that hold an expression; yields their names in the report."""
        for bundle in self.bundles.values():
            yield from (rule.title for rule in bundle.rules if expression in rule.matches)
            bundle.rules = [rule for rule in bundle.rules if expression not in rule.matches]
