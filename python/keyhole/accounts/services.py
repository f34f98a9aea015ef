"""The account services, created together."""

from keyhole.accounts.administration import Administration
from keyhole.accounts.context import AccountContext
from keyhole.accounts.failed_logins import FailedLogins
from keyhole.accounts.login_links import LoginLinks
from keyhole.accounts.logins import Logins
from keyhole.accounts.self_service import SelfService


class AccountServices:
    """Logins, one-time links, self-service, and administration."""

    def __init__(self, context: AccountContext) -> None:
        self.context = context
        failed_logins = FailedLogins(context)
        self.logins = Logins(context, failed_logins)
        self.links = LoginLinks(context, failed_logins)
        self.self_service = SelfService(context)
        self.administration = Administration(context)
