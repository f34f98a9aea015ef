"""Many queries whose number is known exactly, and what a resolver says of how many there were."""

import dns.message

from tests.world import raw
from tests.world.ask import Server
from tests.world.resolver import Resolver

_BATCH = 50
"""Queries under way at a time on one connection."""


def ask_often(server: Server, name: str, count: int) -> int:
    """Asks so often over TCP, where no query is lost; gives the number of answers. Of many in one
    second, the log has one line with their count."""
    return _ask(server, [dns.message.make_query(name, "A").to_wire()] * count)


def ask_each(server: Server, parent: str, count: int) -> int:
    """As `ask_often`, for so many names below ``parent``, each of which has a line of its own."""
    names = (f"n{number}.{parent}" for number in range(count))
    return _ask(server, [dns.message.make_query(name, "A").to_wire() for name in names])


def _ask(server: Server, queries: list[bytes]) -> int:
    answers, count = 0, len(queries)
    with raw.tcp(server) as stream:
        while answers < count:
            batch = min(_BATCH, count - answers)
            stream.send(*queries[answers : answers + batch])
            for _ in range(batch):
                assert stream.receive() is not None, f"{answers} answers of {count}"
                answers += 1
    return answers


class Counts:
    """What a resolver says about its queries."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    @property
    def now(self) -> dict[str, int]:
        """``total``, ``lost`` and ``unlogged`` of the last day, and ``rows``; ``local`` are those
        of the total that a local record answered: what Keyhole asks itself is none of these."""
        found = self._resolver.api("GET", "/statistics").json()
        keys = {"total": "total", "lost": "lost", "unlogged": "unlogged", "rows": "rows_kept"}
        return {
            **{word: int(found[key]) for word, key in keys.items()},
            "local": int(found["by_reason"].get("local_record", 0)),
        }

    def settle(self, name: str) -> int:
        """The number of queries for local records so far, once none is on its way to be counted."""

        def udp() -> int:
            found = self._resolver.api("GET", "/statistics").json()["by_transport"]
            return int(found.get("udp", 0))

        # All counts are written at once: what ended before a query over UDP is counted with it.
        before = udp()
        self._resolver.server.ask(name, transport="udp")
        self._resolver.wait_for(lambda: udp() > before, "the last query is counted")
        return self.now["local"]

    def wait(self, count: int) -> dict[str, int]:
        """Waits until so many queries for local records are counted; says how many there are
        otherwise."""
        seen: list[dict[str, int]] = []

        def is_there() -> bool:
            seen.append(self.now)
            return seen[-1]["local"] == count

        try:
            self._resolver.wait_for(is_there, f"{count} queries are counted")
        except AssertionError as error:
            raise AssertionError(f"{seen[-1]}: {error}") from None
        return seen[-1]
