"""Writes the launch document of the local engine, and starts the engine from it."""

from pathlib import Path

from keyhole.control.certificates import SERVER, Certificates
from keyhole.control.data_folder import DataFolder
from keyhole.control.local_engine import LocalEngine
from keyhole.control.parts import DISK, Parts
from keyhole.control.settings import Settings
from keyhole.engine import Refusal
from keyhole.engine.launch import Identity, Launch, Link, QueryLog
from keyhole.engine.own_queries import mark_of
from keyhole.errors import KeyholeError


class Launcher:
    """The launch document. It names every certificate, also one that cannot be used now."""

    def __init__(
        self,
        settings: Settings,
        data: DataFolder,
        engine: LocalEngine,
        certificates: Certificates,
        parts: Parts,
    ) -> None:
        self._settings = settings
        self._data = data
        self._engine = engine
        self._certificates = certificates
        self._parts = parts
        self.own_mark = mark_of(data.launch)
        self._options = {**settings.options, "own_mark": self.own_mark}

    async def start(self, clients: dict[str, Identity], snapshot: Path) -> None:
        """Starts the engine with a snapshot; raises ``KeyholeError`` if it cannot serve."""
        # A running engine may restart from the launch document, so that stays until it is here.
        if not self._engine.runs_already:
            self._write(clients, snapshot)
        await self._started(clients)

    async def start_last_good(self) -> None:
        """Starts the engine with the last good snapshot, which needs nothing else."""
        clients = self._last_clients()
        if not self._engine.runs_already:
            try:
                self._write(clients, self._data.snapshot)
            except Refusal as error:
                if not self._data.launch.exists():
                    raise
                self._parts.fail(DISK, f"{error}; the engine starts as it did the last time")
        await self._started(clients)

    def update(self, clients: dict[str, Identity]) -> None:
        """Writes what a restarted engine needs; a disk that cannot be written is recorded."""
        with self._parts.recorded(DISK, KeyholeError):
            self._write(clients, self._data.snapshot)

    async def _started(self, clients: dict[str, Identity]) -> None:
        addresses = await self._engine.start()
        # A restarted engine must listen on the same ports, also if the first one was given port 0
        # and the system chose a free one.
        self._options = {**self._options, "listen": {**self._options["listen"], **addresses}}
        self.update(clients)

    def _last_clients(self) -> dict[str, Identity]:
        """The client certificates for upstreams of the last good snapshot."""
        try:
            known = Launch.read(self._data.launch).identities
        except Refusal:
            return {}
        return {name: one for name, one in known.items() if name != SERVER}

    def _write(self, clients: dict[str, Identity], snapshot: Path) -> None:
        identities = {
            name: Identity(one.certificate.absolute(), one.key.absolute())
            for name, one in self._certificates.places(clients).items()
        }
        keep = self._settings.resolved.log_keep
        log = QueryLog(self._data.query_log.resolve(), keep) if keep else None
        launch = Launch(
            self._options,
            identities,
            snapshot.resolve(),
            log,
            Link(str(self._data.link_socket.resolve())),
            copy=self._data.snapshot_copy.resolve(),
            settings=self._settings.mark,
            health=tuple(map(str, self._settings.written.health.engine)),
            traces=self._settings.trace_export(self._data.secrets.resolve()),
        )
        launch.write(self._data.launch)
