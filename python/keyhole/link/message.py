"""What engine and control say to each other, as JSON over HTTP.

The engine asks again and again: ``POST /link/v1/poll`` with what it is and how it fared with the
last commands; the answer comes as soon as there are new ones, or after ``HOLD_SECONDS`` without
any. It obeys them in order and asks again. Nothing is ever asked of an engine twice at a time, and
an engine that cannot reach control goes on as before.
"""

from dataclasses import dataclass
from typing import Any

POLL = "/link/v1/poll"
OFFER = "/link/v1/offers"
"""Below it, by mark: ``/MARK/snapshot`` and ``/MARK/lists``, what an engine elsewhere takes."""
EVENTS = "/link/v1/events"
"""GET gives how far the query log of the engine is known; POST brings what follows."""
HOLD_SECONDS = 20.0
"""How long control keeps a poll open while there is nothing to do."""
SILENCE_SECONDS = 3 * HOLD_SECONDS
"""An engine that says nothing for so long is not there any more."""

Command = dict[str, Any]
"""``{"id": N, ...}`` and one of the commands that ``keyhole.engine.commands`` describes."""
Result = dict[str, Any]
"""``{"id": N, ...}`` and what became of the command."""


class MessageError(ValueError):
    """Not a message of the other side."""


@dataclass(frozen=True)
class About:
    """What an engine says of itself with each poll."""

    instance: str
    """Another one for each process, so that a restart is noticed."""
    pid: int
    version: str
    addresses: dict[str, list[str]]
    number: int | None
    """The snapshot in force; none while it refuses every question."""
    mark: str = ""
    """The offer that it took last; empty for an engine beside control, which is told by path."""


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
        """Reads the body; raises `MessageError` where it is not one."""
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
            )
            results = tuple({**one, "id": int(one["id"])} for one in found["results"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MessageError(f"not a poll ({error!r})") from None
        return cls(about, results)


def read_commands(found: Any) -> list[Command]:
    """The commands of an answer; raises `MessageError` where it is not one."""
    try:
        return [{**one, "id": int(one["id"])} for one in found["commands"]]
    except (KeyError, TypeError, ValueError) as error:
        raise MessageError(f"not an answer of control ({error!r})") from None
