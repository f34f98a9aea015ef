"""Overrides of the documents: pauses of blocking, and decisions about names."""

from pydantic import Field

from keyhole.model.address import Network, read_network
from keyhole.model.field_types import Boundary
from keyhole.model.snapshot import Action
from keyhole.model.subject import Subject, read_subject

MAX_PAUSE = 86_400
"""Seconds. A pause is for a test; a forgotten one must end by itself."""
MAX_DECISION = 365 * 86_400
"""Seconds, for a decision that ends by itself."""
MAX_QUARANTINE = 90 * 86_400
"""Seconds. Who is to stay out for longer gets a policy that says so."""
EVERY_NAME = "."
"""The name of a decision that is a quarantine: all names lie below the root."""


class Pause(Boundary):
    """Blocking is paused; times are seconds of Unix time, ``until`` excluded."""

    policy: str | None
    """The policy; none for all."""
    since: int
    until: int


class Decision(Boundary):
    """A name is allowed or blocked; times as for a pause."""

    number: int = Field(ge=1)
    action: Action
    name: str
    below: bool
    """Whether it includes all names below."""
    client: str | None
    """The client, as `read_client` returns it; none for everyone."""
    since: int
    until: int | None
    """None: until it is removed."""

    @property
    def blocks(self) -> bool:
        """Whether it takes something away."""
        return self.action == "block"

    @property
    def is_quarantine(self) -> bool:
        """Whether it refuses its client every name."""
        return self.name == EVERY_NAME

    def lasts(self, second: int) -> bool:
        """Whether it has not ended by then."""
        return self.until is None or self.until > second

    @property
    def origin(self) -> str:
        """Its name in the log and in ``explain``."""
        return f"{'quarantine' if self.is_quarantine else 'decision'} {self.number}"


class Overrides(Boundary):
    """All overrides. Of two decisions about a name, the later one wins."""

    pauses: list[Pause] = Field(default_factory=list)
    decisions: list[Decision] = Field(default_factory=list)

    def at(self, second: int) -> "Overrides":
        """The overrides that have not ended by then. What blocks stays until it is removed, by a
        clock that is believed."""
        return Overrides(
            pauses=[one for one in self.pauses if one.until > second],
            decisions=[one for one in self.decisions if one.blocks or one.lasts(second)],
        )

    @property
    def next_end(self) -> int | None:
        """The second at which the next one ends; none if none ends by itself."""
        ends = [one.until for one in self.decisions if one.until is not None]
        return min([*ends, *(one.until for one in self.pauses)], default=None)

    def to_json(self) -> bytes:
        """The JSON document that is stored beside the snapshot."""
        return self.model_dump_json(indent=1).encode() + b"\n"


def read_client(written: str) -> Subject:
    """The client of a decision: ``spiffe://...``, ``token:NAME``, ``client:NAME``, an address or a
    network. Raises ``ValueError``.

    Groups and parts of a trust domain are refused: change their policy instead.
    """
    text = written.strip()
    try:
        network = read_network(text.removeprefix("cidr:"))
    except ValueError:
        subject = read_subject(text)
    else:
        return Subject("cidr", str(network), show_network(network))
    if subject.kind not in ("identity", "token", "client"):
        raise ValueError(
            f"{text} is not one client; give spiffe://example.org/ns/shop/sa/web, token:NAME, "
            "client:NAME or an address"
        )
    return subject


def show_network(network: Network) -> str:
    """A network as people write it: a single address has no prefix length."""
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if single else str(network)
