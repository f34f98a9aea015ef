"""All steps in their order."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp

from keyhole.accounts import AccountServices
from keyhole.api.front.believe import Believe
from keyhole.api.front.bodies import Bodies
from keyhole.api.front.deadline import Deadline
from keyhole.api.front.headers import SecureHeaders
from keyhole.api.front.hosts import Hosts
from keyhole.api.front.origin import Origin
from keyhole.api.front.refuse import Tongue
from keyhole.api.front.shape import Shape
from keyhole.api.front.source import Source
from keyhole.api.pihole import Seats
from keyhole.api.roles import Doors
from keyhole.model.address import Network


@dataclass(frozen=True)
class Rules:
    """Who may come, through whom, and under which names."""

    clients: Sequence[Network]
    trusted_proxies: Sequence[Network]
    names: Sequence[str]


def front_door(
    app: ASGIApp, doors: Doors, accounts: AccountServices, rules: Rules, seats: Seats | None = None
) -> ASGIApp:
    """The application as the network sees it. Headers come first, so that refusals carry them; the
    body comes last, so that nobody has to be heard before they are believed. ``seats`` open the
    API of Pi-hole."""
    inner: ASGIApp = Bodies(Deadline(app))
    inner = Believe(inner, doors, accounts, seats)
    inner = Hosts(Origin(inner, knows_pihole=seats is not None), rules.names)
    inner = Source(inner, rules.clients, rules.trusted_proxies)
    inner = Shape(inner)
    return SecureHeaders(inner if seats is None else Tongue(inner))
