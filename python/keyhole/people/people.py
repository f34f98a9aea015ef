"""Everything about people in one place."""

from keyhole.people.ground import Ground
from keyhole.people.logins import Logins
from keyhole.people.own import Own
from keyhole.people.registry import Registry


class People:
    """Who is believed, what they change of themselves, and what administrators change."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.logins = Logins(ground)
        self.own = Own(ground)
        self.registry = Registry(ground)
