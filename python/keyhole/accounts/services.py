"""Everything about people in one place."""

from keyhole.accounts.administration import Administration
from keyhole.accounts.context import AccountContext
from keyhole.accounts.logins import Logins
from keyhole.accounts.self_service import SelfService


class AccountServices:
    """Who is believed, what they change of themselves, and what administrators change."""

    def __init__(self, ground: AccountContext) -> None:
        self.ground = ground
        self.logins = Logins(ground)
        self.own = SelfService(ground)
        self.registry = Administration(ground)
