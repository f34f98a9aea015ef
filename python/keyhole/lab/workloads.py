"""``python -m keyhole.lab.workloads``: a few workloads that send queries at a low rate.

Each one presents its own certificate, keeps its connection open, and asks the names of its
profile. One device has no certificate, and three must be refused. All names are invented.
"""

import json
import signal
import socket
import ssl
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import dns.exception
import dns.message
import dns.query
import httpx2
from dns.rdatatype import RdataType

from keyhole.lab.workload_profiles import WORKLOAD_PROFILES, WorkloadProfile
from keyhole.system.collector import collect_rarely
from keyhole.system.parent_death import die_if_asked

_SECONDS = 4.0


@dataclass(frozen=True)
class Target:
    """The ports of the lab, and the credentials of the workloads by name: the files of certificate
    and key, or the file of a token."""

    dns: int
    dot: int
    doh: int
    forwarder_dot: int
    ca: str
    svids: dict[str, tuple[str, str]]
    tokens: dict[str, str]


class _Workload:
    """One workload: sends queries without end, and reconnects after an error."""

    def __init__(self, profile: WorkloadProfile, target: Target) -> None:
        self._profile = profile
        self._target = target
        self._connection: ssl.SSLSocket | httpx2.Client | None = None
        self._reported: set[str] = set()

    def run(self) -> None:
        rng = Random(self._profile.name)  # noqa: S311 (which name comes next is no secret)
        while True:
            name = rng.choice(self._profile.names)
            kind = rng.choices([RdataType.A, RdataType.AAAA, RdataType.HTTPS], [6, 3, 1])[0]
            try:
                self._ask(dns.message.make_query(name, kind, use_edns=0, payload=1232))
            except (OSError, EOFError, dns.exception.DNSException, httpx2.HTTPError):
                self._hang_up()
            except Exception as error:  # noqa: BLE001 (an error in one workload must not stop it)
                self._hang_up()
                self._report(repr(error))
            time.sleep(rng.expovariate(1 / self._profile.pause))

    def _ask(self, query: dns.message.Message) -> None:
        match self._profile.transport:
            case "udp":
                dns.query.udp(query, "127.0.0.1", _SECONDS, self._target.dns)
            case "tls":
                if self._connection is None:
                    self._connection = self._open_tls()
                assert isinstance(self._connection, ssl.SSLSocket)
                dns.query.tls(query, "127.0.0.1", _SECONDS, sock=self._connection)
            case "https":
                if self._connection is None:
                    self._connection = httpx2.Client(
                        http2=True, http1=False, verify=self._trust("h2"), trust_env=False
                    )
                assert isinstance(self._connection, httpx2.Client)
                dns.query.https(query, self._url(), _SECONDS, session=self._connection)

    def _url(self) -> str:
        url = f"https://127.0.0.1:{self._target.doh}/dns-query"
        if file := self._target.tokens.get(self._profile.name):
            return f"{url}/{Path(file).read_text(encoding='ascii').strip()}"
        return url

    def _open_tls(self) -> ssl.SSLSocket:
        target = self._target
        port = target.dot if self._profile.to == "resolver" else target.forwarder_dot
        plain = socket.create_connection(("127.0.0.1", port), _SECONDS)
        secured = self._trust("dot").wrap_socket(plain, server_hostname="127.0.0.1")
        secured.setblocking(False)  # dnspython requires it
        return secured

    def _trust(self, protocol: str) -> ssl.SSLContext:
        """Trusts the lab's root, and reads the certificate again, because it may be renewed."""
        trust = ssl.create_default_context(cafile=self._target.ca)
        trust.set_alpn_protocols([protocol])
        if files := self._target.svids.get(self._profile.name):
            trust.load_cert_chain(*files)
        return trust

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _report(self, problem: str) -> None:
        if problem not in self._reported:
            self._reported.add(problem)
            print(f"{self._profile.name}: {problem}", file=sys.stderr, flush=True)


def main() -> int:
    """Reads the target as JSON from its only argument, and runs until standard input ends."""
    die_if_asked(signal.SIGKILL)
    collect_rarely()
    target = Target(**json.loads(sys.argv[1]))
    for profile in WORKLOAD_PROFILES:
        threading.Thread(target=_Workload(profile, target).run, daemon=True).start()
    # The lab holds the other end of standard input; end of file means that the lab has ended.
    sys.stdin.buffer.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
