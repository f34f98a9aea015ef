"""A client in a mesh that asks without a pause, and counts what is lost."""

import threading
from socket import AF_INET, SOCK_STREAM, socket
from types import TracebackType
from typing import Self

import dns.exception
import dns.message
import dns.query

from tests.world.network import Host
from tests.world.waiting import ANSWER_SECONDS, PATIENCE, until


class SteadyLoad:
    """Asks over TCP until its end: for each query with a new connection, and with one that stays
    open. It does not ask twice."""

    def __init__(self, host: Host, address: str, name: str, *, stays: bool = True) -> None:
        self.answered = 0
        self.lost: list[str] = []
        self._host, self._address = host, address
        self._query = dns.message.make_query(name, "A")
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

    def wait_for_more(self, count: int = 50) -> None:
        """Waits until so many more queries are answered, or one is lost."""
        wanted = self.answered + count
        until(lambda: self.lost or self.answered >= wanted, f"{count} more queries are answered")

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
        try:
            answer = dns.query.tcp(self._query, self._address, timeout=ANSWER_SECONDS, sock=sock)
            assert answer.answer, answer
            self.answered += 1
        except (OSError, EOFError, AssertionError, dns.exception.DNSException) as error:
            self.lost.append(f"{'' if sock is None else 'on an open connection: '}{error!r}")
