"""A client in a mesh that asks without a pause, and counts what is lost."""

import threading
from itertools import count
from socket import AF_INET, SOCK_STREAM, socket
from types import TracebackType
from typing import Self

import dns.exception
import dns.message
import dns.query

from tests.world.network import Host
from tests.world.waiting import ANSWER_SECONDS, PATIENCE, until

DIG_TRIES, GLIBC_TRIES = 3, 2
"""How often dig and the resolver of glibc ask, where nothing else is said."""
_TRY_SECONDS = 5.0
"""How long both wait each time."""


class SteadyLoad:
    """Asks over TCP until its end: for each query with a new connection, and with one that stays
    open. It does not ask twice, unless it has more than one try."""

    def __init__(
        self, host: Host, address: str, name: str, *, stays: bool = True, tries: int = 1
    ) -> None:
        """``name`` may hold ``{}``, for another number in each query."""
        self.answered = 0
        self.asked_again = 0
        self.lost: list[str] = []
        self._host, self._address, self._name = host, address, name
        self._tries = tries
        self._numbers = count()
        self._end = threading.Event()
        runs = (self._ask_anew, self._ask_on) if stays else (self._ask_anew,)
        self._threads = [threading.Thread(target=run) for run in runs]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.wait_for_more()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def wait_for_more(self, more: int = 50) -> None:
        """Waits until so many more queries are answered, or one more is lost."""
        wanted, lost = self.answered + more, len(self.lost)
        until(
            lambda: len(self.lost) > lost or self.answered >= wanted,
            f"{more} more queries are answered",
        )

    def _ask_anew(self) -> None:
        with self._host.inside():
            while not self._end.is_set():
                self._ask(None)

    def _ask_on(self) -> None:
        with self._host.inside(), socket(AF_INET, SOCK_STREAM) as sock:
            sock.settimeout(ANSWER_SECONDS)
            sock.connect((self._address, 53))
            while not self._end.is_set() and not self.lost:
                self._ask(sock)

    def _ask(self, sock: socket | None) -> None:
        query = dns.message.make_query(self._name.format(next(self._numbers)), "A")
        for left in reversed(range(self._tries)):
            try:
                # With several tries, each has the time that such a client gives it.
                seconds = ANSWER_SECONDS if self._tries == 1 else _TRY_SECONDS
                answer = dns.query.tcp(query, self._address, timeout=seconds, sock=sock)
                assert answer.answer, answer
                self.answered += 1
                return
            except (OSError, EOFError, AssertionError, dns.exception.DNSException) as error:
                if left:
                    self.asked_again += 1
                else:
                    place = "" if sock is None else "on an open connection: "
                    self.lost.append(f"{place}{error!r}")
