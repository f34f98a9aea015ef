"""Traps of a mesh, each planted into our own manifests; `PLANTED` has all of them."""

from collections.abc import Callable
from typing import Any

import yaml

from keyhole.mesh.render import MODES, render

Object = dict[str, Any]
Objects = list[Object]
_TEXTS = {mode: render(mode) for mode in MODES}
KUBE_SYSTEM = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}


def objects_of(mode: str) -> Objects:
    """Our manifests of a mode, to be changed."""
    return list(yaml.load_all(_TEXTS[mode], yaml.CSafeLoader))


def find(objects: Objects, kind: str, name: str) -> Object:
    """One object."""
    (one,) = [o for o in objects if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    return one


def _object(version: str, kind: str, name: str, spec: Object) -> Object:
    metadata = {"name": name, "namespace": "keyhole"}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def add(objects: Objects, version: str, kind: str, name: str, spec: Object) -> None:
    """Adds an object to the namespace of Keyhole."""
    objects.append(_object(version, kind, name, spec))


def ports_of(objects: Objects) -> list[Object]:
    """The ports of the Service of the resolver."""
    ports: list[Object] = find(objects, "Service", "keyhole-resolver")["spec"]["ports"]
    return ports


def policy(objects: Objects, name: str = "keyhole-resolver") -> Object:
    """The rules for who may ask the resolver, or another policy."""
    spec: Object = find(objects, "AuthorizationPolicy", name)["spec"]
    return spec


def pod_of(objects: Objects) -> Object:
    """The pods of the resolver."""
    spec: Object = find(objects, "StatefulSet", "keyhole-resolver")["spec"]["template"]["spec"]
    return spec


def _corefile(objects: Objects, forward: str, *, ambient: bool = False, plugins: str = "") -> None:
    labels = {"istio.io/dataplane-mode": "ambient"} if ambient else {}
    data = {"Corefile": f".:53 {{\n {plugins}\n {forward}\n}}\n"}
    metadata = {"name": "coredns", "namespace": "kube-system"}
    space = {**KUBE_SYSTEM, "metadata": {"name": "kube-system", "labels": labels}}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    objects += [space, config]


def one_port(objects: Objects) -> None:
    """Leaves the Service with port 53 alone."""
    del ports_of(objects)[1]


def _own_nameserver(objects: Objects) -> None:
    pod_of(objects)["dnsConfig"] = {"nameservers": ["10.96.0.53"]}


def _captured(objects: Objects) -> None:
    _own_nameserver(objects)
    template = find(objects, "StatefulSet", "keyhole-resolver")["spec"]["template"]
    del template["metadata"]["annotations"]["ambient.istio.io/dns-capture"]


def _udp(objects: Objects) -> None:
    ports_of(objects).append({"port": 53, "name": "dns", "protocol": "UDP", "targetPort": 5300})


def _no_protocol(objects: Objects) -> None:
    ports_of(objects)[0] = {"name": "dns", "port": 53, "targetPort": 5300}


def _layer_7(objects: Objects) -> None:
    policy(objects)["rules"][0]["to"][0]["operation"]["methods"] = ["POST"]


def _only_service_port(objects: Objects) -> None:
    policy(objects)["rules"][0]["to"][0]["operation"]["ports"] = ["53"]


def _only_pod_port(objects: Objects) -> None:
    service = find(objects, "Service", "keyhole-resolver")
    service["metadata"]["labels"]["istio.io/use-waypoint"] = "keyhole-proxy"
    del service["spec"]["ports"][1]
    policy(objects)["rules"][0]["to"][0]["operation"]["ports"] = ["5300"]


def _drop(kind: str) -> Callable[[Objects], None]:
    def drop(objects: Objects) -> None:
        objects[:] = [one for one in objects if one["kind"] != kind]

    return drop


def _disable(objects: Objects) -> None:
    spec = find(objects, "PeerAuthentication", "keyhole-resolver")["spec"]
    spec["portLevelMtls"][8853] = {"mode": "DISABLE"}


def _own_tls(objects: Objects) -> None:
    ports_of(objects).append({"name": "tls-dot", "port": 853, "targetPort": 8853})


def _both(objects: Objects) -> None:
    policy(objects)["targetRefs"] = [{"kind": "Service", "name": "keyhole-resolver"}]


def _entry_by_dns(objects: Objects) -> None:
    find(objects, "ServiceEntry", "keyhole-upstream-quad9")["spec"]["resolution"] = "DNS"


def _sidecar(objects: Objects) -> None:
    spec = {"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}}
    objects.append(_object("networking.istio.io/v1", "Sidecar", "x", spec))


def _rules(objects: Objects) -> list[Object]:
    rules: list[Object] = find(objects, "NetworkPolicy", "keyhole-resolver")["spec"]["ingress"]
    return rules


def _without_hbone(objects: Objects) -> None:
    _rules(objects)[:] = [one for one in _rules(objects) if one["ports"][0]["port"] != 15008]


def _without_probes(objects: Objects) -> None:
    _rules(objects)[:] = [one for one in _rules(objects) if "169.254" not in str(one)]


def _gateway(objects: Objects) -> None:
    listeners = [{"name": "http", "port": 80, "protocol": "HTTP"}]
    spec = {"gatewayClassName": "istio", "listeners": listeners}
    objects.append(_object("gateway.networking.k8s.io/v1", "Gateway", "page", spec))


def _allow_list(objects: Objects) -> None:
    _gateway(objects)
    spec = {
        "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "page"}],
        "rules": [{"from": [{"source": {"ipBlocks": ["192.0.2.1/32"]}}]}],
    }
    objects.append(_object("security.istio.io/v1", "AuthorizationPolicy", "page", spec))


def _root(objects: Objects) -> None:
    del pod_of(objects)["securityContext"]["runAsNonRoot"]
    del pod_of(objects)["containers"][0]["securityContext"]["runAsNonRoot"]


def _agent(objects: Objects) -> None:
    pod_of(objects)["securityContext"]["runAsUser"] = 1337


def _low(objects: Objects) -> None:
    pod_of(objects)["containers"][0]["ports"][0]["containerPort"] = 53


def _everything(objects: Objects) -> None:
    rules = find(objects, "NetworkPolicy", "keyhole-forwarder")["spec"]["egress"]
    rules[0]["to"] = [{"ipBlock": {"cidr": "0.0.0.0/0"}}]


def over_http(objects: Objects) -> None:
    """The hop to the forwarder over HTTP/2, as with forwarder.transport=http2."""
    data = find(objects, "ConfigMap", "keyhole-control-documents")["data"]
    text = data["forwarder.yaml"].replace("protocol: tcp", "protocol: doh_cleartext")
    data["forwarder.yaml"] = text.replace(":5053", ":8053")
    http = {"name": "http2-doh", "port": 8053, "targetPort": 8053, "appProtocol": "http2"}
    forwarder_of(objects)["ports"] = [http]


def forwarder_of(objects: Objects) -> Object:
    """The Service of the forwarder."""
    spec: Object = find(objects, "Service", "keyhole-forwarder")["spec"]
    return spec


def _left_out(objects: Objects) -> None:
    template = find(objects, "StatefulSet", "keyhole-resolver")["spec"]["template"]
    template["metadata"]["labels"]["sidecar.istio.io/inject"] = "false"


def _other_authority(objects: Objects) -> None:
    over_http(objects)
    data = find(objects, "ConfigMap", "keyhole-control-documents")["data"]
    right = f"{forwarder_of(objects)['clusterIP']}:8053"
    assert right in data["forwarder.yaml"]
    data["forwarder.yaml"] = data["forwarder.yaml"].replace(right, "10.96.0.99:8053")


def _said_to_be_tcp(objects: Objects) -> None:
    over_http(objects)
    forwarder_of(objects)["ports"][0]["appProtocol"] = "tcp"


TLS = "forward . tls://10.96.0.53:853 {{ except cluster.local\n {} }}"
PLANTED: list[tuple[str, str, Callable[[Objects], None]]] = [
    ("port-53-in-ambient", "ambient", one_port),
    ("client-captured-in-ambient", "ambient", _captured),
    ("sidecar-asks-as-nobody", "sidecar", _own_nameserver),
    ("udp-in-the-mesh", "sidecar", _udp),
    ("protocol-is-guessed", "sidecar", _no_protocol),
    (
        "tls-without-a-name",
        "sidecar",
        lambda objects: _corefile(objects, TLS.format("tls a.crt a.key ca.crt")),
    ),
    (
        "tls-without-a-certificate",
        "sidecar",
        lambda objects: _corefile(objects, TLS.format("tls_servername keyhole-dot")),
    ),
    (
        "forward-over-udp",
        "plain",
        lambda objects: _corefile(objects, "forward . 10.96.0.53:5300"),
    ),
    (
        "core-dns-against-strict",
        "sidecar",
        lambda objects: _corefile(objects, "forward . 10.96.0.53:5300 {\n force_tcp\n }"),
    ),
    (
        "loop-through-core-dns",
        "ambient",
        lambda objects: _corefile(objects, "forward . 10.96.0.53 {\n force_tcp\n }", ambient=True),
    ),
    (
        "cluster-names-leave",
        "plain",
        lambda objects: _corefile(objects, "forward . 10.96.0.53:5300 {\n force_tcp\n }"),
    ),
    ("layer-7-in-a-dns-policy", "ambient", _layer_7),
    ("service-port-in-a-policy", "sidecar", _only_service_port),
    ("pod-port-in-a-policy", "ambient", _only_pod_port),
    ("open-to-the-mesh", "sidecar", _drop("AuthorizationPolicy")),
    ("not-strict", "ambient", _drop("PeerAuthentication")),
    ("disable-in-ambient", "ambient", _disable),
    ("own-tls-behind-strict", "sidecar", _own_tls),
    ("selector-and-target", "sidecar", _both),
    ("upstream-without-a-service-entry", "sidecar", _drop("ServiceEntry")),
    ("upstream-found-by-dns", "sidecar", _entry_by_dns),
    ("sidecar-in-ambient", "ambient", _sidecar),
    ("network-policy-without-15008", "ambient", _without_hbone),
    ("network-policy-without-probes", "ambient", _without_probes),
    ("gateway-refused-by-restricted", "sidecar", _gateway),
    ("allow-list-sees-nodes", "sidecar", _allow_list),
    ("pod-refused-by-restricted", "plain", _root),
    ("user-of-the-sidecar", "sidecar", _agent),
    ("port-needs-a-capability", "plain", _low),
    ("forwarder-reaches-everything", "plain", _everything),
    ("cleartext-outside-of-the-mesh", "sidecar", _left_out),
    ("http2-without-a-sidecar", "ambient", over_http),
    ("http2-without-a-route", "sidecar", _other_authority),
    ("http2-without-a-protocol", "sidecar", _said_to_be_tcp),
]
