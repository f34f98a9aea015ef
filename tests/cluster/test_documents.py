"""Documents as objects of Kubernetes, with a real API server: kinds, delegation, status."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyhole.config.documents import read_text_documents
from keyhole.mesh.documents.api import ClusterApi, NotThereError, path_of
from keyhole.mesh.documents.delegation import Delegation
from keyhole.mesh.documents.kinds import OBJECTS
from keyhole.mesh.error import MeshError
from keyhole.mesh.kubeconfig import in_pod
from keyhole.model.document import API_VERSION
from tests.world.certificates import Authority
from tests.world.cluster_documents import resource
from tests.world.kubernetes_api import ADMIN, KubernetesApi, message, needs_kubernetes
from tests.world.kubernetes_objects import Object, Objects
from tests.world.resolver import Resolver, document
from tests.world.waiting import until
from tools.chart import template

# The first test waits for the server to start.
pytestmark = [needs_kubernetes, pytest.mark.timeout(900)]
_VALUES = {
    "mode": "plain",
    "documents.source": "crds",
    "documents.namespaces": "{shop}",
    "documents.include": "{base}",
}
_KINDS = ["CustomResourceDefinition", "ServiceAccount", "ClusterRole", "RoleBinding"]
_KINDS += ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
_SPACES = ("keyhole", "shop", "bank")
_SHOP = "spiffe://keyhole.internal/ns/shop"


def _object(kind: str, namespace: str, name: str, /, **spec: Any) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": OBJECTS[kind], "metadata": metadata, "spec": spec}


@pytest.fixture(scope="module")
def rendered() -> list[Object]:
    """What the chart renders with documents in Kubernetes."""
    return [one for one in yaml.safe_load_all(template(_VALUES)) if one]


@pytest.fixture(scope="module")
def kinds(kubernetes: KubernetesApi, rendered: list[Object]) -> Iterator[Objects]:
    """A cluster that knows the kinds, with the rules of the chart about them."""
    objects = Objects(kubernetes)
    made = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": one}} for one in _SPACES]
    made += [one for kind in _KINDS for one in rendered if one["kind"] == kind]
    for one in made:
        answer = objects.apply(one)
        assert answer.is_success, message(answer)
        assert "warning" not in answer.headers
    wait = ("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    kubernetes.must(kubernetes.kubectl(*wait))
    greedy = _object("Policy", "bank", "greedy", subjects=[])
    until(lambda: not objects.try_to_create(greedy).is_success, "the rules are in force")
    yield objects
    objects.delete_all(made)


_WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("Policy", {"rules": [{"allow": ["a.example"], "block": ["b.example"]}]}, "not both"),
    ("Policy", {"rules": [{"allow": ["a.example"], "answer": "nodata"}]}, "leave answer out"),
    ("Policy", {"rules": [{"allow": ["a.example"], "important": True}]}, "only block rules"),
    ("Policy", {"rules": [{"block": ["a.example"], "answer": "somewhere"}]}, "should match"),
    ("Policy", {"blockedTtl": 86401}, "a time from 0s to 1d"),
    ("Policy", {"blockedTtl": "5x"}, "a time from 0s to 1d"),
    ("List", {"kind": "block"}, "give files, urls or entries"),
    ("List", {"entries": "a.example\n", "refresh": "1d"}, "only downloads become stale"),
    ("Client", {"groups": ["kids"]}, "give identities, tokens or addresses"),
    ("Record", {"name": "a.example"}, "give a, aaaa, cname, txt or ptr"),
    ("Record", {"name": "a.example", "cname": "b.example", "a": ["192.0.2.1"]}, "no other data"),
    ("Upstream", {"protocol": "tcp", "addresses": ["192.0.2.1"]}, "write insecure: mesh"),
    ("Upstream", {"protocol": "doh_cleartext", "addresses": ["10.0.0.1"]}, "insecure: mesh"),
    (
        "Upstream",
        {
            "protocol": "doh_cleartext",
            "addresses": ["10.0.0.1"],
            "insecure": "local-network",
            "domains": ["lan"],
        },
        "only tcp asks a device of the local network",
    ),
    (
        "Upstream",
        {
            "protocol": "doh_cleartext",
            "addresses": ["10.0.0.1"],
            "insecure": "mesh",
            "serverName": "a.example",
        },
        "uses no certificates",
    ),
    ("Upstream", {"protocol": "dot", "addresses": ["192.0.2.1"]}, "give serverName"),
    (
        "Upstream",
        {"protocol": "dot", "addresses": ["192.0.2.1"], "serverName": "a.example", "path": "/x"},
        "only doh and doh_cleartext have a path",
    ),
]


def test_the_server_refuses_what_the_models_refuse(kinds: Objects) -> None:
    for kind, spec, why in _WRONG:
        answer = kinds.try_to_create(_object(kind, "keyhole", "one", **spec))
        assert not answer.is_success, (kind, spec)
        assert why in message(answer)
        text = json.dumps(document(kind, "one", **spec))
        _, problems = read_text_documents(text, "one.yaml", Path("/"))
        assert problems, (kind, spec)


def test_the_server_takes_each_form_that_files_have_and_unknown_keys_in_none(
    kinds: Objects,
) -> None:
    forms: list[dict[str, Any]] = [
        {"subjects": [], "upstreams": ["one"], "lists": ["ads"], "tunneling": "off"},
        {"upstreams": {"names": [], "hedge": "1s"}, "privateAddresses": {"allow": ["a.example"]}},
        {"blockedTtl": 60, "rules": [{"block": ["a.example"], "answer": None}]},
        {"blockedTtl": "5m", "rules": [{"block": ["a.example"], "answer": "2001:db8::1"}]},
    ]
    for spec in forms:
        answer = kinds.try_to_create(_object("Policy", "keyhole", "one", **spec))
        assert answer.is_success, message(answer)
        assert answer.json()["spec"] == spec, "nothing is added, and nothing is taken out"
    hop = {"protocol": "doh_cleartext", "addresses": ["10.0.0.1"], "insecure": "mesh"}
    answer = kinds.try_to_create(_object("Upstream", "keyhole", "hop", **hop, path="/q"))
    assert answer.is_success, message(answer)
    answer = kinds.try_to_create(_object("Policy", "keyhole", "one", shape="round"))
    assert "unknown field" in message(answer)
    answer = kinds.try_to_create(_object("Policy", "keyhole", "x" * 64, subjects=[]))
    assert "a name of at most 63 characters" in message(answer)


_DELEGATED: list[tuple[str, dict[str, Any], str]] = [
    ("Policy", {"subjects": [f"{_SHOP}/sa/web", f"{_SHOP}/*"], "blockedTtl": 5}, ""),
    ("List", {"entries": "a.example\n", "kind": "allow"}, ""),
    ("Policy", {}, "the default policy belongs to keyhole"),
    ("Policy", {"subjects": None}, "the default policy belongs to keyhole"),
    ("Policy", {"subjects": ["spiffe://keyhole.internal/ns/bank/*"]}, "spec.subjects"),
    ("Policy", {"subjects": ["spiffe://keyhole.internal/ns/shopping/*"]}, "spec.subjects"),
    ("Policy", {"subjects": [f"{_SHOP}/*", "cidr:0.0.0.0/0"]}, "spec.subjects"),
    ("Policy", {"subjects": ["spiffe://keyhole-internal/ns/shop/*"]}, "spec.subjects"),
    ("Policy", {"subjects": [], "upstreams": ["other"]}, "spec.upstreams"),
    ("Policy", {"subjects": [], "tunneling": "off"}, "spec.tunneling"),
    ("Policy", {"subjects": [], "log": "none"}, "spec.log"),
    ("Policy", {"subjects": [], "mode": "observe"}, "spec.mode"),
    ("Policy", {"subjects": [], "privateAddresses": "allow"}, "spec.privateAddresses"),
    ("Policy", {"subjects": [], "specialNames": {"forward": ["internal"]}}, "spec.specialNames"),
    ("Policy", {"subjects": [], "lists": "ads"}, ""),
    ("Policy", {"subjects": [], "lists": ["ads", "own"]}, ""),
    ("Policy", {"subjects": [], "lists": {"names": ["ads"], "answer": "nodata"}}, ""),
    ("Policy", {"subjects": [], "lists": [["ads"]]}, "spec.lists"),
    ("Policy", {"subjects": [], "lists": 7}, "spec.lists"),
    ("Policy", {"subjects": [], "lists": {"names": [["ads"]]}}, "spec.lists"),
    ("Policy", {"subjects": [], "lists": {"names": ["ads"], "x": "y"}}, "spec.lists"),
    ("List", {"urls": ["https://lists.example/a"]}, "spec.urls"),
    ("List", {"files": ["/etc/hosts"]}, "spec.files"),
    ("List", {"entries": "a.example\n", "policies": ["base"]}, "spec.policies"),
    ("List", {"entries": "a.example\n", "guard": False}, "spec.guard"),
    ("Client", {"tokens": ["phone"]}, "only the namespace keyhole has documents of kind Client"),
    ("Record", {"name": "a.example", "a": ["192.0.2.1"]}, "only the namespace keyhole has"),
]


def test_admission_and_control_refuse_the_same_of_another_namespace(
    kinds: Objects, rendered: list[Object]
) -> None:
    section = _section(rendered)
    rules = Delegation(
        section["namespace"],
        tuple(section["namespaces"]),
        tuple(section["include"]),
        tuple(section["upstreams"]),
        tuple(section["trust_domains"]),
    )
    for kind, spec, why in _DELEGATED:
        answer = kinds.try_to_create(_object(kind, "shop", "one", **spec))
        problems = rules.problems(resource(kind, "shop", "one", spec))
        assert answer.is_success == (not why), (kind, spec, answer.text)
        assert bool(problems) == bool(why), (kind, spec)
        assert not why or why in message(answer)
        if why.startswith("spec."):
            assert problems[0].path.startswith(why)
    answer = kinds.try_to_create(_object("Policy", "bank", "one", subjects=[]))
    assert "the namespace bank has no documents" in message(answer)


def test_a_pod_reaches_the_server_by_its_account_and_each_new_token(
    kinds: Objects, kubernetes: KubernetesApi, tmp_path: Path
) -> None:
    (tmp_path / "ca.crt").write_bytes(kubernetes.authority.root.read_bytes())
    (tmp_path / "token").write_text("of yesterday")
    host, port = kubernetes.url.removeprefix("https://").split(":")
    path = path_of(API_VERSION, "policies", "shop")

    async def life() -> None:
        api = ClusterApi(in_pod(tmp_path, host, port))
        try:
            with pytest.raises(MeshError, match="status 401"):
                await api.get(path, {})
            (tmp_path / "token").write_text(_token(kubernetes))
            assert (await api.get(path, {}))["kind"] == "PolicyList"
            with pytest.raises(MeshError, match="status 403"):
                await api.get(path_of("v1", "secrets", "keyhole"), {})
            (tmp_path / "token").write_text(ADMIN)
            with pytest.raises(NotThereError, match=r"definitions.yaml makes it"):
                await api.get(path_of(API_VERSION, "lists", "shop"), {})
        finally:
            await api.close()

    asyncio.run(life())


def _token(kubernetes: KubernetesApi) -> str:
    """A token of the service account of control."""
    words = ("create", "token", "keyhole-control", "-n", "keyhole")
    return kubernetes.must(kubernetes.kubectl(*words)).strip()


def _section(rendered: list[Object]) -> dict[str, Any]:
    """The section ``kubernetes`` of the settings of control."""
    (settings,) = [
        yaml.safe_load(one["data"]["keyhole.yaml"])
        for one in rendered
        if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "keyhole-control-settings"
    ]
    section: dict[str, Any] = settings["kubernetes"]
    return section


class Watching:
    """A control that watches, with the service account and the settings of the chart."""

    def __init__(self, resolver: Resolver, objects: Objects) -> None:
        self.resolver = resolver
        self.objects = objects

    def ready(self, one: Object) -> dict[str, Any]:
        """The condition of an object, once it is about its newest version."""

        def look() -> dict[str, Any] | None:
            tree = self.objects.client.get(self.objects.path(one)).json()
            found: list[dict[str, Any]] = tree.get("status", {}).get("conditions", [])
            is_new = bool(found) and (
                found[0]["observedGeneration"] == tree["metadata"]["generation"]
            )
            return found[0] if is_new else None

        return until(look, f"{one['kind']} {one['metadata']['name']} has a status")

    def put(self, one: Object) -> dict[str, Any]:
        """Applies an object, and gives its condition."""
        answer = self.objects.apply(one)
        assert answer.is_success, message(answer)
        return self.ready(one)

    def outcome(self, name: str, who: str) -> str:
        """What would happen to a query."""
        done = self.resolver.command("explain", name, "--as", who, "--no-lookup", "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return str(found["reason"])


@pytest.fixture
def watching(
    kinds: Objects, kubernetes: KubernetesApi, rendered: list[Object], tmp_path: Path
) -> Iterator[Watching]:
    """It runs, and nothing of it is left afterwards."""
    access = kubernetes.write_kubeconfig("control", {"token": _token(kubernetes)})
    resolver = Resolver(tmp_path / "resolver", Authority(tmp_path / "authority"))
    block = [{"block": ["never.example"], "important": True}]
    resolver.write(
        resolver.upstream(1, "forwarder"), document("Policy", "base", subjects=[], rules=block)
    )
    resolver.configure(kubernetes={**_section(rendered), "kubeconfig": str(access)})
    resolver.start()
    yield Watching(resolver, kinds)
    resolver.stop()


def test_control_puts_objects_in_force_and_writes_their_status(
    watching: Watching, kubernetes: KubernetesApi
) -> None:
    record = _object("Record", "keyhole", "printer", name="printer.example", a=["192.0.2.7"])
    ads = _object("List", "shop", "ads", entries="ads.example\n")
    web = _object(
        "Policy",
        "shop",
        "web",
        subjects=[f"{_SHOP}/*"],
        lists=["ads"],
        rules=[{"allow": ["never.example"]}, {"block": ["mine.example"]}],
        default="allow",
    )
    assert watching.put(record)["status"] == "True"
    assert watching.put(ads)["reason"] == "InForce"
    assert watching.put(web)["message"] == "it is in force"
    answer = watching.resolver.try_ask("printer.example")
    assert answer is not None
    assert answer.addresses == ["192.0.2.7"]
    mine = f"{_SHOP}/sa/web"
    assert watching.outcome("ads.example", mine) == "blocked_by_list"
    assert watching.outcome("mine.example", mine) == "blocked_by_rule"
    assert watching.outcome("never.example", mine) == "blocked_by_rule", "the operator's wins"

    # A mistake that no schema can say keeps the version before.
    web["spec"]["rules"] = [{"block": ["/(/"]}]
    said = watching.put(web)
    assert (said["status"], said["reason"]) == ("False", "Invalid")
    assert said["message"].startswith("spec.rules[0].block[0]: ")
    assert said["message"].endswith("; the version before it stays in force")
    assert watching.outcome("mine.example", mine) == "blocked_by_rule"
    # The server tells of a category some moments after its kinds are there.
    until(lambda: kubernetes.kubectl("get", "keyhole", "-A").returncode == 0, "kinds of a category")
    table = kubernetes.must(kubernetes.kubectl("get", "keyhole", "-A"))
    assert "Invalid" in table
    events = kubernetes.must(kubernetes.kubectl("get", "events", "-n", "shop"))
    assert "policy/web" in events

    # The page shows where it comes from, and lets nobody change it there.
    shown = watching.resolver.api("GET", "/documents/Policy/shop.web")
    assert shown.json()["origin"] == "declared"
    assert shown.json()["file"] == "kubernetes shop/web"
    seen = {"if-match": shown.headers["etag"]}
    refused = watching.resolver.api("DELETE", "/documents/Policy/shop.web", headers=seen)
    assert not refused.is_success
    assert "declared in kubernetes shop/web; change it there" in refused.text
    status = watching.resolver.command("status")
    assert "kubernetes" not in status.stdout.lower(), "what others write wrong is theirs"

    for one in (web, ads, record):
        watching.objects.delete(one)
    watching.resolver.wait_for(
        lambda: watching.outcome("mine.example", mine) != "blocked_by_rule", "it is gone"
    )


def test_control_refuses_by_itself_what_was_there_before_the_rules(
    watching: Watching, kinds: Objects, rendered: list[Object]
) -> None:
    (binding,) = [one for one in rendered if one["kind"] == "ValidatingAdmissionPolicyBinding"]
    greedy = _object("Policy", "shop", "greedy", subjects=["cidr:0.0.0.0/0"], default="allow")
    kinds.delete(binding)
    until(lambda: kinds.try_to_create(greedy).is_success, "the rules are gone")
    said = watching.put(greedy)
    assert (said["status"], said["reason"]) == ("False", "NotDelegated")
    assert said["message"].startswith("spec.subjects[0]: cidr:0.0.0.0/0 is not of the namespace")
    kinds.delete(greedy)
    assert kinds.apply(binding).is_success


def test_of_a_file_and_an_object_with_one_name_the_file_counts_and_both_are_named(
    watching: Watching,
) -> None:
    twin = _object("Policy", "keyhole", "base", subjects=[])
    said = watching.put(twin)
    assert said["reason"] == "Invalid"
    assert "Policy/base is declared already at policy-base.yaml:1" in said["message"]
    found = watching.resolver.command("status")
    assert "Policy keyhole/base: metadata.name" in found.stdout + found.stderr
    watching.objects.delete(twin)
