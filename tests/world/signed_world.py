"""Signed zones behind real servers: NSD serves them, one Unbound resolves, another validates."""

from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query

from tests.world.certificates import Pair
from tests.world.ports import free_port
from tests.world.process import Program
from tests.world.signed_zones import SignedZone, world
from tests.world.tools import find
from tests.world.waiting import until


class SignedWorld:
    """NSD, an Unbound that only resolves (DoT on ``port``), and one that validates (``oracle``)."""

    def __init__(self, folder: Path, certificate: Pair) -> None:
        self.folder = folder
        self.zones = world()
        self.port, self.oracle, self._plain, self._nsd = (free_port() for _ in range(4))
        folder.mkdir(parents=True, exist_ok=True)
        self.anchors = folder / "anchors.txt"
        self.anchors.write_text(f". IN DS {self.zones[0].ds[0]}\n")
        tls = f"""
  interface: 127.0.0.1@{self.port}
  tls-port: {self.port}
  tls-service-pem: "{certificate.certificate}"
  tls-service-key: "{certificate.key}"
"""
        # The same limit of iterations as Keyhole's (RFC 9276), and no patience with wrong clocks. A
        # target of an alias that does not exist says nothing of names below the alias.
        validating = f'''
  trust-anchor-file: "{self.anchors}"
  ede: yes
  val-nsec3-keysize-iterations: "1024 50 2048 50 4096 50"
  val-sig-skew-min: 0
  val-sig-skew-max: 0
  harden-below-nxdomain: no
'''
        self._programs = [
            self._start_nsd(),
            self._start_unbound("resolver", self._plain, "iterator", tls),
            self._start_unbound("oracle", self.oracle, "validator iterator", validating),
        ]

    def __enter__(self) -> "SignedWorld":
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._programs:
            one.stop()

    def wait(self) -> None:
        """Waits until the oracle, and all that it needs, validates."""
        until(self._is_ready, "the signed world answers")

    def _is_ready(self) -> bool:
        self.must_run()
        query = dns.message.make_query("www.nsec.dom.", "A", want_dnssec=True)
        try:
            reply = dns.query.udp(query, "127.0.0.1", timeout=1, port=self.oracle)
        except (dns.exception.Timeout, OSError):
            return False
        return bool(reply.flags & dns.flags.AD)

    def must_run(self) -> None:
        """Fails where a server has ended."""
        for one in self._programs:
            one.must_run()

    def _start_nsd(self) -> Program:
        zones = "".join(self._zone(one, index) for index, one in enumerate(self.zones))
        config = self.folder / "nsd.conf"
        config.write_text(f"""
server:
  ip-address: 127.0.0.1@{self._nsd}
  username: ""
  chroot: ""
  zonesdir: "{self.folder}"
  database: ""
  pidfile: "{self.folder}/nsd.pid"
  xfrdfile: "{self.folder}/xfrd.state"
  zonelistfile: "{self.folder}/zone.list"
  logfile: "{self.folder}/nsd.messages"
  server-count: 1
  do-ip6: no
remote-control:
  control-enable: no
{zones}""")
        return Program([find("nsd"), "-d", "-c", str(config)], self.folder / "nsd.log")

    def _zone(self, zone: SignedZone, index: int) -> str:
        file = self.folder / f"{index}.zone"
        file.write_text(zone.build())
        return f'zone:\n  name: "{zone.name}"\n  zonefile: "{file}"\n'

    def _start_unbound(self, name: str, port: int, modules: str, more: str) -> Program:
        stubs = "".join(
            f'stub-zone:\n  name: "{one.name}"\n  stub-addr: 127.0.0.1@{self._nsd}\n'
            for one in self.zones
        )
        config = self.folder / f"{name}.conf"
        config.write_text(f"""
server:
  interface: 127.0.0.1@{port}
  module-config: "{modules}"
  do-not-query-localhost: no
  chroot: ""
  username: ""
  directory: "{self.folder}"
  pidfile: ""
  use-syslog: no
  do-ip6: no
  val-log-level: 2
{more}
remote-control:
  control-enable: no
{stubs}""")
        log = self.folder / f"{name}.log"
        return Program([find("unbound"), "-d", "-c", str(config)], log)
