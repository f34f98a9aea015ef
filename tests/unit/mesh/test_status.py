"""What is said of the DNS of each workload, from pods, manifests and clients."""

from typing import Any

import pytest
import yaml

from keyhole.mesh.objects import Manifest, World
from keyhole.mesh.render import render
from keyhole.mesh.status import WorkloadStatus, status

_NETSHOOT = "spiffe://cluster.local/ns/client/sa/netshoot"


def _manifests(mode: str, *, left_out: str = "") -> World:
    trees = yaml.load_all(render(mode), yaml.CSafeLoader)
    return World(tuple(Manifest("", one) for one in trees if one and one["kind"] != left_out))


def _pod(account: str = "netshoot", *, mesh: str = "", **changes: Any) -> Manifest:
    containers = [{"name": "app"}, *([{"name": "istio-proxy"}] if mesh == "sidecar" else [])]
    redirected = {"ambient.istio.io/redirection": "enabled"} if mesh == "ambient" else {}
    tree = {
        "kind": "Pod",
        "metadata": {"namespace": "client", "name": "one", "annotations": redirected},
        "spec": {"serviceAccountName": account, "containers": containers, **changes},
        "status": {"phase": "Running", "podIPs": [{"ip": "10.244.0.7"}]},
    }
    return Manifest("", tree)


def _client(value: str = _NETSHOOT, queries: int = 10, **reasons: int) -> dict[str, Any]:
    return {
        "kind": "identity" if value.startswith("spiffe:") else "address",
        "value": value,
        "queries": queries,
        "reasons": [{"reason": word, "queries": count} for word, count in reasons.items()],
        "policy": {"name": "cluster"} if queries else None,
    }


def _one(pods: list[Manifest], manifests: World, *clients: dict[str, Any]) -> WorkloadStatus:
    (found,) = status(World(tuple(pods)), manifests, clients)
    return found


@pytest.mark.parametrize(
    ("mode", "mesh", "client", "wanted"),
    [
        ("sidecar", "sidecar", _client(mesh=10), ("mesh", "yes")),
        ("plain", "", _client(), ("yes", "yes")),
        # In ambient Keyhole sees the address of the pod, and the mesh knows more.
        ("ambient", "ambient", _client("10.244.0.7", cleartext=10, network_only=10), ("mesh",) * 2),
        # The mesh refuses who is not in it, so this came another way.
        ("sidecar", "", _client("10.244.0.7", cleartext=10, network_only=10), ("no", "no")),
        ("plain", "", _client("10.244.0.7", cleartext=4, network_only=10), ("partly", "no")),
        ("sidecar", "sidecar", _client(mesh=10, certificate_expired=3), ("mesh", "partly")),
        ("sidecar", "sidecar", _client(queries=0), ("none", "none")),
    ],
)
def test_the_mesh_completes_what_keyhole_knows(
    mode: str, mesh: str, client: dict[str, Any], wanted: tuple[str, str]
) -> None:
    one = _one([_pod(mesh=mesh)], _manifests(mode), client)
    assert (one.encrypted, one.authenticated) == wanted
    assert one.is_protected == (not {"no", "partly"} & set(wanted))
    assert one.policy == ("cluster" if client["queries"] else None)


@pytest.mark.parametrize(
    "manifests",
    [_manifests("sidecar", left_out="PeerAuthentication"), _manifests("plain"), World()],
    ids=["not-strict", "no-mesh", "nothing"],
)
def test_a_mesh_that_does_not_enforce_encryption_vouches_for_nothing(manifests: World) -> None:
    one = _one([_pod(mesh="sidecar")], manifests, _client(mesh=10))
    assert (one.encrypted, one.authenticated) == ("no", "yes")
    assert one.why == ("10 not encrypted",)


def test_pods_of_one_account_are_one_workload_and_an_address_of_a_node_is_nobodys() -> None:
    ended = _pod("job", mesh="sidecar")
    ended.tree["status"]["phase"] = "Succeeded"
    pods = [_pod(mesh="sidecar"), _pod(), _pod("agent", hostNetwork=True), ended]
    pods[1].tree["status"]["podIPs"] = [{"ip": "10.244.0.8"}]
    pods[2].tree["status"]["podIPs"] = [{"ip": "10.244.0.9"}]
    clients = [_client("10.244.0.8", queries=3), _client("10.244.0.9"), _client(queries=2)]
    found = status(World(tuple(pods)), _manifests("sidecar"), clients)
    assert [(one.workload, one.pods, one.mesh, one.queries) for one in found] == [
        ("client/netshoot", 2, "partly", 5),
        ("client/agent", 1, "none", 0),
    ]
