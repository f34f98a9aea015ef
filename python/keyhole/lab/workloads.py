"""``python -m keyhole.lab.workloads``: a few workloads that ask names at a gentle rate.

Each one uses one transport, keeps its connection where the transport has one, and asks names that
look like those of its trade. All names are invented.
"""

import json
import random
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.query
from dns.rdatatype import RdataType

from keyhole.lab.children import die_with_parent

_SECONDS = 4.0


@dataclass(frozen=True)
class Workload:
    """Who asks what; ``pause`` is the mean number of seconds between two questions."""

    name: str
    transport: str
    pause: float
    names: tuple[str, ...]


WORKLOADS = (
    Workload(
        "shop/web",
        "udp",
        0.25,
        (
            "api.shop.example",
            "cdn.static.example",
            "images.static.example",
            "fonts.typography.example",
            "search.shop.example",
            "tracker.example.net",
            "status.adnetwork.example",
            "bid.adnetwork.example",
            "feed.social.example",
        ),
    ),
    Workload(
        "shop/payments",
        "tls",
        0.6,
        ("gateway.payments.example", "ledger.bank.example", "fraud.scoring.example"),
    ),
    Workload(
        "build/ci",
        "tcp",
        0.5,
        (
            "registry.packages.example",
            "mirror.packages.example",
            "git.forge.example",
            "artifacts.forge.example",
            "telemetry.gadgets.example",
        ),
    ),
    Workload(
        "netshoot",
        "https",
        1.0,
        (
            "www.example.org",
            "printer.example.org",
            "chain.example.net",
            "cloaked.example.net",
            "nx.example.net",
            "ad7.banners.example.com",
            "slow.example.net",
            "servfail.example.net",
        ),
    ),
)


@dataclass(frozen=True)
class Target:
    """The resolver of the lab."""

    dns: int
    dot: int
    doh: int
    ca: str
    server_name: str


class _Asker:
    """One workload: asks forever, and opens its connection again when it is lost."""

    def __init__(self, workload: Workload, target: Target) -> None:
        self._workload = workload
        self._target = target
        self._connection: socket.socket | None = None

    def run(self) -> None:
        ask: Callable[[dns.message.Message], object] = {
            "udp": self._udp,
            "tcp": self._tcp,
            "tls": self._tls,
            "https": self._https,
        }[self._workload.transport]
        dice = random.Random(self._workload.name)  # noqa: S311 (which name comes next is no secret)
        while True:
            name = dice.choice(self._workload.names)
            kind = dice.choices([RdataType.A, RdataType.AAAA, RdataType.HTTPS], [6, 3, 1])[0]
            try:
                ask(dns.message.make_query(name, kind, use_edns=0, payload=1232))
            except (OSError, dns.exception.DNSException, EOFError):
                self._hang_up()
            except Exception as error:  # noqa: BLE001 (HTTP libraries raise types of their own)
                print(f"{self._workload.name}: {error!r}", file=sys.stderr, flush=True)
            time.sleep(dice.expovariate(1 / self._workload.pause))

    def _udp(self, query: dns.message.Message) -> None:
        dns.query.udp(query, "127.0.0.1", _SECONDS, self._target.dns)

    def _tcp(self, query: dns.message.Message) -> None:
        if self._connection is None:
            self._connection = self._connect(self._target.dns)
            self._connection.setblocking(False)  # as the library wants it
        dns.query.tcp(query, "127.0.0.1", _SECONDS, sock=self._connection)

    def _tls(self, query: dns.message.Message) -> None:
        if self._connection is None:
            trust = ssl.create_default_context(cafile=self._target.ca)
            trust.set_alpn_protocols(["dot"])
            plain = self._connect(self._target.dot)
            secured = trust.wrap_socket(plain, server_hostname=self._target.server_name)
            secured.setblocking(False)
            self._connection = secured
        assert isinstance(self._connection, ssl.SSLSocket)
        dns.query.tls(query, "127.0.0.1", _SECONDS, sock=self._connection)

    def _https(self, query: dns.message.Message) -> None:
        url = f"https://127.0.0.1:{self._target.doh}/dns-query"
        dns.query.https(query, url, _SECONDS, verify=self._target.ca)

    def _connect(self, port: int) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), _SECONDS)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def main() -> int:
    """Reads the target as JSON from the one argument, and asks until it is ended."""
    die_with_parent()
    target = Target(**json.loads(sys.argv[1]))
    for workload in WORKLOADS:
        threading.Thread(target=_Asker(workload, target).run, daemon=True).start()
    # Standard input belongs to the lab: when it ends, the lab is gone.
    sys.stdin.buffer.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
