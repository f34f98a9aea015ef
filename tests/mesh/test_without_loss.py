"""No query is lost while certificates of the mesh are renewed."""

import json

import pytest

from tests.world.mesh_pod import MeshPod
from tests.world.real_mesh import RESOLVER, Mesh, needs_mesh
from tests.world.steady_load import SteadyLoad
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
