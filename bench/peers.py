"""How each server is started with the same block list, certificate and authority."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.setting import Setting

_STREAMS = ("udp", "tcp")
_ALL = ("udp", "tcp", "dot", "doh")
WITH_LOG = "keyhole-log"
"""Keyhole with its query log, metrics and traces; measured only if it is asked for."""
_NO_METRICS: dict[str, list[str]] = {"engine": [], "control": []}


@dataclass(frozen=True)
class Peer:
    """A server: the program that must be installed, what it speaks, and how to start it.

    ``prepare`` writes the configuration and gives the command; its time does not count.
    """

    name: str
    program: str
    transports: tuple[str, ...]
    prepare: Callable[[Setting], list[str]]

    def path(self) -> str | None:
        """The program's file, or none where it is not installed."""
        return shutil.which(self.program) or shutil.which(self.program, path="/usr/sbin:/sbin")


def _keyhole(setting: Setting) -> list[str]:
    # No peer writes queries down or serves metrics either.
    return _prepare_keyhole(setting, "keyhole", log={"keep": 0}, health=_NO_METRICS)


def _keyhole_with_log(setting: Setting) -> list[str]:
    # Log, metrics and the share of traces as they are unless told otherwise, on other ports.
    listen = [f"127.0.0.1:{port}" for port in (setting.ports.health, setting.ports.health + 1)]
    health = dict(zip(_NO_METRICS, listen, strict=True))
    traces = {"endpoint": f"http://127.0.0.1:{setting.ports.traces}"}
    return _prepare_keyhole(setting, "keyhole-log", health=health, traces=traces)


def _prepare_keyhole(setting: Setting, folder: str, **settings: object) -> list[str]:
    data, ports = setting.folder / folder, setting.ports
    listen = {"udp": ports.dns, "tcp": ports.dns, "dot": ports.dot, "doh": ports.doh}
    config = {
        "listen": {name: [f"127.0.0.1:{port}"] for name, port in listen.items()},
        "tls": {"certificate": str(setting.certificate), "key": str(setting.key)},
        "documents": "documents",
        # All load comes from one address here, and is meant to.
        "limits": {"connections_per_client": 1000},
        **settings,
    }
    upstream = {"protocol": "tcp", "insecure": "mesh",
                "addresses": [f"{setting.authority}:{ports.authority}"]}  # fmt: skip
    specs = {
        "Upstream": upstream,
        "List": {"kind": "block", "files": [str(setting.block_list)], "format": "domains"},
        "Policy": {"default": "allow", "upstreams": ["bench"], "lists": ["bench"]},
    }
    setting.write(f"{folder}/keyhole.yaml", json.dumps(config))
    for kind, spec in specs.items():
        document = {"apiVersion": "keyhole.dev/v1", "kind": kind, "metadata": {"name": "bench"},
                    "spec": spec}  # fmt: skip
        setting.write(f"{folder}/documents/{kind.lower()}.yaml", json.dumps(document))
    return [sys.executable, "-m", "keyhole", "up", "--data", str(data)]


def _reflector(setting: Setting) -> list[str]:
    program, source = setting.folder / "reflector", Path(__file__).with_name("reflector.c")
    subprocess.run(["cc", "-O2", "-pthread", "-o", str(program), str(source)], check=True)
    return [str(program), str(setting.ports.dns)]


def _dnsmasq(setting: Setting) -> list[str]:
    block = setting.write(
        "dnsmasq.block", "".join(f"address=/{n}/0.0.0.0\n" for n in setting.blocked_names())
    )
    config = setting.write(
        "dnsmasq.conf",
        f"port={setting.ports.dns}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\n"
        f"no-hosts\nuser=\nserver={setting.authority}#{setting.ports.authority}\n"
        f"cache-size=100000\ndns-forward-max=10000\nconf-file={block}\npid-file=\n",
    )
    return ["--keep-in-foreground", f"--conf-file={config}"]


def _unbound(setting: Setting) -> list[str]:
    ports = setting.ports
    block = setting.write(
        "unbound.block",
        "".join(f'local-zone: "{n}" always_null\n' for n in setting.blocked_names()),
    )
    config = setting.write(
        "unbound.conf",
        f"""server:
  interface: 127.0.0.1@{ports.dns}
  interface: 127.0.0.1@{ports.dot}
  interface: 127.0.0.1@{ports.doh}
  tls-port: {ports.dot}
  https-port: {ports.doh}
  tls-service-key: "{setting.key}"
  tls-service-pem: "{setting.certificate}"
  module-config: "iterator"
  do-not-query-localhost: no
  num-threads: 2
  so-reuseport: yes
  msg-cache-size: 128m
  rrset-cache-size: 256m
  incoming-num-tcp: 1000
  http-max-streams: 1000
  http-query-buffer-size: 64m
  http-response-buffer-size: 64m
  chroot: ""
  username: ""
  directory: "{setting.folder}"
  pidfile: ""
  use-syslog: no
  include: "{block}"
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {setting.authority}@{ports.authority}
""",
    )
    return ["-d", "-c", str(config)]


def _dnsdist(setting: Setting) -> list[str]:
    ports = setting.ports
    config = setting.write(
        "dnsdist.conf",
        f"""setLocal('127.0.0.1:{ports.dns}', {{reusePort=true}})
addLocal('127.0.0.1:{ports.dns}', {{reusePort=true}})
addTLSLocal('127.0.0.1:{ports.dot}', '{setting.certificate}', '{setting.key}', {{reusePort=true}})
addDOHLocal('127.0.0.1:{ports.doh}', '{setting.certificate}', '{setting.key}', {{'/dns-query'}},
  {{reusePort=true}})
newServer({{address='{setting.authority}:{ports.authority}', sockets=4, healthCheckMode='up'}})
getPool(''):setCache(newPacketCache(200000, {{maxTTL=86400}}))
local blocked = newSuffixMatchNode()
for line in io.lines('{setting.block_list}') do blocked:add(newDNSName(line)) end
addAction(SuffixMatchNodeRule(blocked), SpoofAction({{'0.0.0.0'}}))
setMaxTCPClientThreads(2)
""",
    )
    return ["--supervised", "--disable-syslog", "-C", str(config)]


def _zone(setting: Setting) -> str:
    """The block list as a response policy zone."""
    head = "$TTL 300\n@ SOA ns.bench. host.bench. 1 3600 600 86400 300\n NS ns.bench.\n"
    names = "".join(f"{name} A 0.0.0.0\n" for name in setting.blocked_names())
    return str(setting.write("block.rpz", head + names))


def _knot_resolver(setting: Setting) -> list[str]:
    ports = setting.ports
    config = setting.write(
        "kresd.conf",
        f"""net.listen('127.0.0.1', {ports.dns}, {{ kind = 'dns' }})
net.listen('127.0.0.1', {ports.dot}, {{ kind = 'tls' }})
net.listen('127.0.0.1', {ports.doh}, {{ kind = 'doh2' }})
net.tls('{setting.certificate}', '{setting.key}')
trust_anchors.remove('.')
cache.size = 200 * MB
local null = {{ [kres.type.A] = {{ rdata = kres.str2ip('0.0.0.0'), ttl = 300 }} }}
policy.add(policy.rpz(policy.ANSWER(null), '{_zone(setting)}', false))
policy.add(policy.all(policy.STUB('{setting.authority}@{ports.authority}')))
""",
    )
    place = setting.folder / "kresd"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    return ["--noninteractive", "--config", str(config), str(place)]


def _pdns_recursor(setting: Setting) -> list[str]:
    rules = setting.write("recursor.lua", f'rpzFile("{_zone(setting)}", {{policyName="bench"}})\n')
    setting.write(
        "pdns/recursor.conf",
        f"""local-address=127.0.0.1:{setting.ports.dns}
forward-zones-recurse=.={setting.authority}:{setting.ports.authority}
dnssec=off
lua-config-file={rules}
socket-dir={setting.folder}
threads=2
reuseport=yes
quiet=yes
loglevel=1
daemon=no
max-tcp-clients=1000
max-tcp-per-client=0
max-packetcache-entries=300000
""",
    )
    return [f"--config-dir={setting.folder}/pdns"]


def _smartdns(setting: Setting) -> list[str]:
    block = setting.write(
        "smartdns.block", "".join(f"address /{n}/0.0.0.0\n" for n in setting.blocked_names())
    )
    config = setting.write(
        "smartdns.conf",
        f"bind 127.0.0.1:{setting.ports.dns}\nbind-tcp 127.0.0.1:{setting.ports.dns}\n"
        f"server {setting.authority}:{setting.ports.authority}\ncache-size 200000\n"
        "speed-check-mode none\nprefetch-domain no\nlog-level error\n"
        f"log-file {setting.folder}/smartdns.log\nconf-file {block}\n",
    )
    return ["-f", "-c", str(config), "-p", f"{setting.folder}/smartdns.pid"]


PEERS = (
    Peer("keyhole", sys.executable, _ALL, _keyhole),
    Peer(WITH_LOG, sys.executable, _ALL, _keyhole_with_log),
    Peer("reflector", "cc", _STREAMS, _reflector),
    Peer("dnsdist", "dnsdist", _ALL, _dnsdist),
    Peer("unbound", "unbound", _ALL, _unbound),
    Peer("knot-resolver", "kresd", _ALL, _knot_resolver),
    Peer("dnsmasq", "dnsmasq", _STREAMS, _dnsmasq),
    Peer("smartdns", "smartdns", _STREAMS, _smartdns),
    Peer("pdns-recursor", "pdns_recursor", _STREAMS, _pdns_recursor),
)
