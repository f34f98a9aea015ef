"""The settings in the config maps open what was intended, and no more."""

from ipaddress import ip_address
from itertools import product

import pytest

from tests.deploy.rendered import needs_helm, objects_of, settings_of

pytestmark = needs_helm


def _open(listeners: list[str]) -> list[str]:
    """The listeners that more than the pod itself can reach."""
    return [one for one in listeners if not ip_address(one.rpartition(":")[0]).is_loopback]


@pytest.mark.parametrize(
    ("mode", "variant"),
    [*product(("sidecar", "ambient"), ("proxy", "proxy-page")), ("sidecar", "proxy-doh")],
)
def test_where_the_mesh_names_clients_no_port_lets_them_ask_without_a_name(
    mode: str, variant: str
) -> None:
    listen = settings_of(mode, variant, "resolver")["listen"]
    assert listen["mesh"]
    others = [listen.get(one, []) for one in ("udp", "tcp", "doh", "doh_cleartext")]
    assert _open([one for listeners in others for one in listeners]) == []
    # In ambient, ztunnel connects from within the pod. A sidecar captures what comes to this port.
    assert _open(listen["mesh"]) == ([] if mode == "ambient" else ["0.0.0.0:5300"])


@pytest.mark.parametrize(("variant", "part"), [("proxy-doh", "resolver"), ("http2", "forwarder")])
def test_the_sidecar_is_told_each_port_of_who_takes_dns_over_http(variant: str, part: str) -> None:
    objects = objects_of("sidecar", variant)
    (sidecar,) = [
        one
        for one in objects
        if (one["kind"], one["metadata"]["name"]) == ("Sidecar", f"keyhole-{part}")
    ]
    told = {one["port"]["number"]: one["defaultEndpoint"] for one in sidecar["spec"]["ingress"]}
    (workload,) = [
        one
        for one in objects
        if (one["kind"], one["metadata"]["name"]) == ("StatefulSet", f"keyhole-{part}")
    ]
    (container,) = [
        one for one in workload["spec"]["template"]["spec"]["containers"] if one["name"] == part
    ]
    assert told.keys() == {port["containerPort"] for port in container["ports"]}
    # Only what Keyhole listens to on loopback is handed over there.
    listen = settings_of("sidecar", variant, part)["listen"]
    (loopback,) = listen["doh_cleartext"]
    assert {port: one for port, one in told.items() if one != f"0.0.0.0:{port}"} == {8053: loopback}
    # Nobody asks a forwarder in another way, without a name.
    assert part == "resolver" or _open([one for each in listen.values() for one in each]) == []


def test_the_sandwich_of_ambient_is_whole() -> None:
    """ztunnel hands each connection to the loopback of the pod, with the identity of the client."""
    objects = {
        (one["kind"], one["metadata"]["name"]): one for one in objects_of("ambient", "proxy")
    }
    gateway = objects["Gateway", "keyhole-proxy"]
    (listener,) = gateway["spec"]["listeners"]
    (mesh,) = settings_of("ambient", "proxy", "resolver")["listen"]["mesh"]
    assert mesh == f"127.0.0.1:{listener['port']}"
    assert listener["protocol"] == "istio.io/PROXY"
    annotation = gateway["metadata"]["annotations"]["ambient.istio.io/waypoint-inbound-binding"]
    assert annotation == f"PROXY/{listener['port']}"
    service = objects["Service", "keyhole-resolver"]
    assert service["metadata"]["labels"]["istio.io/use-waypoint"] == "keyhole-proxy"
    template = objects["StatefulSet", "keyhole-resolver"]["spec"]["template"]
    label = "gateway.networking.k8s.io/gateway-name"
    assert template["metadata"]["labels"][label] == "keyhole-proxy"
    # There the policy sees the port of the Service, and for who asks a pod that of the pod.
    (rule,) = objects["AuthorizationPolicy", "keyhole-resolver"]["spec"]["rules"]
    (to,) = rule["to"]
    ports = {str(one[key]) for one in service["spec"]["ports"] for key in ("port", "targetPort")}
    assert set(to["operation"]["ports"]) == ports
    # No other Service has a waypoint, whose identity the pods would see in place of the client's.
    forwarder = objects["Service", "keyhole-forwarder"]["metadata"]["labels"]
    assert forwarder["istio.io/use-waypoint"] == "none"
