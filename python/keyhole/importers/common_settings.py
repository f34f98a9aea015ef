"""What all these products have in common: the setup of one of them, in the words of none.

A *bundle* is what is decided together: rules and lists. An *client* is somebody for whom some
bundles count. Who is in no client has the bundles for everybody else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

Answer = str
"""As a policy writes it: nxdomain, refused, null, or an address."""


@dataclass(frozen=True)
class ListSource:
    """A list by its address."""

    url: str
    allow: bool = False
    title: str = ""
    origin: str = ""
    """Where it stood, for a comment."""


@dataclass(frozen=True)
class NameRule:
    """What happens to some names."""

    matches: tuple[str, ...]
    """Names, ``*.`` and a name, or ``/expression/``."""
    allow: bool = False
    types: tuple[str, ...] = ()
    answer: Answer | None = None
    """None is that of the setup."""
    important: bool = False
    when: "Schedule | None" = None
    title: str = ""
    """How the report calls it."""
    origin: str = ""


@dataclass(frozen=True)
class Schedule:
    """When a rule acts: days as ``mon``, times as ``21:00`` or none for whole days."""

    days: tuple[str, ...]
    begins: str | None
    ends: str | None
    timezone: str


@dataclass
class Bundle:
    """Rules and lists that count together."""

    title: str
    lists: list[ListSource] = field(default_factory=list)
    rules: list[NameRule] = field(default_factory=list)
    answer: Answer | None = None
    """What a name on its lists gets; none is that of the setup."""
    denies_rest: bool = False
    """Whether for its clients nothing is answered but what it allows."""
    for_all: bool = False
    """Whether it counts for whoever is served, in every client."""
    origin: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it decides nothing."""
        return not (self.lists or self.rules)


@dataclass
class ClientSettings:
    """Somebody for whom some bundles count, by what tells them from others."""

    title: str
    addresses: list[str] = field(default_factory=list)
    """Addresses and networks."""
    tokens: list[str] = field(default_factory=list)
    bundles: tuple[str, ...] = ()
    log: str = ""
    """Empty is that of the setup."""
    servers: "tuple[Server, ...]" = ()
    """Empty are those of the setup."""
    is_denied: bool = False
    """Whether nothing is answered to it."""
    changes: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True)
class LocalRecord:
    """One name with one value."""

    name: str
    kind: str
    """a, aaaa, cname, txt or ptr."""
    value: str
    ttl: int | None = None
    title: str = ""
    """How the report calls it; empty where it only belongs to another one."""
    changes: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True)
class Server:
    """An upstream that is asked over TLS or HTTPS."""

    protocol: str
    addresses: tuple[str, ...]
    server_name: str
    path: str | None = None
    origin: str = field(default="", compare=False)


@dataclass
class Setup:
    """Everything that is taken of one product."""

    product: str
    """As its makers write it."""
    bundles: dict[str, Bundle] = field(default_factory=dict)
    default_bundles: tuple[str, ...] = ()
    """The bundles for who is in no client."""
    served_subjects: tuple[str, ...] = ()
    """The subjects that are served at all, beside clients; empty means whoever."""
    clients: list[ClientSettings] = field(default_factory=list)
    records: list[LocalRecord] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    suggestions: list[Server] = field(default_factory=list)
    """The encrypted service of those that were asked in the clear."""
    answer: Answer = "null"
    refresh: int | None = None
    """Seconds after which a list is asked for again."""
    observe_only: bool = False
    """Whether nothing is to be blocked, as blocking was off."""
    log: str = "full"

    def rules(self) -> Iterator[NameRule]:
        """Every rule of every bundle."""
        for bundle in self.bundles.values():
            yield from bundle.rules

    def expressions(self) -> Iterator[str]:
        """Every expression of every rule, between slashes."""
        for rule in self.rules():
            yield from (match for match in rule.matches if match.startswith("/"))

    def without(self, expression: str) -> Iterator[str]:
        """Takes the rules out that hold an expression; gives how the report calls them."""
        for bundle in self.bundles.values():
            yield from (rule.title for rule in bundle.rules if expression in rule.matches)
            bundle.rules = [rule for rule in bundle.rules if expression not in rule.matches]
