"""Who gets an answer in a real mesh, and what Keyhole and its upstream see of it."""

import json
import re
import socket
from contextlib import suppress

import dns.exception
import dns.message
import dns.query
import pytest

from tests.world.network import Host
from tests.world.process import call_keyhole
from tests.world.real_mesh import (
    NETSHOOT,
    RECIPE,
    RESOLVER,
    STRANGER,
    UNLISTED,
    UPSTREAM,
    Mesh,
    line_of_the_guide,
    needs_mesh,
)
from tests.world.upstream import ADDRESS
from tests.world.waiting import until

# The first test waits for the mesh to start.
pytestmark = [needs_mesh, pytest.mark.timeout(1800)]
_PORTS = (53, 5300)
_RESOLVERS = ("keyhole-resolver-0", "keyhole-resolver-1")
_OPENED = re.compile(r"(?m)^inbound\|5300\|\|::.*::cx_total::(\d+)$")
_READY = "ready.keyhole.internal"


def _dig(mesh: Mesh, client: str, name: str, *words: str) -> str:
    line = f"dig @{RESOLVER} +tcp +short +tries=1 +time=20 {' '.join(words)} {name}"
    return mesh.in_pod(client, line)


def _is_answered(host: Host, address: str, port: int) -> bool:
    """Whether a host gets an answer over TCP."""
    query = dns.message.make_query(_READY, "A")
    with host.inside(), suppress(OSError, EOFError, dns.exception.DNSException):
        return bool(dns.query.tcp(query, address, timeout=20, port=port).answer)
    return False


def _connections(mesh: Mesh) -> int:
    """How many connections the sidecars of the resolvers have opened to Keyhole."""
    total = 0
    for name in _RESOLVERS:
        told = mesh[name].host.call("curl", "-s", "http://127.0.0.1:15000/clusters")
        total += sum(int(count) for count in _OPENED.findall(told))
    return total


def test_the_client_of_the_guide_is_answered_at_both_ports_of_the_service(mesh: Mesh) -> None:
    start = "kubectl exec -n client netshoot"
    assert mesh.shell(line_of_the_guide(start)) == "192.0.2.53\n"
    assert mesh.shell(line_of_the_guide(f"{start} -- dig", RECIPE)) == "192.0.2.53\n"
    assert [_dig(mesh, "netshoot", _READY, "-p", str(port)) for port in _PORTS] == [
        "192.0.2.53"
    ] * 2


def test_an_answer_from_outside_comes_through_the_forwarder_alone(mesh: Mesh) -> None:
    assert _dig(mesh, "netshoot", "www.example.org") == ADDRESS
    assert mesh.upstream.times_asked("www.example.org") == 1


def test_the_log_names_the_account_that_asked(mesh: Mesh) -> None:
    assert _dig(mesh, "netshoot", "named.example.org") == ADDRESS
    assert mesh.identities("named.example.org") == {"named.example.org": {NETSHOOT}}


def test_another_account_is_refused_and_keyhole_sees_no_connection(mesh: Mesh) -> None:
    assert _is_answered(mesh["netshoot"].host, RESOLVER, 53)
    before = _connections(mesh)
    assert before > 0
    assert not any(_is_answered(mesh[STRANGER].host, RESOLVER, port) for port in _PORTS)
    logs = [mesh[name].folder / "istio-proxy/log" for name in _RESOLVERS]
    until(
        lambda: sum(log.read_text().count("rbac_access_denied") for log in logs) >= len(_PORTS),
        "the sidecars say why",
    )
    assert _connections(mesh) == before


def test_plaintext_from_outside_of_the_mesh_is_refused(mesh: Mesh) -> None:
    outsider, pod = mesh.network.add("outsider"), mesh["keyhole-resolver-0"]
    # As kube-proxy does it.
    for port in _PORTS:
        rule = ["-t", "nat", "-A", "OUTPUT", "-p", "tcp", "-d", RESOLVER, "--dport", str(port)]
        outsider.call("iptables", *rule, "-j", "DNAT", "--to-destination", f"{pod.address}:5300")
    for address, port in ((RESOLVER, 53), (RESOLVER, 5300), (pod.address, 5300)):
        assert not _is_answered(outsider, address, port)
    # The way there exists: the probe of kubelet takes it, past the mesh.
    assert outsider.call("curl", "-sf", f"http://{pod.address}:15021/healthz/ready") == ""


def test_only_the_addresses_of_the_upstreams_are_reached(mesh: Mesh) -> None:
    outside = mesh.network.add("unlisted", UNLISTED)
    with outside.inside():
        listener = socket.create_server((UNLISTED, 443))
    listener.settimeout(20)
    try:
        for name in ("keyhole-forwarder-0", "keyhole-resolver-0", "keyhole-control-0"):
            assert _hears_nothing(mesh[name].host, UNLISTED), name
        # Neither may who is not the forwarder reach the listed one.
        assert _hears_nothing(mesh["keyhole-resolver-0"].host, UPSTREAM)
        log = mesh["keyhole-forwarder-0"].folder / "istio-proxy/log"
        until(lambda: "BlackHoleCluster" in log.read_text(), "the sidecar says so")
        # Its own client reaches it: the listener is there.
        with outside.inside(), socket.create_connection((UNLISTED, 443), 20):
            connection, sender = listener.accept()
        connection.close()
        assert sender[0] == UNLISTED, "the first connection ever is that one"
    finally:
        listener.close()


def _hears_nothing(host: Host, address: str) -> bool:
    with host.inside(), socket.create_connection((address, 443), 20) as sock:
        sock.settimeout(20)
        with suppress(ConnectionError):
            sock.sendall(b"anything")
            return sock.recv(1) == b""
        return True


def test_mesh_check_finds_no_trap_in_the_cluster(mesh: Mesh) -> None:
    done = call_keyhole("mesh", "check", "--kubeconfig", str(mesh.api.kubeconfig), "--json")
    assert (done.returncode, json.loads(done.stdout)["traps"]) == (0, [])
