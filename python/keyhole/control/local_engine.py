"""Commands from control to the engine of this data folder."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any, Protocol, cast

from keyhole.control.data_folder import DataFolder
from keyhole.control.engine_state import LOCAL, EngineState, state_of
from keyhole.control.error import ControlError, EngineGoneError, EngineRefusedError
from keyhole.control.first_look import engine_command
from keyhole.control.notice import Notify, report_to
from keyhole.control.supervisor import Supervisor
from keyhole.link.peer import READY_SECONDS, DisconnectedError, NoAnswerError, Peer
from keyhole.link.server import LocalLink
from keyhole.model.engine_stats import EngineStats


class Starter(Protocol):
    """Starts the engine process, and keeps it running."""

    @property
    def runs_already(self) -> bool:
        """Whether the engine was already running when this control process started."""

    async def start(self) -> None:
        """Starts the engine; the launch document must exist. Raises ``ControlError``."""

    def connected(self) -> None:
        """Is told that the engine has come."""

    async def stop(self) -> None:
        """Stops the engine if it is a child of control."""


class ChildEngine:
    """An engine that is a child of this process and ends with it."""

    runs_already = False

    def __init__(self, data: DataFolder, notify: Notify) -> None:
        self._supervisor = Supervisor("the engine", lambda ran: engine_command(data.launch), notify)

    async def start(self) -> None:
        """Starts the engine; raises ``EngineRefusedError`` with the reason if it cannot serve."""
        await self._supervisor.start()

    def connected(self) -> None:
        """Does nothing: nobody else waits for it."""

    async def stop(self) -> None:
        """Stops the engine after it has drained."""
        await self._supervisor.stop()


class ExternalEngine:
    """An engine that another process runs, such as ``keyhole up``."""

    def __init__(self, pipe: int | None, *, runs_already: bool) -> None:
        """``pipe`` leads to the supervisor of both; none if they are started by hand."""
        if pipe is not None:
            os.set_inheritable(pipe, False)
        self._pipe = pipe
        self.runs_already = runs_already
        self.has_come = asyncio.Event()
        """Whether the engine has come, or nobody waits for it."""

    async def start(self) -> None:
        """Tells the supervisor that the engine can start."""
        if self._pipe is not None:
            self._send({"ready": {}, "more": True})

    def connected(self) -> None:
        """Is told that the engine has come."""
        self.has_come.set()

    def settle(self) -> None:
        """Tells the supervisor that this process has started completely."""
        self.has_come.set()
        if self._pipe is not None:
            self._send({"settled": True})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._pipe is not None
        os.write(self._pipe, json.dumps(message).encode() + b"\n")

    async def stop(self) -> None:
        """Does nothing: the engine serves without control."""


class LocalEngine:
    """Commands to the engine, over the link."""

    def __init__(self, socket: Path, starter: Starter, notify: Notify) -> None:
        self._link = LocalLink(socket, report_to(notify))
        self._starter = starter

    @property
    def runs_already(self) -> bool:
        """Whether the engine was already running when this control process started."""
        return self._starter.runs_already

    @property
    def peer(self) -> Peer:
        """The engine as the link sees it."""
        return self._link.peer

    @property
    def pid(self) -> int | None:
        """The process ID of the running engine."""
        return self._link.peer.about.pid if self._link.peer.about else None

    @property
    def addresses(self) -> dict[str, list[str]]:
        """The listen addresses, by transport."""
        return self._link.peer.about.addresses if self._link.peer.about else {}

    async def start(self) -> dict[str, list[str]]:
        """Starts the engine and waits for it; returns its addresses by transport.

        Raises ``EngineRefusedError`` with the reason if it cannot start.
        """
        try:
            await self._link.start()
        except OSError as error:
            raise ControlError(f"cannot listen for the engine: {error}") from error
        await self._starter.start()
        try:
            addresses = (await self._link.peer.wait_until_present()).addresses
        except DisconnectedError:
            raise EngineGoneError(
                f"no engine came within {READY_SECONDS:g} seconds; by hand, one is started by "
                "keyhole engine with state/launch.json of this data folder"
            ) from None
        self._starter.connected()
        return addresses

    async def commit(self, snapshot: Path) -> int:
        """Puts the snapshot file in force; gives its number.

        Raises :class:`EngineRefusedError` when it is not valid, and :class:`EngineGoneError` when
        the engine died meanwhile.
        """
        return int((await self._ask({"commit": _absolute(snapshot)}))["committed"])

    async def install_identity(self, name: str, certificate: Path, key: Path) -> None:
        """Makes the engine read a certificate and key; ``server`` is for its listeners."""
        files = {"certificate": _absolute(certificate), "key": _absolute(key)}
        await self._ask({"identity": {"name": name, **files}})

    async def stats(self) -> EngineStats:
        """All counters of the running engine; a new process starts at zero."""
        stats = (await self._ask({"stats": True}))["stats"]
        assert isinstance(stats, dict)
        return cast(EngineStats, stats)

    def state(self, wanted: int | None) -> EngineState:
        """The state of the engine; ``wanted`` is the snapshot that should be in force."""
        about = self._link.peer.about
        is_behind = wanted is not None and (about is None or about.number != wanted)
        return state_of(LOCAL, self._link.peer, wanted, is_behind=is_behind)

    async def stop(self) -> None:
        """Closes the link, and stops the engine if it is a child of this process."""
        await self._link.stop()
        await self._starter.stop()

    async def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = await self._link.peer.ask(command)
        except DisconnectedError as error:
            raise EngineGoneError(str(error)) from None
        except NoAnswerError as error:
            raise ControlError(str(error)) from None
        if "refused" in answer:
            raise EngineRefusedError(answer["refused"]["path"], answer["refused"]["why"])
        return answer


def _absolute(path: Path) -> str:
    # The engine may have another working directory.
    return str(path.absolute())
