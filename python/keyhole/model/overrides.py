"""What people decided for a while, beside the documents: pauses of blocking, and decisions about
names."""

from pydantic import Field

from keyhole.model.address import Network, read_network
from keyhole.model.field_types import Boundary
from keyhole.model.snapshot import Action
from keyhole.model.subject import Subject, read_subject

MAX_PAUSE = 86_400
"""Seconds. A pause is there to try something out; nobody shall forget one."""
MAX_DECISION = 365 * 86_400
"""Seconds, for one that ends by itself."""


class Pause(Boundary):
    """Blocking is paused; times are seconds of Unix time, ``until`` excluded."""

    policy: str | None
    """The policy; none for all."""
    since: int
    until: int


class Decision(Boundary):
    """Somebody decided about a name; times as for a pause."""

    number: int = Field(ge=1)
    action: Action
    name: str
    below: bool
    """Whether it means every name below as well."""
    client: str | None
    """Whom it is about, as `read_client` gives it; none for everyone."""
    since: int
    until: int | None
    """None until it is removed."""

    @property
    def origin(self) -> str:
        """What the log and ``explain`` call it."""
        return f"decision {self.number}"


class Overrides(Boundary):
    """All that stands. Of two decisions that speak of a name, the later one comes first."""

    pauses: list[Pause] = Field(default_factory=list)
    decisions: list[Decision] = Field(default_factory=list)

    def at(self, second: int) -> "Overrides":
        """What has not ended by then."""
        return Overrides(
            pauses=[one for one in self.pauses if one.until > second],
            decisions=[one for one in self.decisions if one.until is None or one.until > second],
        )

    @property
    def next_end(self) -> int | None:
        """The second at which the next of it ends; none where nothing ends by itself."""
        ends = [one.until for one in self.decisions if one.until is not None]
        return min([*ends, *(one.until for one in self.pauses)], default=None)

    def to_json(self) -> bytes:
        """The form in which it is kept beside the snapshot."""
        return self.model_dump_json(indent=1).encode() + b"\n"


def read_client(written: str) -> Subject:
    """Whom a decision is about: ``spiffe://...``, ``token:NAME``, ``client:NAME``, an address or a
    network. Raises ``ValueError``.

    A group or a part of a trust domain has a policy of its own to change.
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
    """A network as people write it: a single address without its length."""
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if single else str(network)
