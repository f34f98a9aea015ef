"""Authenticates the caller by token or session, and checks the role that the route needs."""

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.accounts import AccountServices, ClientInfo
from keyhole.api.access import RouteTable
from keyhole.api.cookies import read_session
from keyhole.api.middleware.continued_access import ContinuedAccess
from keyhole.api.middleware.errors import header, refuse
from keyhole.api.pihole import PiholeSessions, is_pihole
from keyhole.api.pihole.auth import SID_HEADERS
from keyhole.api.principal import Principal
from keyhole.api.problem import ApiProblem
from keyhole.errors import KeyholeError

_MAX_SECRET = 512
# The only routes for a caller with a one-time password.
_FIRST_STEPS = {
    ("GET", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("PUT", "/api/v1/session/password"),
}
# These end the session of their caller, who shall have the response nevertheless.
_LAST_STEPS = {("DELETE", "/api/v1/session"), ("PUT", "/api/v1/session/password")}


class Authenticator:
    """Adds the principal to the state of the request, and checks the role of the route before the
    body is read."""

    def __init__(
        self,
        app: ASGIApp,
        routes: RouteTable,
        accounts: AccountServices,
        pihole: PiholeSessions | None = None,
    ) -> None:
        """``pihole`` are the sessions of Pi-hole's API, if it is served."""
        self._app = app
        self._watched_app = ContinuedAccess(app, self._has_access)
        self._routes = routes
        self._accounts = accounts
        self._pihole = pihole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses callers without authentication or role, unless the route is public."""
        try:
            principal = await self._principal(scope)
            self._authorize(scope, principal)
        except ApiProblem as problem:
            named = {name.replace("-", "_"): value for name, value in problem.headers.items()}
            status, word, detail = problem.status, problem.word, problem.detail
            await refuse(scope, receive, send, status, word, detail, **named)
            return
        except KeyholeError:
            detail = "the database cannot be used now, so nobody can authenticate"
            await refuse(scope, receive, send, 503, "not_possible_now", detail)
            return
        if principal is not None:
            scope["state"]["principal"] = principal
        is_short = principal is None or (scope["method"], scope["path"]) in _LAST_STEPS
        app = self._app if is_short else self._watched_app
        await app(scope, receive, send)

    async def _has_access(self, scope: Scope) -> bool:
        """Whether the caller of a response that goes on would still be let in. This is no use of
        the session or token, so it does not prolong it."""
        again = {**scope, "state": {**scope["state"]}}
        again["state"].pop("session", None)
        try:
            self._authorize(again, await self._principal(again, is_use=False))
        except (ApiProblem, KeyholeError):
            return False
        return True

    async def _principal(self, scope: Scope, *, is_use: bool = True) -> Principal | None:
        client = ClientInfo(scope["client"][0], header(scope, b"user-agent") or "")
        if self._pihole is not None and is_pihole(scope["path"]):
            return await self._by_pihole(self._pihole, scope, client.address, is_use=is_use)
        written = header(scope, b"authorization")
        if written is not None:
            return await run_in_threadpool(self._by_token, written, client, is_use=is_use)
        secret = read_session(scope)
        if secret is None or len(secret) > _MAX_SECRET:
            return None
        session = await run_in_threadpool(
            self._accounts.logins.session, secret, client, is_use=is_use
        )
        if session is None:
            return None
        scope["state"]["session"] = session
        return Principal(session.name, session.role, "session")

    async def _by_pihole(
        self, pihole: PiholeSessions, scope: Scope, address: str, *, is_use: bool
    ) -> Principal | None:
        values = (header(scope, name.encode()) for name in SID_HEADERS)
        sid = next((one for one in values if one is not None), None)
        if sid is None or len(sid) > _MAX_SECRET:
            return None
        token = await run_in_threadpool(pihole.token_of, sid, address, is_use=is_use)
        return None if token is None else Principal(f"token:{token.name}", token.role, "pihole")

    def _by_token(self, written: str, client: ClientInfo, *, is_use: bool) -> Principal:
        scheme, _, secret = written.partition(" ")
        token = None
        if scheme.lower() == "bearer" and len(secret) <= _MAX_SECRET:
            token = self._accounts.logins.token(secret.strip(), client.address, is_use=is_use)
        if token is None:
            raise not_authenticated("the token is not valid, has ended or was revoked")
        if not token.is_good_from(client.address):
            detail = "this token may not be used from your address"
            raise ApiProblem(403, "network_not_allowed", detail)
        return Principal(f"token:{token.name}", token.role, "token")

    def _authorize(self, scope: Scope, principal: Principal | None) -> None:
        route = self._routes.find(scope["method"], scope["path"])
        if route is not None and route.is_public:
            return
        if principal is None:
            raise _login_needed(scope)
        if route is None:
            return  # the application responds with 404
        if route.role is None or principal.role < route.role:
            needed = route.role.word if route.role else "of nobody"
            raise ApiProblem(
                403,
                "role_too_low",
                f"this needs the role {needed}; {principal.name} is {principal.role.word}",
            )
        session = scope["state"].get("session")
        if session is not None and session.must_change and route.endpoint not in _FIRST_STEPS:
            detail = "choose a password first: PUT /api/v1/session/password"
            raise ApiProblem(403, "password_change_needed", detail)


def _login_needed(scope: Scope) -> ApiProblem:
    if scope["state"].get("is_pihole"):
        # Pi-hole's API does not accept a token in Authorization.
        return ApiProblem(401, "not_authenticated", "log in: POST /api/auth")
    return not_authenticated("log in, or send a token in Authorization")


def not_authenticated(detail: str) -> ApiProblem:
    """A 401 response, which must name the authentication scheme (RFC 9110 section 15.5.2)."""
    headers = {"www-authenticate": 'Bearer realm="keyhole"'}
    return ApiProblem(401, "not_authenticated", detail, headers)
