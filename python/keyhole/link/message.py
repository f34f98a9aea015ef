"""Messages between engine and control: JSON over HTTP.

The engine polls with ``POST /link/v1/poll``: the body has its state and the results of the last
commands. The response has the next commands; it comes as soon as there are any, or empty after
``HOLD_SECONDS``. The engine executes them in order and polls again. An engine has at most one poll
open. If it cannot reach control, it continues to serve.
"""

from dataclasses import dataclass
from typing import Any

POLL = "/link/v1/poll"
OFFER = "/link/v1/offers"
"""``/MARK/snapshot`` and ``/MARK/lists`` below it serve engines on other machines."""
EVENTS = "/link/v1/events"
"""GET returns the received position of the engine's query log; POST sends what follows."""
COUNTS = "/link/v1/counts"
"""POST sends what the engine has counted; the file beside its query log, or its newest lines."""
HOLD_SECONDS = 20.0
"""How long control holds a poll open while there are no commands."""
SILENCE_SECONDS = 3 * HOLD_SECONDS
"""An engine that does not poll for this long counts as disconnected."""

Command = dict[str, Any]
"""``{"id": N, ...}`` and one of the commands that ``keyhole.engine.commands`` describes."""
Result = dict[str, Any]
"""``{"id": N, ...}`` and the result of the command."""


class MessageError(ValueError):
    """A malformed or unexpected message."""


@dataclass(frozen=True)
class About:
    """The state of an engine, sent with each poll."""

    instance: str
    """Unique for each process, so that control detects a restart."""
    pid: int
    version: str
    addresses: dict[str, list[str]]
    number: int | None
    """The active snapshot; ``None`` while it refuses every query."""
    mark: str = ""
    """The last applied offer; empty for an engine on the same machine as control."""
    withdrawn: str = ""
    """The mark of the last withdrawal that it has; see ``keyhole.engine.withdrawal``."""


@dataclass(frozen=True)
class Poll:
    """One request of an engine."""

    about: About
    results: tuple[Result, ...]

    def to_json(self) -> dict[str, Any]:
        """The body of the request."""
        return {"engine": vars(self.about), "results": list(self.results)}

    @classmethod
    def read(cls, found: Any) -> "Poll":
        """Reads the body; raises `MessageError` if it is not valid."""
        try:
            engine = found["engine"]
            number = engine["number"]
            about = About(
                instance=str(engine["instance"]),
                pid=int(engine["pid"]),
                version=str(engine["version"]),
                addresses={
                    str(kind): [str(one) for one in ones]
                    for kind, ones in engine["addresses"].items()
                },
                number=None if number is None else int(number),
                mark=str(engine.get("mark", "")),
                withdrawn=str(engine.get("withdrawn", "")),
            )
            results = tuple({**one, "id": int(one["id"])} for one in found["results"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise MessageError(f"not a poll ({error!r})") from None
        return cls(about, results)


def read_commands(found: Any) -> list[Command]:
    """The commands in a response; raises `MessageError` if it is not valid."""
    try:
        return [{**one, "id": int(one["id"])} for one in found["commands"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise MessageError(f"not an answer of control ({error!r})") from None
