"""A lab, started with `keyhole lab`."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.world.ask import Server
from tests.world.callers import Caller
from tests.world.certificates import Pair
from tests.world.ports import free_base
from tests.world.process import Program
from tests.world.waiting import until


class Lab:
    """One running lab; ``ready`` is the content of its ready file."""

    def __init__(
        self, folder: Path, *options: str, start: Callable[..., Program] = Program.forked
    ) -> None:
        """``start`` is a way of `Program` to start it."""
        folder.mkdir(parents=True, exist_ok=True)
        ready_file = folder / "ready.json"
        self.program = start(
            "lab",
            "--ready-file",
            str(ready_file),
            "--port-base",
            str(free_base()),
            "--data",
            str(folder / "data"),
            *options,
            log=folder / "lab.log",
        )

        def ready() -> bool:
            self.program.must_run()
            return ready_file.exists()

        try:
            until(ready, "the lab is ready")
        except AssertionError as error:
            survivors = self.program.survivors()
            if survivors:
                self.program.stop()
            raise AssertionError(f"{error}\n{self.program.output}") from None
        self.ready: dict[str, Any] = json.loads(ready_file.read_text())

    @property
    def server(self) -> Server:
        """The resolver of the lab."""
        dns = self.ready["dns"]
        return Server(
            udp=_port(dns["udp"]),
            tcp=_port(dns["tcp"]),
            dot=_port(dns["dot"]),
            doh=urlsplit(dns["doh"]).port or 443,
            ca=Path(self.ready["ca"]),
            path=urlsplit(dns["doh"]).path,
            domain="resolver.example.net",
        )

    @property
    def forwarder(self) -> Server:
        """The forwarder, which has nothing but DoT and DoH."""
        there = self.ready["forwarder"]
        dot, doh = _port(there["dot"]), urlsplit(there["doh"]).port or 443
        return replace(self.server, udp=0, tcp=0, dot=dot, doh=doh)

    def workload(self, name: str) -> Caller:
        """One of the workloads, with its current certificate."""
        files = self.ready["workloads"][name]
        return Caller(certificate=Pair(Path(files["cert"]), Path(files["key"])))


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
