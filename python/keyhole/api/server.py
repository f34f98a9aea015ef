"""Serves the API on the Unix socket of the data folder, and on the network."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from starlette.types import ASGIApp, Scope
from uvicorn.config import Config

from keyhole.api.application import ALL_ROUTES, API_ROUTES, make_application
from keyhole.api.local import LocalUser
from keyhole.api.middleware import NetworkAccess, middleware_stack
from keyhole.api.network import Certificate, Listener, bind, limiter_for, not_served, release
from keyhole.api.page import PageFolder
from keyhole.api.pihole import PiholeSessions
from keyhole.api.pihole.responses import incident_response
from keyhole.api.problem import problem_response
from keyhole.control.authentication import Authentication
from keyhole.control.error import ControlError
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.parts import API
from keyhole.control.services import Services
from keyhole.errors import KeyholeError
from keyhole.http import HttpServer, PeerProtocol, remove_socket, unix_listener, uvicorn_config
from keyhole.http.connection_limiter import ConnectionLimiter
from keyhole.http.network_protocol import NetworkProtocol

REFRESH_SECONDS = 3600.0
RETRY_SECONDS = 5.0


class ApiServer:
    """An async context manager that serves until it exits. ``listeners`` are already bound; it
    closes them at exit.

    Listeners that are not on loopback open only after the first run, so that nobody else on the
    network can use the first one-time password.
    """

    def __init__(
        self, services: Services, notify: Notify, listeners: Sequence[Listener] = ()
    ) -> None:
        self._services = services
        self._notify = notify
        self._path = services.data.api_socket
        self._server = HttpServer()
        self._limiters: list[ConnectionLimiter] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._set_up = asyncio.Event()
        self._listeners = list(listeners)
        settings = services.settings
        self._certificate = Certificate(
            settings.resolved.api, services.data.identity, settings.resolved.trust_domain
        )

    async def __aenter__(self) -> Self:
        try:
            authentication = self._services.authentication
            wanted = self._services.settings.written.api.pihole and authentication is not None
            pihole = PiholeSessions(authentication.accounts) if wanted and authentication else None
            app = make_application(self._services, pihole)
            await self._serve_network(app, pihole)
            # Last, because the existence of the socket shows that the API serves.
            await self._serve_socket(app)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _serve_socket(self, app: ASGIApp) -> None:
        config = self._config(LocalUser(app))
        loop = asyncio.get_running_loop()
        self._server.add(
            await loop.create_unix_server(
                lambda: PeerProtocol(config, self._server.state, {}), sock=_socket(self._path)
            )
        )

    async def _serve_network(self, app: ASGIApp, pihole: PiholeSessions | None) -> None:
        authentication = self._services.authentication
        if authentication is None:
            # Without accounts, nobody can authenticate.
            release(self._listeners)
            self._listeners = []
            return
        api = self._services.settings.written.api
        access = NetworkAccess(
            clients=api.clients,
            trusted_proxies=api.trusted_proxies,
            names=[*api.hosts, *(one.address for one in api.listen)],
        )
        routes = ALL_ROUTES if pihole else API_ROUTES
        config = self._config(
            middleware_stack(app, routes, authentication.accounts, access, pihole, PageFolder())
        )
        if not await self._open_network(authentication, config):
            self._tasks.append(asyncio.create_task(self._retry_network(authentication, config)))

    async def _retry_network(self, authentication: Authentication, config: Config) -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            if await self._open_network(authentication, config):
                return

    async def _open_network(self, authentication: Authentication, config: Config) -> bool:
        """Opens all listeners, or records why that cannot be."""
        api, parts = self._services.settings.written.api, self._services.control_plane.parts
        try:
            if not self._listeners:
                self._listeners = bind(api)
            if any(one.is_encrypted for one in self._listeners):
                await asyncio.to_thread(self._certificate.refresh)
                self._tasks.append(asyncio.create_task(self._refresh()))
        except (KeyholeError, OSError) as error:
            # Bound and not served, a client would wait for ever.
            release(self._listeners)
            self._listeners = []
            parts.fail(API, not_served(error))
            return False
        await self._open_bound(authentication, config)
        parts.works(API)
        return True

    async def _open_bound(self, authentication: Authentication, config: Config) -> None:
        remote = [one for one in self._listeners if not one.is_loopback]
        for listener in self._listeners:
            if listener.is_loopback:
                await self._open(listener, config)
        if not remote:
            return
        if await asyncio.to_thread(authentication.is_set_up):
            for listener in remote:
                await self._open(listener, config)
            return
        self._tasks.append(asyncio.create_task(self._open_later(authentication, remote, config)))

    def _config(self, app: ASGIApp) -> Config:
        def report(text: str, details: tuple[str, ...]) -> None:
            self._notify(Notice(Severity.ERROR, text, details))

        return uvicorn_config(app, "API", report, _incident_response)

    async def _open(self, listener: Listener, config: Config) -> None:
        def http() -> asyncio.Protocol:
            return NetworkProtocol(config, self._server.state, {})

        api = self._services.settings.written.api
        refused = self._services.control_plane.refused_handshakes.of("api")
        limiter = limiter_for(api, listener, self._certificate, http, refused)
        self._limiters.append(limiter)
        loop = asyncio.get_running_loop()
        self._server.add(await loop.create_server(limiter, sock=listener.socket))

    async def _open_later(
        self, authentication: Authentication, remote: list[Listener], config: Config
    ) -> None:
        loop = asyncio.get_running_loop()
        changed = self._set_up

        def set_up() -> None:
            loop.call_soon_threadsafe(changed.set)

        authentication.accounts.context.on_set_up = set_up
        urls = ", ".join(one.url for one in remote)
        text = f"{urls} opens when somebody has chosen a password"
        hint = "log in on this machine, or use keyhole people password NAME"
        self._notify(Notice(Severity.WARNING, text, (hint,)))
        # Check again: the change may have happened before the callback was set.
        if not await asyncio.to_thread(authentication.is_set_up):
            await changed.wait()
        for listener in remote:
            await self._open(listener, config)
        self._notify(Notice(Severity.SUCCESS, f"the API is open on {urls}"))

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await asyncio.to_thread(self._certificate.refresh)
            except (KeyholeError, OSError) as error:
                text = "the API could not renew its certificate and uses the previous one"
                self._notify(Notice(Severity.ERROR, text, tuple(str(error).splitlines())))

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._server.stop_listening()
        for limiter in self._limiters:
            limiter.close()
        release(self._listeners)
        await self._server.close()
        remove_socket(self._path)


def _incident_response(scope: Scope, text: str) -> ASGIApp:
    if scope.get("state", {}).get("is_pihole"):
        return incident_response(scope, text)
    return problem_response(500, "mistake", text)


def _socket(path: Path) -> socket.socket:
    try:
        return unix_listener(path)  # the data folder is locked, so no other process uses the socket
    except OSError as error:
        raise ControlError(f"cannot listen on {path}: {error.strerror}") from error
