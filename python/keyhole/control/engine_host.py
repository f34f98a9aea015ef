"""Runs beside an engine that a control process on another machine leads.

It writes the launch document of the engine, and renews the certificate of the listeners if Keyhole
issues it.
"""

import asyncio

from keyhole.control.certificates import SERVER, Certificates
from keyhole.control.data_folder import DataFolder
from keyhole.control.local_engine import ExternalEngine
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.settings import Settings
from keyhole.engine import Refusal
from keyhole.engine.launch import Identity, Launch, Link, QueryLog
from keyhole.errors import KeyholeError
from keyhole.identity.credentials import CredentialFolder

RENEWAL_CHECK_SECONDS = 3600.0
RETRY_SECONDS = 60.0


class EngineHost:
    """The local process of an engine that is led from another machine."""

    def __init__(
        self, settings: Settings, data: DataFolder, engine: ExternalEngine, notify: Notify
    ) -> None:
        self._settings = settings
        self._data = data
        self._engine = engine
        self._notify = notify
        self._certificates = Certificates(settings, data)
        self._is_failing = False

    async def start(self) -> None:
        """Writes the launch document; raises ``IdentityError`` if the identity for the link to
        control is missing."""
        server = self._settings.resolved.control_server
        assert server is not None, "controlled from here"
        if not (self._data.snapshot.exists() or self._data.snapshot_copy.exists()):
            CredentialFolder(server.identity).read()
            self._certificates.read({})
        else:
            # What was in force serves; certificates and the link are added as they can be.
            self._renew()
        pair = self._certificates.places({})[SERVER]
        keep = self._settings.resolved.log_keep
        launch = Launch(
            self._settings.options,
            {SERVER: Identity(pair.certificate.absolute(), pair.key.absolute())},
            self._data.snapshot.resolve(),
            QueryLog(self._data.query_log.resolve(), keep) if keep else None,
            Link(server.url, server.identity),
            copy=self._data.snapshot_copy.resolve(),
            settings=self._settings.mark,
            health=tuple(map(str, self._settings.written.health.engine)),
            traces=self._settings.trace_export(self._data.secrets.resolve()),
        )
        try:
            launch.write(self._data.launch)
        except Refusal:
            if not self._engine.runs_already:
                raise
        await self._engine.start()
        self._engine.settle()

    def greet(self) -> None:
        """Reports which control leads this engine, and the listeners."""
        server = self._settings.resolved.control_server
        assert server is not None, "controlled from here"
        listen = self._settings.written.listen
        kinds = ("udp", "tcp", "dot", "doh", "doh_cleartext", "mesh")
        where = (f"{kind}: {', '.join(map(str, getattr(listen, kind)))}" for kind in kinds)
        details = [one for one in where if not one.endswith(": ")]
        text = f"this engine is controlled by {server.url}; its documents and its log are there"
        self._notify(Notice(Severity.SUCCESS, text, tuple(details)))

    async def run(self) -> None:
        """Renews the certificate in time; the engine rereads it by itself. Never ends."""
        while True:
            await asyncio.sleep(RETRY_SECONDS if self._is_failing else RENEWAL_CHECK_SECONDS)
            self._renew()

    def _renew(self) -> None:
        try:
            self._certificates.read({})
        except KeyholeError as error:
            if not self._is_failing:
                text = "the listeners got no new certificate and go on with the one before"
                self._notify(Notice(Severity.ERROR, text, tuple(str(error).splitlines())))
            self._is_failing = True
            return
        self._is_failing = False
