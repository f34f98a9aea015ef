"""Other members of the kinds of traps in `planted_traps`, and changes that look like traps and are
none: `SIBLINGS` and `HARMLESS`."""

from collections.abc import Callable
from typing import Any

from tests.world.planted_traps import (
    Object,
    Objects,
    find,
    forwarder_of,
    over_http,
    pod_of,
    policy,
    ports_of,
)
from tests.world.planted_traps import add as _add

Plant = Callable[[Objects], None]
_DNS = "app.kubernetes.io/name"
_ROOT = "istio-system"


def _template(objects: Objects, part: str = "resolver") -> Object:
    template: Object = find(objects, "StatefulSet", f"keyhole-{part}")["spec"]["template"]
    return template


def _set(tree: Object, **changes: Any) -> None:
    tree.update(changes)


def _on(kind: str, name: str, **changes: Any) -> Plant:
    """Changes the ``spec`` of an object."""
    return lambda objects: _set(find(objects, kind, name)["spec"], **changes)


def _labels(**labels: str) -> Plant:
    """Changes labels of the pods of the resolver; two underscores stand for a slash."""
    return lambda objects: _set(_template(objects)["metadata"]["labels"], **_named(labels))


def _notes(**notes: str) -> Plant:
    return lambda objects: _set(_template(objects)["metadata"]["annotations"], **_named(notes))


def _named(words: dict[str, str]) -> dict[str, str]:
    return {
        word.replace("__", "/").replace("_", ".").replace("..", "-"): text
        for word, text in words.items()
    }


def _strict(name: str, **spec: Any) -> Plant:
    return _on("PeerAuthentication", name, **spec)


def _rule(**rule: Any) -> Plant:
    """Another rule for the clients of the resolver."""
    return lambda objects: policy(objects)["rules"].append(rule)


def _source(**source: Any) -> Plant:
    return _rule(**{"from": [{"source": source}]})


def _both(*plants: Plant) -> Plant:
    def both(objects: Objects) -> None:
        for plant in plants:
            plant(objects)

    return both


def _unlabelled(objects: Objects) -> None:
    """Only the pods say that they are in the mesh."""
    find(objects, "Namespace", "keyhole")["metadata"]["labels"] = {}
    for one in objects:
        if one["kind"] == "StatefulSet":
            labels = one["spec"]["template"]["metadata"]["labels"]
            if "sidecar.istio.io/inject" not in labels:
                labels["istio.io/dataplane-mode"] = "ambient"


def _udp(number: int) -> Plant:
    port = {"name": "dns", "port": number, "protocol": "UDP", "targetPort": 5300}
    spec = {"selector": {_DNS: "keyhole-resolver"}, "type": "LoadBalancer", "ports": [port]}
    return lambda objects: _add(objects, "v1", "Service", "lan", spec)


def _client(kind: str, *keys: str, labels: Object | None = None) -> Plant:
    """A client that names Keyhole as its nameserver, made by a workload of this kind."""
    pod: Object = {
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["10.96.0.53"]},
        "containers": [],
    }
    template: Object = {"metadata": {"labels": {"app": "x", **(labels or {})}}, "spec": pod}
    spec: Object = template
    for key in reversed(keys):
        spec = {key: spec}
    version = "batch/v1" if kind == "CronJob" else "apps/v1"
    if kind == "CronJob":
        spec["schedule"] = "0 0 * * *"
    else:
        spec["selector"] = {"matchLabels": {"app": "x"}}
    container = {"name": "x", "image": "x", "securityContext": _SAFE}
    pod["containers"] = [container]
    if kind == "CronJob":
        pod["restartPolicy"] = "Never"
    return lambda objects: _add(objects, version, kind, "client", spec)


_SAFE = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def _elsewhere(objects: Objects) -> None:
    """Of another namespace, and for that one alone."""
    entry = find(objects, "ServiceEntry", "keyhole-upstream-quad9")
    entry["metadata"]["namespace"] = "default"


def _unlisted(objects: Objects) -> None:
    hosts = find(objects, "Sidecar", "keyhole-forwarder")["spec"]["egress"][0]["hosts"]
    hosts.remove("./dns.quad9.net")


def _by_the_whole_mesh(objects: Objects) -> None:
    objects[:] = [one for one in objects if one["kind"] not in ("Sidecar", "ServiceEntry")]
    data = {"mesh": "outboundTrafficPolicy:\n  mode: REGISTRY_ONLY\n"}
    metadata = {"name": "istio", "namespace": _ROOT}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _ROOT}}
    objects.append(space)
    objects.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def _istio_gateway(traffic: str) -> Plant:
    def plant(objects: Objects) -> None:
        labels = {"istio": "ingressgateway"}
        source = {"notIpBlocks": ["192.0.2.1/32"]}
        allow = {
            "selector": {"matchLabels": labels},
            "action": "DENY",
            "rules": [{"from": [{"source": source}]}],
        }
        port = {"name": "https", "port": 443}
        service = {
            "type": "LoadBalancer",
            "selector": labels,
            "ports": [port],
            "externalTrafficPolicy": traffic,
        }
        _add(objects, "v1", "Service", "istio-ingressgateway", service)
        _add(objects, "security.istio.io/v1", "AuthorizationPolicy", "page", allow)

    return plant


def _container(**changes: Any) -> Plant:
    return lambda objects: _set(pod_of(objects)["containers"][0]["securityContext"], **changes)


def _injected(objects: Objects) -> None:
    """As the webhook leaves a pod: its own containers run as the user of the sidecar."""
    safe = {**_SAFE, "runAsUser": 1337, "runAsGroup": 1337}
    pod_of(objects).setdefault("initContainers", []).extend(
        {"name": name, "image": "x", "securityContext": safe}
        for name in ("istio-validation", "istio-proxy")
    )


def _host_path(objects: Objects) -> None:
    pod_of(objects)["volumes"].append({"name": "node", "hostPath": {"path": "/"}})


def _egress(*rules: Object) -> Plant:
    return _on("NetworkPolicy", "keyhole-forwarder", egress=list(rules))


def _without_egress(objects: Objects) -> None:
    for name in ("keyhole-deny", "keyhole-forwarder"):
        find(objects, "NetworkPolicy", name)["spec"]["policyTypes"] = ["Ingress"]
        find(objects, "NetworkPolicy", name)["spec"].pop("egress", None)


def _hbone(objects: Objects, way: str) -> list[Object]:
    rules: list[Object] = find(objects, "NetworkPolicy", "keyhole-resolver")["spec"][way]
    return [one for one in rules if one["ports"][0]["port"] == 15008]


def _no_hbone_out(objects: Objects) -> None:
    rules = find(objects, "NetworkPolicy", "keyhole-resolver")["spec"]["egress"]
    for one in _hbone(objects, "egress"):
        rules.remove(one)


def _no_policy(objects: Objects) -> None:
    """The one that denies everything stays."""
    objects.remove(find(objects, "NetworkPolicy", "keyhole-resolver"))


def _range(objects: Objects) -> None:
    (rule,) = _hbone(objects, "ingress")
    rule["ports"] = [{"port": 15000, "endPort": 15020, "protocol": "TCP"}]


def _two_policies(objects: Objects) -> None:
    """What one policy of a pod leaves out, another one opens."""
    rules = find(objects, "NetworkPolicy", "keyhole-resolver")["spec"]["ingress"]
    (rule,) = _hbone(objects, "ingress")
    rules.remove(rule)
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [rule]}
    _add(objects, "networking.k8s.io/v1", "NetworkPolicy", "mesh", spec)


def _wider_probes(objects: Objects) -> None:
    for rule in find(objects, "NetworkPolicy", "keyhole-resolver")["spec"]["ingress"]:
        for peer in rule.get("from", ()):
            if "ipBlock" in peer and peer["ipBlock"]["cidr"].startswith("169.254"):
                peer["ipBlock"]["cidr"] = "169.254.0.0/16"


def _named_port(objects: Objects) -> None:
    for port in ports_of(objects):
        port["targetPort"] = "tcp-dns"


def _networks(objects: Objects) -> None:
    """A ServiceEntry of a network instead of addresses."""
    spec = find(objects, "ServiceEntry", "keyhole-upstream-quad9")["spec"]
    del spec["endpoints"]
    _set(spec, resolution="NONE", addresses=["9.9.9.0/24", "149.112.112.0/24"])


def _port_853(mode: str | None) -> Plant:
    """A port for DNS over TLS, with a rule for everybody, and this level of mutual TLS."""

    def plant(objects: Objects) -> None:
        ports_of(objects).append({"name": "tls-dot", "port": 853, "targetPort": 8853})
        levels = find(objects, "PeerAuthentication", "keyhole-resolver")["spec"]["portLevelMtls"]
        if mode:
            levels["8853"] = {"mode": mode}

    return plant


_DOT_RULE = _rule(to=[{"operation": {"ports": ["853", "8853"]}}])
_PATCH: Object = {
    "configPatches": [{"applyTo": "CLUSTER", "match": {"context": "SIDECAR_INBOUND"}}]
}
_PATCH["configPatches"][0]["patch"] = {"operation": "MERGE", "value": {}}


def _patch_of_sidecars(objects: Objects) -> None:
    _add(objects, "networking.istio.io/v1alpha3", "EnvoyFilter", "x", _PATCH)


def _disabled_mesh(objects: Objects) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _ROOT}}
    metadata = {"name": "default", "namespace": _ROOT}
    version = "security.istio.io/v1"
    spec = {"mtls": {"mode": "DISABLE"}}
    one = {"apiVersion": version, "kind": "PeerAuthentication", "metadata": metadata, "spec": spec}
    objects += [space, one]


def _rules_of_the_mesh(objects: Objects) -> None:
    """They stand in the namespace of istiod."""
    for one in objects:
        if one["kind"] == "AuthorizationPolicy" and one["metadata"]["name"] == "keyhole-resolver":
            one["metadata"]["namespace"] = _ROOT


def _in_the_clear(objects: Objects) -> None:
    """Without a mesh, what the documents of a mesh say."""
    text = f"kind: Upstream\nspec: {{protocol: tcp, insecure: mesh, addresses: [{_FORWARDER}]}}"
    find(objects, "ConfigMap", "keyhole-control-documents")["data"] = {"forwarder.yaml": text}


_FORWARDER = '"10.96.0.54:5053"'
_WHOLE = {"mode": "PERMISSIVE"}
SIBLINGS: list[tuple[str, str, str, Plant]] = [
    ("udp-in-the-mesh", "another port", "sidecar", _udp(5300)),
    ("udp-in-the-mesh", "only pods in the mesh", "sidecar", _both(_unlabelled, _udp(53))),
    ("udp-in-the-mesh", "only pods in ambient", "ambient", _both(_unlabelled, _udp(53))),
    ("client-captured-in-ambient", "CronJob", "ambient",
     _client("CronJob", "jobTemplate", "spec", "template")),
    ("client-captured-in-ambient", "ReplicaSet", "ambient", _client("ReplicaSet", "template")),
    ("sidecar-asks-as-nobody", "CronJob", "sidecar",
     _client("CronJob", "jobTemplate", "spec", "template")),
    ("protocol-is-another", "appProtocol", "sidecar",
     lambda objects: _set(ports_of(objects)[0], appProtocol="http")),
    ("protocol-is-another", "name", "sidecar",
     lambda objects: ports_of(objects).__setitem__(
         1, {"name": "http-dns", "port": 5300, "targetPort": 5300})),
    ("protocol-is-guessed", "the other port", "sidecar",
     lambda objects: ports_of(objects).__setitem__(
         1, {"name": "dns", "port": 5300, "targetPort": 5300})),
    ("layer-7-in-a-dns-policy", "condition", "sidecar",
     _rule(when=[{"key": "request.headers[x]", "values": ["y"]}])),
    ("layer-7-in-a-dns-policy", "requestPrincipals", "ambient", _source(requestPrincipals=["x"])),
    ("open-to-the-mesh", "a rule for everybody", "sidecar",
     _rule(to=[{"operation": {"ports": ["5300"]}}])),
    ("open-to-the-mesh", "an empty rule", "ambient", _rule()),
    ("open-to-the-mesh", "principals *", "sidecar", _source(principals=["*"])),
    ("open-to-the-mesh", "namespaces *", "sidecar", _source(namespaces=["*"])),
    ("open-to-the-mesh", "* beside a name", "sidecar",
     _source(principals=["cluster.local/ns/shop/sa/web", "*"])),
    ("open-to-the-mesh", "a trust domain", "ambient", _source(principals=["cluster.local/*"])),
    ("open-to-the-mesh", "all addresses", "sidecar", _source(ipBlocks=["0.0.0.0/0"])),
    ("open-to-the-mesh", "all but one namespace", "sidecar", _source(notNamespaces=["shop"])),
    ("port-that-no-policy-opens", "a wrong number", "sidecar",
     lambda objects: _set(policy(objects)["rules"][0]["to"][0]["operation"], ports=["5301"])),
    ("port-that-no-policy-opens", "notPorts", "sidecar",
     lambda objects: policy(objects)["rules"][0]["to"].__setitem__(
         0, {"operation": {"notPorts": ["53", "5300"]}})),
    ("principal-with-a-scheme", "principals", "sidecar",
     _source(principals=["spiffe://cluster.local/ns/shop/sa/web"])),
    ("not-strict", "the namespace", "sidecar",
     _both(_strict("keyhole", mtls=_WHOLE), _strict("keyhole-resolver", mtls={"mode": "UNSET"}))),
    ("not-strict", "a port", "ambient",
     _strict("keyhole-resolver", portLevelMtls={"5300": _WHOLE})),
    ("not-strict", "a port that the sidecar does not get", "sidecar",
     _notes(traffic_sidecar_istio_io__excludeInboundPorts="5300")),
    ("not-strict", "a pod without a sidecar", "sidecar", _labels(sidecar_istio_io__inject="false")),
    ("disable-in-ambient", "the whole mesh", "ambient", _disabled_mesh),
    ("own-tls-behind-strict", "STRICT is written there", "sidecar",
     _both(_port_853("STRICT"), _DOT_RULE)),
    ("own-tls-without-a-rule", "no rule for it", "sidecar", _port_853("DISABLE")),
    ("upstream-without-a-service-entry", "of another namespace alone", "sidecar", _elsewhere),
    ("upstream-without-a-service-entry", "another port", "sidecar",
     _on("ServiceEntry", "keyhole-upstream-quad9",
         ports=[{"number": 853, "name": "tls-dot", "protocol": "TLS"}])),
    ("upstream-without-a-service-entry", "not in the Sidecar", "sidecar", _unlisted),
    ("upstream-without-a-service-entry", "the Sidecar lists nothing", "sidecar",
     _on("Sidecar", "keyhole-forwarder", egress=[{"hosts": ["~/*"]}])),
    ("upstream-without-a-service-entry", "the whole mesh", "sidecar", _by_the_whole_mesh),
    ("sidecar-in-ambient", "EnvoyFilter", "ambient", _patch_of_sidecars),
    ("network-policy-without-15008", "on the way out", "ambient", _no_hbone_out),
    ("network-policy-without-15008", "nothing is opened", "ambient", _no_policy),
    ("allow-list-sees-nodes", "Istio's own Gateway", "sidecar", _istio_gateway("Cluster")),
    ("user-of-the-sidecar", "of a container", "sidecar", _container(runAsUser=1337)),
    ("user-of-the-sidecar", "its group", "sidecar", _container(runAsGroup=1337)),
    ("pod-refused-by-restricted", "root by number", "plain", _container(runAsUser=0)),
    ("pod-refused-by-restricted", "unconfined", "plain",
     _container(seccompProfile={"type": "Unconfined"})),
    ("pod-refused-by-restricted", "a capability", "plain",
     _container(capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]})),
    ("pod-refused-by-restricted", "a folder of the node", "plain", _host_path),
    ("pod-refused-by-restricted", "the network of the node", "plain",
     lambda objects: _set(pod_of(objects), hostNetwork=True)),
    ("cleartext-outside-of-the-mesh", "the forwarder", "sidecar",
     lambda objects: _set(_template(objects, "forwarder")["metadata"]["labels"],
                          **{"sidecar.istio.io/inject": "false"})),
    ("cleartext-outside-of-the-mesh", "over HTTP/2", "plain", _both(_in_the_clear, over_http)),
    ("http2-without-a-route", "another port", "sidecar",
     _both(over_http, lambda objects: _set(forwarder_of(objects)["ports"][0], port=8054))),
    ("http2-without-a-route", "not in the Sidecar of resolvers", "sidecar",
     _both(over_http, _on("Sidecar", "keyhole-resolver", egress=[{"hosts": ["~/*"]}]))),
    ("http2-without-a-protocol", "a name that says tcp", "sidecar",
     _both(over_http, lambda objects: forwarder_of(objects)["ports"].__setitem__(
         0, {"name": "tcp-doh", "port": 8053, "targetPort": 8053}))),
    ("forwarder-reaches-everything", "a rule without addresses", "sidecar",
     _egress({"ports": [{"port": 443, "protocol": "TCP"}]})),
    ("forwarder-reaches-everything", "halves", "plain",
     _egress(*({"to": [{"ipBlock": {"cidr": one}}]} for one in ("0.0.0.0/1", "128.0.0.0/1")))),
    ("forwarder-reaches-everything", "no limit at all", "ambient", _without_egress),
]  # fmt: skip
"""Trap, what is special, mode, and the change."""
HARMLESS: list[tuple[str, str, Plant]] = [
    ("rules for the whole mesh", "sidecar", _rules_of_the_mesh),
    ("a range of ports with 15008", "ambient", _range),
    ("15008 in another policy of the pod", "ambient", _two_policies),
    ("a network with the address of probes", "ambient", _wider_probes),
    ("ports by name", "sidecar", _named_port),
    ("networks in a ServiceEntry", "sidecar", _networks),
    ("a condition of connections", "sidecar",
     lambda objects: _set(policy(objects)["rules"][0],
                          when=[{"key": "source.namespace", "values": ["client"]}])),
    ("one namespace by * and a network", "sidecar",
     _source(namespaces=["*"], ipBlocks=["10.0.0.0/8"])),
    ("a client without a sidecar", "sidecar",
     _client("ReplicaSet", "template", labels={"sidecar.istio.io/inject": "false"})),
    ("a client outside of ambient", "ambient",
     _client("ReplicaSet", "template", labels={"istio.io/dataplane-mode": "none"})),
    ("user 1337 without sidecars", "ambient", _container(runAsUser=1337)),
    ("a pod with its sidecar", "sidecar", _injected),
    ("a gateway that sees clients", "sidecar", _istio_gateway("Local")),
    ("the hop to the forwarder over HTTP/2", "sidecar", over_http),
    ("DNS over TLS with its rule", "sidecar", _both(_port_853("DISABLE"), _DOT_RULE)),
    ("DNS over TLS in ambient with its rule", "ambient", _both(_port_853("PERMISSIVE"), _DOT_RULE)),
]  # fmt: skip
"""What is special, mode, and the change."""
