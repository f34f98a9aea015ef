"""Authentication on the Unix socket in the data folder.

Who can open the folder (mode 0700) controls this Keyhole anyway, so each local user is an
administrator. The kernel reports the user, for the audit record.
"""

import pwd

from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.api.principal import Principal
from keyhole.http import PEER_PREFIX
from keyhole.model.role import Role


class LocalUser:
    """Makes the local user the principal of each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the principal to the state of the request."""
        if scope["type"] == "http":
            uid = int(scope["client"][0].removeprefix(PEER_PREFIX))
            principal = Principal(f"local:{_user(uid)}", Role.ADMINISTRATOR, "socket")
            scope.setdefault("state", {})["principal"] = principal
        await self._app(scope, receive, send)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
