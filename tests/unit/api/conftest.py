"""The middleware in front of an application that accepts and records every request."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from keyhole.accounts import TokenSpec
from keyhole.api.application import API_ROUTES
from keyhole.api.middleware import NetworkAccess, middleware_stack
from keyhole.model.address import read_network
from keyhole.model.role import Role
from keyhole.store import Database
from tests.unit.accounts.conftest import BY, House

BASE = "https://keyhole.example.org"
HEADER = {"x-keyhole-request": "test"}
ACCEPTED = 299


class RecordingApp:
    """Takes the place of the routes: records the requests that the middleware accepted."""

    def __init__(self) -> None:
        self.reached: list[Scope] = []
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached.append(scope)
        self.bodies.append((await receive()).get("body", b""))
        await JSONResponse({}, ACCEPTED)(scope, receive, send)


class MiddlewareClient:
    """Sends requests to the middleware, from any address and with any host name."""

    def __init__(self, house: House, **rules: Any) -> None:
        self.house = house
        self.routes = RecordingApp()
        given = {"clients": ["192.0.2.0/24", "127.0.0.0/8", "::1/128"], "trusted_proxies": []}
        networks = {
            name: [read_network(one) for one in rules.pop(name, default)]
            for name, default in given.items()
        }
        names = rules.pop("names", ["keyhole.example.org"])
        access = NetworkAccess(names=names, **networks)
        self.app = middleware_stack(
            self.routes, API_ROUTES, house.accounts, access, page=rules.pop("page", None)
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        address: str = "192.0.2.1",
        base: str = BASE,
        **request: Any,
    ) -> httpx2.Response:
        """Sends one request; ``request`` holds arguments for httpx2."""

        async def once() -> httpx2.Response:
            transport = httpx2.ASGITransport(self.app, client=(address, 40_000))
            async with httpx2.AsyncClient(transport=transport, base_url=base) as client:
                return await client.request(method, path, **request)

        return anyio.run(once)

    async def scope(self, scope: Scope, body: bytes = b"") -> tuple[int, dict[str, str]]:
        """Sends a request as a raw ASGI scope; returns status and headers."""
        messages: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        return messages[0]["status"], headers

    def token(self, role: Role, name: str = "test", **wanted: Any) -> dict[str, str]:
        """The Authorization header of a new token."""
        given = TokenSpec(name, role, **wanted)
        secret = self.house.accounts.administration.create_token(given, BY, maker=None)
        return {"authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The accounts of this module."""
    folder: Path = tmp_path_factory.mktemp("people")
    database = Database.in_file(folder / "control.db")
    made = House(database)
    made.add("root", Role.ADMINISTRATOR)
    yield made
    database.close()


@pytest.fixture
def client(house: House) -> MiddlewareClient:
    """A new middleware on the accounts of the module."""
    return MiddlewareClient(house)
