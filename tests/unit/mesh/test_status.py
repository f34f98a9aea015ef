"""What is said of the DNS of each workload, from pods, manifests and clients."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from keyhole.mesh.check import check
from keyhole.mesh.objects import Manifest, World
from keyhole.mesh.render import render
from keyhole.mesh.status import ClusterStatus, RecentClients, WorkloadStatus, status

_NETSHOOT = "spiffe://cluster.local/ns/client/sa/netshoot"
_ADDRESS = "10.244.0.7"
_SERVICE = ("Service", "keyhole-resolver")
_SINCE = datetime(2026, 5, 1, tzinfo=UTC)
_BEFORE, _AFTER = (_SINCE + timedelta(hours=one) for one in (-1, 1))


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
        "status": {
            "phase": "Running",
            "podIPs": [{"ip": _ADDRESS}],
            "startTime": _BEFORE.isoformat(),
        },
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


def _status(
    pods: list[Manifest],
    manifests: World,
    *clients: dict[str, Any],
    later: dict[str, Any] | None = None,
    **wanted: Any,
) -> ClusterStatus:
    def since(address: str, start: datetime) -> dict[str, Any]:
        assert (address, start) == (_ADDRESS, _AFTER)
        assert later is not None
        return later

    return status(World(tuple(pods)), manifests, RecentClients(clients, _SINCE, since), **wanted)


def _keyhole(*, is_redirected: bool = True) -> Manifest:
    """A pod of the resolver, as ambient took it in or not."""
    (service,) = (one for one in _manifests("ambient").of("Service") if one.name == _SERVICE[1])
    redirected = {"ambient.istio.io/redirection": "enabled"} if is_redirected else {}
    labels = {**service.spec["selector"]}
    metadata = {"namespace": service.namespace, "name": "resolver-0"}
    tree = {"metadata": {**metadata, "labels": labels, "annotations": redirected}}
    return Manifest("", {"kind": "Pod", **tree, "status": {"phase": "Running"}})


def _one(pods: list[Manifest], manifests: World, *clients: dict[str, Any]) -> WorkloadStatus:
    found = _status(pods, manifests, *clients, namespaces=["client"])
    (one,) = found.workloads
    return one


def _told(found: ClusterStatus) -> tuple[int, int, bool]:
    return found.others.queries, found.others.unprotected, found.is_protected


@pytest.mark.parametrize(
    ("mode", "mesh", "client", "wanted"),
    [
        ("sidecar", "sidecar", _client(mesh=10), ("mesh", "yes")),
        ("plain", "", _client(), ("yes", "yes")),
        # In ambient Keyhole sees the address of the pod, and the mesh knows more.
        ("ambient", "ambient", _client(_ADDRESS, cleartext=10, network_only=10), ("mesh",) * 2),
        # The mesh refuses who is not in it, so this came another way.
        ("sidecar", "", _client(_ADDRESS, cleartext=10, network_only=10), ("no", "no")),
        # Behind a sidecar Keyhole names what the mesh brought, so this came past it.
        ("sidecar", "sidecar", _client(_ADDRESS, cleartext=10, network_only=10), ("no", "no")),
        # Who came by TLS without a certificate proved nothing to the mesh either.
        ("ambient", "ambient", _client(_ADDRESS, network_only=10), ("yes", "no")),
        ("plain", "", _client(_ADDRESS, cleartext=4, network_only=10), ("partly", "no")),
        ("sidecar", "sidecar", _client(mesh=10, certificate_expired=3), ("mesh", "partly")),
        ("sidecar", "sidecar", _client(queries=0), ("none", "none")),
    ],
)
def test_the_mesh_completes_what_keyhole_knows(
    mode: str, mesh: str, client: dict[str, Any], wanted: tuple[str, str]
) -> None:
    one = _one([_pod(mesh=mesh), _keyhole()], _manifests(mode), client)
    assert (one.encrypted, one.authenticated) == wanted
    assert one.is_protected == (not {"no", "partly"} & set(wanted))
    assert one.policy == ("cluster" if client["queries"] else None)


@pytest.mark.parametrize(
    "pods", [[], [_keyhole(is_redirected=False)], [_keyhole(), _keyhole(is_redirected=False)]]
)
def test_ambient_vouches_for_nothing_while_a_pod_of_keyhole_is_not_in_it(
    pods: list[Manifest],
) -> None:
    client = _client(_ADDRESS, cleartext=10, network_only=10)
    one = _one([_pod(mesh="ambient"), *pods], _manifests("ambient"), client)
    assert (one.encrypted, one.authenticated) == ("no", "no")


def _changed(mode: str, *changes: tuple[str, str, dict[str, Any]]) -> World:
    """The manifests with parts of objects replaced, by kind and name."""
    world = _manifests(mode)
    for kind, name, parts in changes:
        (found,) = (one for one in world.of(kind) if one.name == name)
        for path, value in parts.items():
            *keys, last = path.split(" ")
            tree = found.tree
            for key in keys:
                tree = tree.setdefault(key, {})
            tree[last] = value
    return world


def _object(kind: str, namespace: str, **parts: Any) -> Manifest:
    metadata = {"namespace": namespace, "name": "other", "labels": parts.pop("labels", {})}
    return Manifest("", {"kind": kind, "metadata": metadata, **parts})


def _other_dns(world: World) -> World:
    """With DNS of somebody else, in a namespace with a strict mesh."""
    namespace = {"metadata": {"name": "dns", "labels": {"istio-injection": "enabled"}}}
    ports = [{"port": 53, "targetPort": 53, "appProtocol": "tcp"}]
    strict = _object("PeerAuthentication", "dns", spec={"mtls": {"mode": "STRICT"}})
    service = _object("Service", "dns", spec={"ports": ports, "selector": {"app": "dns"}})
    pod = _object("Pod", "dns", labels={"app": "dns"})
    others = (Manifest("", {"kind": "Namespace", **namespace}), strict, service, pod)
    return World((*world.manifests, *others))


_POLICY = ("PeerAuthentication", "keyhole-resolver")
_PODS = ("StatefulSet", "keyhole-resolver")
_LAX = {"mode": "PERMISSIVE"}
_ANNOTATIONS = "spec template metadata annotations"


@pytest.mark.parametrize(
    "manifests",
    [
        _manifests("sidecar", left_out="PeerAuthentication"),
        _manifests("plain"),
        World(),
        _other_dns(_manifests("plain")),
        _other_dns(World()),
        _manifests("sidecar", left_out="StatefulSet"),
        _changed("sidecar", (*_POLICY, {"spec mtls": _LAX})),
        _changed("sidecar", (*_POLICY, {"spec portLevelMtls 5300": _LAX})),
        _changed("ambient", (*_PODS, {"spec template spec hostNetwork": True})),
        _changed("sidecar", (*_PODS, {f"{_ANNOTATIONS} sidecar.istio.io/inject": "false"})),
        _changed(
            "sidecar",
            (*_PODS, {f"{_ANNOTATIONS} traffic.sidecar.istio.io/excludeInboundPorts": "1, 5300"}),
        ),
        _changed("sidecar", (*_SERVICE, {"spec ports": [{"port": 53, "protocol": "UDP"}]})),
    ],
    ids=[
        *("not-strict", "no-mesh", "nothing", "another-strict-dns", "another-dns-alone", "no-pods"),
        *("lax-pods", "lax-port", "pods-of-the-node", "pods-left-out", "port-left-out", "udp"),
    ],
)
def test_a_mesh_that_does_not_enforce_encryption_vouches_for_nothing(manifests: World) -> None:
    one = _one([_pod(mesh="sidecar")], manifests, _client(mesh=10))
    assert (one.encrypted, one.authenticated) == ("no", "yes")
    assert one.why == ("10 not encrypted",)
    found = _status([_pod(mesh="ambient")], manifests, _client(_ADDRESS, cleartext=10))
    assert [one.encrypted for one in found.workloads] == ["no"]
    assert not found.is_protected


@pytest.mark.parametrize("part", ["spec mtls", "spec portLevelMtls 5300"])
def test_the_check_finds_exceptions_from_strict_too(part: str) -> None:
    assert "not-strict" in {
        one.trap for one in check(_changed("sidecar", (*_POLICY, {part: _LAX})))
    }


@pytest.mark.parametrize(
    "manifests",
    [
        _other_dns(_manifests("sidecar")),
        _changed("sidecar", (*_POLICY, {"spec mtls": {"mode": "UNSET"}})),
        _changed("sidecar", (*_POLICY, {"spec portLevelMtls 8853": _LAX})),
    ],
    ids=["another-strict-dns", "the-namespace-decides", "another-port"],
)
def test_what_does_not_weaken_the_mesh_of_keyhole_changes_nothing(manifests: World) -> None:
    assert _status([_pod(mesh="sidecar")], manifests, _client(mesh=10)).is_protected


@pytest.mark.parametrize(
    ("client", "wanted"),
    [
        (_client("10.244.0.99", cleartext=10, network_only=10), (10, 10)),
        (_client("127.0.0.6", mesh=10, network_only=10), (10, 10)),
        # A pod that is gone is still known by its identity, and the mesh brought its queries.
        (_client("spiffe://cluster.local/ns/client/sa/gone", mesh=10), (10, 0)),
        (_client("spiffe://cluster.local/ns/client/sa/gone", certificate_expired=3), (10, 3)),
        (_client("spiffe://evil.example/ns/client/sa/netshoot"), (10, 0)),
        ({**_client("laptop"), "kind": "token"}, (10, 0)),
        ({**_client("home", anonymous=10), "kind": "anonymous"}, (10, 10)),
        ({**_client(_NETSHOOT, certificate_untrusted=4), "kind": "claimed"}, (10, 4)),
        # Nobody knows whether these were protected.
        ({**_client("deleted"), "kind": "uncounted", "unknown": 10}, (10, 10)),
    ],
)
def test_what_is_asked_by_no_workload_is_counted(
    client: dict[str, Any], wanted: tuple[int, int]
) -> None:
    found = _status(
        [_pod(mesh="sidecar")], _manifests("sidecar"), _client(queries=5, mesh=5), client
    )
    assert [one.queries for one in found.workloads] == [5]
    assert _told(found) == (*wanted, not wanted[1])
    # If nothing can be told to be of a workload, nothing is known of any.
    assert _told(_status([_pod()], _manifests("sidecar"), client)) == (*wanted, False)
    assert _told(_status([_pod()], _manifests("sidecar"))) == (0, 0, True)


def test_an_address_is_a_workloads_only_since_its_pod_has_it() -> None:
    pod = _pod()
    asked = _client(_ADDRESS, 10, cleartext=6, network_only=10)
    later = _client(_ADDRESS, 3, cleartext=1, network_only=3)
    pod.tree["status"]["startTime"] = _AFTER.isoformat().replace("+00:00", "Z")
    found = _status([pod], _manifests("plain"), asked, later=later)
    (one,) = found.workloads
    assert (one.queries, one.why) == (3, ("1 not encrypted", "3 network_only"))
    assert _told(found) == (7, 7, False)
    # An identity is its own, however young the pod is.
    assert _one([pod], _manifests("plain"), _client()).queries == 10
    del pod.tree["status"]["startTime"]
    assert _told(_status([pod], _manifests("plain"), asked)) == (10, 10, False)


def test_the_trust_domain_is_that_of_the_mesh_or_the_one_given() -> None:
    theirs, own = (f"spiffe://{one}/ns/client/sa/netshoot" for one in ("prod.example", "home"))
    mesh = {"mesh": "trustDomain: prod.example\ntrustDomainAliases: [home]\n"}
    config = Manifest(
        "",
        {
            "kind": "ConfigMap",
            "metadata": {"namespace": "istio-system", "name": "istio"},
            "data": mesh,
        },
    )
    told = World((*_manifests("sidecar").manifests, config))
    assert _one([_pod()], told, _client(theirs), _client(own), _client()).queries == 20
    assert _one([_pod()], _manifests("sidecar"), _client(theirs), _client()).queries == 10
    internal = "spiffe://keyhole.internal/ns/client/sa/netshoot"
    assert _one([_pod()], _manifests("sidecar"), _client(internal)).queries == 0
    assert _one([_pod()], _manifests("plain"), _client(internal)).queries == 10
    (one,) = _status([_pod()], told, _client(own), _client(theirs), domains=["home"]).workloads
    assert one.queries == 10


def test_of_some_namespaces_what_others_asked_is_left_out_if_that_is_known() -> None:
    shop = _pod("web", hostNetwork=True)
    shop.tree["metadata"]["namespace"] = "shop"
    gone = _client("spiffe://cluster.local/ns/shop/sa/gone", 3, cleartext=3)
    elsewhere = _client("spiffe://cluster.local/ns/bank/sa/gone", 20, cleartext=20)
    node = _client("192.0.2.1", 1, cleartext=1)
    clients = (_client(_ADDRESS), gone, elsewhere, node)
    found = _status([_pod(), shop], _manifests("plain"), *clients, namespaces=["shop"])
    assert [one.workload for one in found.workloads] == ["shop/web"]
    assert _told(found) == (4, 4, False)


def test_pods_of_one_account_are_one_workload_and_an_address_of_a_node_is_nobodys() -> None:
    ended = _pod("job", mesh="sidecar")
    ended.tree["status"]["phase"] = "Succeeded"
    pods = [_pod(mesh="sidecar"), _pod(), _pod("agent", hostNetwork=True), ended]
    pods[1].tree["status"]["podIPs"] = [{"ip": "10.244.0.8"}]
    pods[2].tree["status"]["podIPs"] = [{"ip": "10.244.0.9"}]
    clients = [_client("10.244.0.8", queries=3), _client("10.244.0.9"), _client(queries=2)]
    found = _status(pods, _manifests("sidecar"), *clients)
    assert [(one.workload, one.pods, one.mesh, one.queries) for one in found.workloads] == [
        ("client/netshoot", 2, "partly", 5),
        ("client/agent", 1, "none", 0),
    ]
