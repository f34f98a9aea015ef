"""Metrics and readiness of an engine, served from a thread of its own.

Nothing on the way of a query waits for it. A listener that cannot be had is tried again; the
engine serves without it.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from itertools import chain

from keyhole.engine.commands import Engine
from keyhole.engine.readiness import ask_own_listener
from keyhole.engine.runtime import catalogue
from keyhole.http.health import HealthServer
from keyhole.metrics import engine_metrics, process_metrics, read_reasons, render
from keyhole.model.address import Endpoint

RETRY_SECONDS = 5.0
END_SECONDS = 5.0


class HealthThread:
    """The thread; ``start`` it once the engine serves, and ``drain`` before the engine does."""

    def __init__(
        self, engine: Engine, listen: Sequence[Endpoint], notify: Callable[[str], None]
    ) -> None:
        self._engine = engine
        self._notify = notify
        self._reasons = read_reasons(catalogue())
        self._server = HealthServer(listen, self._render, self._why_not_ready, self._report)
        self._is_draining = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def drain(self) -> None:
        """Says from now on that the engine is not ready."""
        self._is_draining = True

    def end(self) -> None:
        """Stops listening."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(END_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        said = ""
        while not self._ended.is_set():
            try:
                await self._server.start()
                break
            except OSError as error:
                why = f"metrics cannot be served ({error.strerror}); see health in keyhole.yaml"
                if why != said:
                    self._notify(f"{why}; tried again")
                    said = why
            await _wait(self._ended, RETRY_SECONDS)
        await self._ended.wait()
        await self._server.stop()

    def _render(self, accept: str) -> tuple[bytes, str]:
        metrics = engine_metrics(self._engine.stats(), self._reasons, self._engine.exemplars)
        return render(chain(metrics, process_metrics("engine")), accept)

    def _report(self, text: str, details: tuple[str, ...]) -> None:
        self._notify("; ".join([text, *details]))

    async def _why_not_ready(self) -> str:
        if self._is_draining:
            return "draining"
        if self._engine.number is None:
            return "no snapshot: every query is refused"
        return await asyncio.to_thread(ask_own_listener, self._engine.addresses)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
