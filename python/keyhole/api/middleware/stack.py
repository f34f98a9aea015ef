"""The order of the middleware."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp

from keyhole.accounts import AccountServices
from keyhole.api.access import RouteTable
from keyhole.api.middleware.authentication import Authenticator
from keyhole.api.middleware.body_limits import BodyLimits
from keyhole.api.middleware.client_address import ClientAddress
from keyhole.api.middleware.csrf import CsrfProtection
from keyhole.api.middleware.errors import ErrorFormat
from keyhole.api.middleware.fair_share import FairShare
from keyhole.api.middleware.headers import SecureHeaders
from keyhole.api.middleware.hosts import AllowedHosts
from keyhole.api.middleware.page import PageServer
from keyhole.api.middleware.request_syntax import RequestSyntax
from keyhole.api.middleware.response_timeout import ResponseTimeout
from keyhole.api.page import PageFolder
from keyhole.api.pihole import PiholeSessions
from keyhole.model.address import Network


@dataclass(frozen=True)
class NetworkAccess:
    """The client networks, the trusted proxies and the host names of the API."""

    clients: Sequence[Network]
    trusted_proxies: Sequence[Network]
    names: Sequence[str]


def middleware_stack(
    app: ASGIApp,
    routes: RouteTable,
    accounts: AccountServices,
    access: NetworkAccess,
    pihole: PiholeSessions | None = None,
    page: PageFolder | None = None,
) -> ASGIApp:
    """The application for the network. Response headers come first, so that refusals have them too.
    The body is read only after authentication. ``pihole`` enables Pi-hole's API. The ``page`` comes
    before authentication, behind all other checks: it shows the login."""
    inner: ASGIApp = BodyLimits(FairShare(ResponseTimeout(app)))
    inner = Authenticator(inner, routes, accounts, pihole)
    if page is not None:
        inner = PageServer(inner, page)
    inner = AllowedHosts(CsrfProtection(inner, knows_pihole=pihole is not None), access.names)
    inner = ClientAddress(inner, access.clients, access.trusted_proxies)
    inner = RequestSyntax(inner)
    return SecureHeaders(inner if pihole is None else ErrorFormat(inner))
