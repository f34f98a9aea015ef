"""Unexpected errors of an HTTP server: each is in the log of operation, under an id that the answer
carries.

What clients see says nothing about the error. What the log says can hold nothing that moves a
cursor or ends a line, since a client may have chosen parts of it.
"""

import secrets
import time
import traceback
from collections import Counter
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Report = Callable[[str, tuple[str, ...]], None]
"""Receives a sentence and details for the operator."""
Respond = Callable[[Scope, str], ASGIApp]
"""Makes the response of a server to an error, with a text for people."""
TRACE_SECONDS = 60.0
"""The same error leaves its trace in the log only once in this time, and so many lines."""
LINES = 10
_ENOUGH = "the log has no more lines about this error within this minute"
_MAX_TRACES = 64
_MAX_LINES = 20
_MAX_PATH = 200


class Incidents:
    """The outermost layer of an application."""

    def __init__(self, app: ASGIApp, server: str, report: Report, respond: Respond) -> None:
        """``server`` names it in the log."""
        self._app = app
        self._server = server
        self._report = report
        self._respond = respond
        self._traced: dict[tuple[str, ...], float] = {}
        self._lines: Counter[tuple[str, ...]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reports what the application lets through, and answers if it has not yet."""
        begun = False

        async def forward(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, forward)
        except ClientDisconnect:
            raise
        except Exception as error:
            self._log(scope, error)
            if begun:
                # Half an answer must not look like a whole one: the server cuts it off.
                raise
            await self._respond(scope, incident_text(scope))(scope, receive, send)

    def _log(self, scope: Scope, error: Exception) -> None:
        path = "".join(one if one.isprintable() else "?" for one in scope["path"])[:_MAX_PATH]
        where = f"{self._server}, {scope['method']} {path}"
        text = f"an unexpected error in the {where} (id {incident_id(scope)})"
        details = self._details(error)
        if details:
            self._report(text, details)

    def _details(self, error: Exception) -> tuple[str, ...]:
        """What the log says; nothing where it has said enough: a client who finds such an error
        must not be able to fill the disk."""
        lines = [
            "".join(one if one.isprintable() else " " for one in line)
            for part in traceback.format_exception(error)
            for line in part.splitlines()
        ]
        now = time.monotonic()
        frames = traceback.extract_tb(error.__traceback__)
        kind = (type(error).__name__, *(f"{one.filename}:{one.lineno}" for one in frames[-3:]))
        if now - self._traced.get(kind, -TRACE_SECONDS) < TRACE_SECONDS:
            self._lines[kind] += 1
            last = (_ENOUGH,) if self._lines[kind] == LINES else ()
            return (lines[-1], *last) if self._lines[kind] <= LINES else ()
        if len(self._traced) >= _MAX_TRACES:
            self._traced.clear()
            self._lines.clear()
        self._traced[kind] = now
        self._lines[kind] = 1
        return tuple(lines[-_MAX_LINES:])


def incident_id(scope: Scope) -> str:
    """The id of an error in this request."""
    found: str = scope.setdefault("state", {}).setdefault("incident", secrets.token_hex(4))
    return found


def incident_text(scope: Scope) -> str:
    """What the answer says."""
    return (
        "an unexpected error in Keyhole; the log of its operation has it under the id "
        f"{incident_id(scope)}"
    )
