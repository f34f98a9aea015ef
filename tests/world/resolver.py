"""A private `keyhole up`: data folder, certificate, documents, and changes while it runs."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dns.exception
import httpx2

from keyhole.system.unix_socket import short_path
from tests.world.ask import Reply, Server
from tests.world.certificates import Authority, Pair
from tests.world.no_tls import NO_TLS
from tests.world.ports import free_port
from tests.world.process import Program, call_keyhole
from tests.world.waiting import ANSWER_SECONDS, until

API = "keyhole.dev/v1"
# A local record: its address shows whether the latest documents are in force.
_PROBE = "probe.example.org"
_PROBE_FILE = "record-probe.yaml"
# In DoT, a token is a label in front of the server name.
_NAMES = ("resolver.example.org", "*.resolver.example.org", "127.0.0.1")


PATIENT: dict[str, Any] = {"names": ["test"], "hedge": "9s", "timeout": "20s"}
"""The use of an upstream that is asked once, however long a loaded machine takes: after the usual
0.3 seconds it would be asked again."""


def document(kind: str, name: str, /, **spec: Any) -> dict[str, Any]:
    """A document as a person would write it."""
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _file_name(one: Mapping[str, Any]) -> str:
    return f"{one['kind']}-{one['metadata']['name']}.yaml".lower()


class Resolver:
    """One `keyhole up`, from its folder to its end.

    Files are written as JSON, which is YAML as well.
    """

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.folder = folder
        self.authority = authority
        self.documents = folder / "documents"
        self.documents.mkdir(parents=True)
        self.config = folder / "keyhole.yaml"
        self.certificate = Pair(folder / "server.pem", folder / "server.key")
        self.server = Server(
            udp=free_port(),
            tcp=free_port(),
            dot=free_port(),
            doh=free_port(),
            doh_cleartext=free_port(),
            mesh=free_port(),
            ca=authority.root,
        )
        self._program: Program | None = None
        self._probes = 0
        # Enough to start; nothing listens at this upstream.
        self.write(
            self.upstream(free_port()),
            document("Policy", "home", default="allow", upstreams=["test"]),
        )
        self.install(authority.issue(*_NAMES))

    @property
    def program(self) -> Program:
        """The running command."""
        assert self._program is not None, "not started"
        return self._program

    def install(self, pair: Pair) -> None:
        """Replaces the certificate and key named in the settings, each file in one step."""
        self._installed = pair
        for source, target in (
            (pair.key, self.certificate.key),
            (pair.certificate, self.certificate.certificate),
        ):
            draft = target.with_suffix(".draft")
            draft.write_bytes(source.read_bytes())
            draft.chmod(0o600)
            draft.replace(target)

    def listen(self, *more: str) -> dict[str, list[str]]:
        """The listeners of the config, and ``more`` of them: ``mesh``, ``doh_cleartext``."""
        keys = ("udp", "tcp", "dot", "doh", *more)
        return {key: [f"127.0.0.1:{getattr(self.server, key)}"] for key in keys}

    def configure(self, **settings: Any) -> None:
        """Writes keyhole.yaml; ``settings`` replace top-level keys."""
        config = {
            "role": "resolver",
            "listen": self.listen(),
            "tls": {
                "certificate": "server.pem",
                "key": "server.key",
                "names": ["resolver.example.org"],
            },
            # The tests show certificates over DoH too.
            "client_certificates": {"doh": "ask"},
            "documents": "documents",
            "api": {"listen": []},
            "health": {"engine": [], "control": []},
            **settings,
        }
        self.config.write_text(json.dumps(config, indent=1))

    def write(self, *documents: Mapping[str, Any]) -> None:
        """Writes documents, one file each, replaced in one step."""
        for each in documents:
            name = _file_name(each)
            draft = self.documents / f".{name}.draft"
            draft.write_text(json.dumps(each, indent=1))
            draft.replace(self.documents / name)

    def upstream(self, port: int, name: str = "test", /, **changes: Any) -> dict[str, Any]:
        """The document of a DoT upstream on this machine that shows ``upstream.example.org``."""
        spec: dict[str, Any] = {
            "protocol": "dot",
            "addresses": [f"127.0.0.1:{port}"],
            "serverName": "upstream.example.org",
            "ca": str(self.authority.root),
        }
        return document("Upstream", name, **{**spec, **changes})

    def start(self) -> "Resolver":
        """Starts it, unless it runs, and waits until its documents are in force."""
        if not self.config.exists():
            self.configure()
        if self._program is None or not self._program.is_running():
            self.begin()
        self.settle()
        return self

    def begin(self) -> None:
        """Starts it with what is there, and waits for nothing."""
        self._program = Program.forked(
            "up", "--data", str(self.folder), log=self.folder.parent / f"{self.folder.name}.log"
        )

    def reset(self, *documents: Mapping[str, Any]) -> None:
        """Has it run with these documents only, and with the certificate installed last."""
        if self.certificate.certificate.read_bytes() != self._installed.certificate.read_bytes():
            self.install(self._installed)
        self.write(*documents)
        kept = {_file_name(each) for each in documents} | {_PROBE_FILE}
        for path in self.documents.glob("*.yaml"):
            if path.name not in kept:
                path.unlink()
        self.start()

    def start_refusing(self) -> "Resolver":
        """Starts it and waits until it answers anything at all."""
        self.begin()
        self.wait_for(lambda: self.try_ask(_PROBE) is not None, "the resolver answers")
        return self

    def run(self, program: Program) -> None:
        """Takes a program that somebody else has started for this folder."""
        self._program = program

    def settle(self) -> None:
        """Waits until all documents written before this call are in force."""
        self._probes += 1
        # The one before is another one, however many there were.
        address = f"192.0.2.{self._probes % 250 + 1}"
        self.write(document("Record", "probe", name=_PROBE, ttl=0, a=[address]))

        def in_force() -> bool:
            reply = self.try_ask(_PROBE)
            return reply is not None and reply.addresses == [address]

        self.wait_for(in_force, f"the documents are in force (probe {address})")

    def wait_for(self, look: Any, wanted: str) -> None:
        """Waits, and shows the output if it ends or does not get there."""

        def alive_and() -> Any:
            self.program.must_run()
            return look()

        try:
            until(alive_and, wanted)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.program.output}") from None

    def try_ask(self, name: str, kind: str = "A") -> Reply | None:
        """An answer over TCP, or none if the connection fails."""
        try:
            return self.server.ask(name, kind, "tcp")
        except (OSError, EOFError, dns.exception.DNSException):
            return None

    def wait_for_api(self) -> None:
        """Waits until commands reach it."""
        self.wait_for(self._has_api, "the API serves")

    def _has_api(self) -> bool:
        # The socket file proves nothing: a killed process leaves it behind.
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            with short_path(self.folder / "run" / "api.sock") as path:
                probe.connect(path)
            return True
        return False

    def api(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """Sends a request to the API's Unix socket; ``request`` takes arguments of httpx2."""
        with self.api_client() as client:
            return client.request(method, path, **request)

    @contextmanager
    def api_client(self) -> Iterator[httpx2.Client]:
        """A client of the API's Unix socket. It waits until the API serves: DNS is served first."""
        self.wait_for_api()
        with short_path(self.folder / "run" / "api.sock") as short:
            transport = httpx2.HTTPTransport(uds=short, verify=NO_TLS)
            base = "http://localhost/api/v1"
            with httpx2.Client(
                transport=transport, base_url=base, timeout=ANSWER_SECONDS
            ) as client:
                yield client

    def command(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Calls a ``keyhole`` command that asks it; ``given`` is its standard input."""
        self.wait_for_api()
        return call_keyhole(*words, "--data", str(self.folder), given=given)

    def kill(self) -> None:
        """Ends it at once with SIGKILL, like the kernel when memory runs out."""
        self.program.send(signal.SIGKILL)
        self.program.wait()
        self.wait_until_gone()

    def wait_until_gone(self) -> None:
        """Waits until no process of it is left."""
        until(lambda: not self.program.survivors(), "no process is left")

    def stop(self) -> None:
        """Ends it; fails if a process is left."""
        if self._program is not None:
            self._program.stop()
            self._program = None
