"""Each trap is found where it is planted into our manifests, and none in them as they are."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyhole import mesh
from keyhole.mesh.check import check
from keyhole.mesh.error import MeshError
from keyhole.mesh.objects import Manifest, World, read_text
from keyhole.mesh.render import MODES, render
from tests.world.process import call_keyhole

Object = dict[str, Any]
Objects = list[Object]
ROOT = Path(__file__).parents[3]
SNIPPETS = ROOT / "deploy"
_TEXTS = {mode: render(mode) for mode in MODES}
KUBE_SYSTEM = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}


def _objects(mode: str) -> Objects:
    return list(yaml.load_all(_TEXTS[mode], yaml.CSafeLoader))


def _find(objects: Objects, kind: str, name: str) -> Object:
    (one,) = [o for o in objects if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    return one


def _traps(objects: Objects) -> set[str]:
    return {one.trap for one in check(World(tuple(Manifest("x.yaml", one) for one in objects)))}


def _object(kind: str, name: str, spec: Object, **more: Any) -> Object:
    return {"kind": kind, "metadata": {"name": name, "namespace": "keyhole"}, "spec": spec, **more}


def _service(objects: Objects) -> list[Object]:
    ports: list[Object] = _find(objects, "Service", "keyhole-resolver")["spec"]["ports"]
    return ports


def _policy(objects: Objects, name: str = "keyhole-resolver") -> Object:
    spec: Object = _find(objects, "AuthorizationPolicy", name)["spec"]
    return spec


def _pod(objects: Objects) -> Object:
    spec: Object = _find(objects, "StatefulSet", "keyhole-resolver")["spec"]["template"]["spec"]
    return spec


def _corefile(objects: Objects, forward: str, *, ambient: bool = False, plugins: str = "") -> None:
    labels = {"istio.io/dataplane-mode": "ambient"} if ambient else {}
    data = {"Corefile": f".:53 {{\n {plugins}\n {forward}\n}}\n"}
    metadata = {"name": "coredns", "namespace": "kube-system"}
    space = {**KUBE_SYSTEM, "metadata": {"name": "kube-system", "labels": labels}}
    objects += [space, {"kind": "ConfigMap", "metadata": metadata, "data": data}]


def _one_port(objects: Objects) -> None:
    del _service(objects)[1]


def _own_nameserver(objects: Objects) -> None:
    _pod(objects)["dnsConfig"] = {"nameservers": ["10.96.0.53"]}


def _captured(objects: Objects) -> None:
    _own_nameserver(objects)
    template = _find(objects, "StatefulSet", "keyhole-resolver")["spec"]["template"]
    del template["metadata"]["annotations"]["ambient.istio.io/dns-capture"]


def _udp(objects: Objects) -> None:
    _service(objects).append({"port": 53, "name": "dns", "protocol": "UDP", "targetPort": 5300})


def _no_protocol(objects: Objects) -> None:
    _service(objects)[0] = {"name": "dns", "port": 53, "targetPort": 5300}


def _layer_7(objects: Objects) -> None:
    _policy(objects)["rules"][0]["to"][0]["operation"]["methods"] = ["POST"]


def _only_service_port(objects: Objects) -> None:
    _policy(objects)["rules"][0]["to"][0]["operation"]["ports"] = ["53"]


def _only_pod_port(objects: Objects) -> None:
    service = _find(objects, "Service", "keyhole-resolver")
    service["metadata"]["labels"]["istio.io/use-waypoint"] = "keyhole-proxy"
    del service["spec"]["ports"][1]
    _policy(objects)["rules"][0]["to"][0]["operation"]["ports"] = ["5300"]


def _drop(kind: str) -> Callable[[Objects], None]:
    def drop(objects: Objects) -> None:
        objects[:] = [one for one in objects if one["kind"] != kind]

    return drop


def _disable(objects: Objects) -> None:
    spec = _find(objects, "PeerAuthentication", "keyhole-resolver")["spec"]
    spec["portLevelMtls"][8853] = {"mode": "DISABLE"}


def _own_tls(objects: Objects) -> None:
    _service(objects).append({"name": "tls-dot", "port": 853, "targetPort": 8853})


def _both(objects: Objects) -> None:
    _policy(objects)["targetRefs"] = [{"kind": "Service", "name": "keyhole-resolver"}]


def _entry_by_dns(objects: Objects) -> None:
    _find(objects, "ServiceEntry", "keyhole-upstream-quad9")["spec"]["resolution"] = "DNS"


def _sidecar(objects: Objects) -> None:
    objects.append(_object("Sidecar", "x", {"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}}))


def _rules(objects: Objects) -> list[Object]:
    rules: list[Object] = _find(objects, "NetworkPolicy", "keyhole-resolver")["spec"]["ingress"]
    return rules


def _without_hbone(objects: Objects) -> None:
    _rules(objects)[:] = [one for one in _rules(objects) if one["ports"][0]["port"] != 15008]


def _without_probes(objects: Objects) -> None:
    _rules(objects)[:] = [one for one in _rules(objects) if "169.254" not in str(one)]


def _gateway(objects: Objects) -> None:
    spec = {"gatewayClassName": "istio"}
    objects.append(_object("Gateway", "page", spec, apiVersion="gateway.networking.k8s.io/v1"))


def _allow_list(objects: Objects) -> None:
    _gateway(objects)
    spec = {
        "targetRefs": [{"kind": "Gateway", "name": "page"}],
        "rules": [{"from": [{"source": {"ipBlocks": ["192.0.2.1/32"]}}]}],
    }
    objects.append(_object("AuthorizationPolicy", "page", spec))


def _root(objects: Objects) -> None:
    del _pod(objects)["securityContext"]["runAsNonRoot"]
    del _pod(objects)["containers"][0]["securityContext"]["runAsNonRoot"]


def _agent(objects: Objects) -> None:
    _pod(objects)["securityContext"]["runAsUser"] = 1337


def _low(objects: Objects) -> None:
    _pod(objects)["containers"][0]["ports"][0]["containerPort"] = 53


def _everything(objects: Objects) -> None:
    rules = _find(objects, "NetworkPolicy", "keyhole-forwarder")["spec"]["egress"]
    rules[0]["to"] = [{"ipBlock": {"cidr": "0.0.0.0/0"}}]


TLS = "forward . tls://10.96.0.53:853 {{ except cluster.local\n {} }}"
PLANTED: list[tuple[str, str, Callable[[Objects], None]]] = [
    ("port-53-in-ambient", "ambient", _one_port),
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
]


@pytest.mark.parametrize("mode", MODES)
def test_our_own_manifests_hold_no_trap(mode: str) -> None:
    assert _traps(_objects(mode)) == set()


@pytest.mark.parametrize(("trap", "mode", "plant"), PLANTED, ids=[one[0] for one in PLANTED])
def test_a_planted_trap_is_found(trap: str, mode: str, plant: Callable[[Objects], None]) -> None:
    objects = _objects(mode)
    plant(objects)
    assert trap in _traps(objects)


def test_every_trap_is_planted_once() -> None:
    folder = Path(mesh.__file__).parent / "traps"
    words = {
        word
        for file in folder.glob("*.py")
        for word in re.findall(r'found\(\s+"([a-z0-9-]+)"', file.read_text())
    }
    assert words == {one[0] for one in PLANTED}
    guide = (ROOT / "docs/guides/kubernetes.md").read_text()
    assert {word for word in words if f"`{word}`" not in guide} == set()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["force-tcp", "tls", "node-local-dns"])
def test_the_snippets_hold_a_trap_only_where_they_say_so(mode: str, name: str) -> None:
    objects = _objects(mode)
    data = {"Corefile": (SNIPPETS / "coredns" / f"{name}.corefile").read_text()}
    metadata = {"name": "coredns", "namespace": "kube-system"}
    objects += [KUBE_SYSTEM, {"kind": "ConfigMap", "metadata": metadata, "data": data}]
    refused = {"core-dns-against-strict"} if name == "force-tcp" and mode != "plain" else set()
    # Without the cluster's own block, as in the snippet for node-local-dns, this is its place.
    assert _traps(objects) - {"cluster-names-leave"} == refused


def test_the_clients_hold_no_trap() -> None:
    for mode in MODES:
        texts = [(SNIPPETS / "client" / name).read_text() for name in ("netshoot.yaml",)]
        found = [one for text in texts for one in read_text(text, "client")]
        objects = [*_objects(mode), *(one.tree for one in found)]
        assert _traps(objects) == set()


def test_the_command_names_place_and_cure_and_says_so_by_its_exit_code(tmp_path: Path) -> None:
    objects = _objects("ambient")
    _one_port(objects)
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    done = call_keyhole("mesh", "check", str(tmp_path))
    assert done.returncode == 1
    assert "port-53-in-ambient Service keyhole/keyhole-resolver" in done.stdout
    assert "right: add a second port" in done.stdout
    told = json.loads(call_keyhole("mesh", "check", str(file), "--json").stdout)
    assert [one["trap"] for one in told["traps"]] == ["port-53-in-ambient"]


def test_what_mesh_render_prints_is_clean_and_may_come_from_standard_input() -> None:
    given = call_keyhole("mesh", "render", "ambient", "--namespace", "dns").stdout
    assert "namespace: dns" in given
    assert "zz" not in given
    assert "keyhole-resolver" in given
    done = call_keyhole("mesh", "check", "-", given=given)
    assert (done.returncode, done.stdout.split()[0]) == (0, "no")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["mesh", "render", "waypoint"], "give sidecar, ambient or plain"),
        (["mesh", "render", "plain", "--resolver", "dns"], "is no address"),
        (["mesh", "render", "plain", "--resolver", "10.96.0.52"], "an address each"),
        (["mesh", "render", "plain", "--namespace", "A B"], "no name of a namespace"),
        (["mesh", "render", "plain", "--image", "a: b"], "is no image"),
        (["mesh", "check", "/nonexistent.yaml"], "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], why: str) -> None:
    done = call_keyhole(*words)
    assert done.returncode == 1
    assert why in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "is no YAML"),
        ("- 1", "without a kind"),
        ("kind: {{- .Values.x }}\nb: {{ y }}", "template of Helm"),
    ],
)
def test_what_is_no_manifest_is_said(text: str, why: str) -> None:
    with pytest.raises(MeshError, match=why):
        read_text(text, "x.yaml")


@pytest.mark.parametrize(
    "spec",
    [None, [], "x", {"rules": "x"}, {"ports": [1]}, {"template": []}, {"selector": ["x"]}],
)
def test_odd_manifests_are_read_without_a_fault(spec: object) -> None:
    kinds = {one["kind"] for mode in MODES for one in _objects(mode)}
    odd = [{"kind": kind, "metadata": {"name": "x"}, "spec": spec} for kind in sorted(kinds)]
    for mode in ("sidecar", "ambient"):
        _traps([*_objects(mode), *odd])
