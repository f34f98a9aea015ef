"""No query is lost while certificates of the mesh are renewed, and while a resolver ends."""

import json

import dns.message
import httpx2
import pytest

from tests.world.mesh_pod import MeshPod
from tests.world.network import Host
from tests.world.real_mesh import NETSHOOT, RESOLVER, STRANGER, Mesh, needs_mesh
from tests.world.steady_load import SteadyLoad
from tests.world.upstream import ADDRESS
from tests.world.waiting import until

pytestmark = [needs_mesh, pytest.mark.timeout(1800)]
_READY = "ready.keyhole.internal"
_RENEWALS = 2
_MEDIA_TYPE = "application/dns-message"


def _serials(pod: MeshPod) -> frozenset[str]:
    """The numbers of the certificates that a sidecar shows now."""
    told = json.loads(pod.host.call("curl", "-s", "http://127.0.0.1:15000/certs"))
    return frozenset(
        chain["serial_number"]
        for one in told["certificates"]
        for chain in one.get("cert_chain", ())
    )


def test_no_query_is_lost_while_both_ends_get_new_certificates(mesh: Mesh) -> None:
    pods = [mesh[name] for name in ("netshoot", "keyhole-resolver-0", "keyhole-resolver-1")]
    seen: dict[str, set[frozenset[str]]] = {pod.name: set() for pod in pods}

    def renewed() -> bool:
        for pod in pods:
            seen[pod.name].add(_serials(pod))
        return all(len(one) > _RENEWALS for one in seen.values())

    with SteadyLoad(mesh["netshoot"].host, RESOLVER, _READY) as load:
        until(renewed, f"each has shown {_RENEWALS + 1} certificates, one after the other")
        load.wait_for_more()
    assert load.lost == []


def test_no_query_is_lost_while_an_upgrade_replaces_the_resolvers(mesh: Mesh) -> None:
    with SteadyLoad(mesh["netshoot"].host, RESOLVER, _READY, stays=False) as load:
        mesh.upgrade({"resolver.doh.enabled": "true"})
        # In the order of a StatefulSet.
        for number in (1, 0):
            mesh[f"keyhole-resolver-{number}"].stop()
            load.wait_for_more()
            mesh.restart("keyhole-resolver", number)
            load.wait_for_more()
    assert load.lost == []
    _is_asked_over_http(mesh)


def _is_asked_over_http(mesh: Mesh) -> None:
    """The sidecar names the client, in a header that the client cannot write."""
    asked, forged = "over-http.example.org", "forged.example.org"
    line = f"dig @{RESOLVER} -p 8053 +short +tries=1 +time=20 +http-plain {asked}"
    assert mesh.in_pod("netshoot", line) == ADDRESS
    assert _post(mesh["netshoot"].host, forged) == httpx2.codes.OK
    assert mesh.identities(asked, forged) == {asked: {NETSHOOT}, forged: {NETSHOOT}}
    assert _post(mesh[STRANGER].host, forged) == httpx2.codes.FORBIDDEN


def _post(host: Host, name: str) -> int:
    """The status of a query from somebody who claims to be another."""
    query = dns.message.make_query(name, "A", id=0)
    claim = "URI=spiffe://cluster.local/ns/shop/sa/web"
    headers = {"x-forwarded-client-cert": claim, "content-type": _MEDIA_TYPE}
    with host.inside():
        answer = httpx2.post(
            f"http://{RESOLVER}:8053/dns-query",
            content=query.to_wire(),
            headers=headers,
            trust_env=False,
        )
    return answer.status_code
