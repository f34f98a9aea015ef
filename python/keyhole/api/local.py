"""The API for people on this machine: a Unix socket in the data folder.

Whoever may enter the folder (mode 0700) owns this Keyhole anyway, so they are its administrator;
the system says which user it is, and the audit record keeps that.
"""

import pwd

from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.api.principal import Principal
from keyhole.http import PEER_PREFIX
from keyhole.model.role import Role


class LocalUser:
    """Believes the user that the system named."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the principal to what the application sees."""
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
