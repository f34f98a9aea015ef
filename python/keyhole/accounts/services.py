"""The account services, created together."""

from keyhole.accounts.administration import Administration
from keyhole.accounts.context import AccountContext
from keyhole.accounts.logins import Logins
from keyhole.accounts.self_service import SelfService


class AccountServices:
    """Logins, self-service, and administration."""

    def __init__(self, context: AccountContext) -> None:
        self.context = context
        self.logins = Logins(context)
        self.self_service = SelfService(context)
        self.administration = Administration(context)
