"""The commands of the guide to Kubernetes, run as they stand there against a real API server."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyhole.mesh.documents.kinds import GROUP, PLURALS
from keyhole.mesh.render import MODES
from tests.docs.pages import BLOCK
from tests.world.kubernetes_api import KubernetesApi, message, needs_kubernetes
from tests.world.kubernetes_objects import Objects
from tests.world.resolver import Resolver
from tests.world.waiting import until
from tools.chart import MANIFESTS, ROOT

# The first test waits for the server to start.
pytestmark = [needs_kubernetes, pytest.mark.timeout(900)]
Object = dict[str, Any]
_GUIDE = (ROOT / "docs/guides/kubernetes.md").read_text()
_LINES = [
    " ".join(line.split())
    for _, block in BLOCK.findall(_GUIDE)
    for line in block.replace("\\\n", " ").splitlines()
]
_NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "keyhole"}}


def _line(start: str, about: str = "") -> list[str]:
    (found,) = [line for line in _LINES if line.startswith(start) and about in line]
    return shlex.split(found)


class Shell:
    """Runs commands in a folder that has ours, and fails with what a command says."""

    def __init__(self, api: KubernetesApi, folder: Path) -> None:
        self._api = api
        self.folder = folder
        (folder / "deploy").symlink_to(ROOT / "deploy")

    def __call__(self, *words: str) -> str:
        return self._api.must(self._api.run(*words, folder=self.folder))

    def get(self, kind: str, name: str) -> Object | None:
        """An object of the installation, if it is there."""
        words = ("kubectl", "get", kind, name, "-n", "keyhole", "--ignore-not-found", "-o", "yaml")
        found: Object | None = yaml.safe_load(self(*words))
        return found


@pytest.fixture
def shell(kubernetes: KubernetesApi, cluster: Objects, tmp_path: Path) -> Iterator[Shell]:
    """A shell, and a cluster in which nothing is left after the test."""
    yield Shell(kubernetes, tmp_path)
    cluster.delete(_NAMESPACE)


def test_helm_installs_upgrades_and_leaves_nothing(shell: Shell, cluster: Objects) -> None:
    before = cluster.everything()
    shell(*_line("helm install"))
    installed = cluster.everything() - before
    assert {"StatefulSet keyhole/keyhole-resolver", "Namespace /keyhole"} <= installed
    join = shell.folder / "join"
    join.mkdir()
    (join / "keyhole-resolver-0").write_text("khe1.token")
    assert "secret/keyhole-join created" in shell(*_line("kubectl create secret"))

    shell(*_line("helm upgrade", "ingress"))
    assert shell.get("httproutes", "keyhole-page")
    settings = shell.get("configmap", "keyhole-control-settings")
    assert settings is not None
    assert "keyhole.example.org" in settings["data"]["keyhole.yaml"]
    values = ("--set", "ingress.api=none", "--set", "resolver.replicas=3")
    upgrade = ("helm", "upgrade", "keyhole", "deploy/helm/keyhole", "-n", "keyhole")
    shell(*upgrade, "--reuse-values", *values)
    resolver = shell.get("statefulset", "keyhole-resolver")
    assert resolver is not None
    assert resolver["spec"]["replicas"] == 3
    assert shell.get("httproutes", "keyhole-page") is None

    shell("kubectl", "create", "namespace", "shop")
    shell(*_line("helm upgrade", "documents.source"))
    kinds = {f"CustomResourceDefinition /{plural}.{GROUP}" for plural in PLURALS.values()}
    rules = {"ValidatingAdmissionPolicy /keyhole-delegation", "RoleBinding shop/keyhole-documents"}
    assert {*kinds, *rules} <= cluster.everything() - before

    shell("helm", "uninstall", "keyhole", "-n", "keyhole")
    left = cluster.everything() - before
    kept = {"Namespace /keyhole", "Namespace /shop", "Secret keyhole/keyhole-join"}
    assert left == {*kept, *kinds}, "ours are gone, and nobody's documents"
    shell("kubectl", "delete", "crd", *(f"{plural}.{GROUP}" for plural in PLURALS.values()))
    cluster.delete({**_NAMESPACE, "metadata": {"name": "shop"}})
    shell("kubectl", "delete", "secret", "keyhole-join", "-n", "keyhole")
    assert before - cluster.everything() == set(), "nothing of others is gone"


def test_the_addresses_of_a_sandwich_are_taken_and_its_class_ends_with_it(
    shell: Shell, cluster: Objects
) -> None:
    before = cluster.everything()
    values = ("--set", "mode=ambient", "--set", "resolver.identity=proxy")
    shell(*_line("helm install"), *values)
    assert "GatewayClass /keyhole-proxy" in cluster.everything() - before
    shell(*_line("kubectl patch gateway"))
    gateway = shell.get("gateways.gateway.networking.k8s.io", "keyhole-proxy")
    assert gateway is not None
    assert gateway["status"]["addresses"] == [{"type": "IPAddress", "value": "10.244.1.7"}]
    shell("helm", "uninstall", "keyhole", "-n", "keyhole")
    assert cluster.everything() - before == {"Namespace /keyhole"}


@pytest.mark.parametrize("mode", MODES)
def test_kubectl_applies_the_manifests_and_nothing_of_them_changes_by_itself(
    shell: Shell, mode: str
) -> None:
    file = str(MANIFESTS / mode / "keyhole.yaml")
    count = sum(1 for one in yaml.safe_load_all(Path(file).read_text()) if one)
    first = shell("kubectl", "apply", "-f", file).splitlines()
    stored = _versions(shell, file)
    shell("kubectl", "apply", "-f", file)
    again = _versions(shell, file)
    shell("kubectl", "delete", "--wait=false", "-f", file)
    assert [line.split()[1] for line in first] == ["created"] * count
    assert len(stored) == count
    assert stored == again, "nothing was stored anew"


def _versions(shell: Shell, file: str) -> list[str]:
    """The version of each object of a file, which changes with each change that is stored."""
    form = '-o=jsonpath={range .items[*]}{.metadata.name}={.metadata.resourceVersion}{"\\n"}{end}'
    return shell("kubectl", "get", "-f", file, form).splitlines()


def test_the_client_of_the_guide_is_admitted(shell: Shell, cluster: Objects) -> None:
    line = _line("kubectl apply")
    assert "pod/netshoot created" in shell(*line)
    text = (ROOT / line[-1]).read_text()
    cluster.delete_all(yaml.safe_load_all(text))


def test_pods_of_a_labelled_namespace_get_keyhole_as_their_nameserver(cluster: Objects) -> None:
    text = (ROOT / "deploy/client/dns-config.yaml").read_text()
    policies = list(yaml.safe_load_all(text))
    address = re.findall(r'nameservers: \["([0-9.]+)"\]', text)
    spaces = {
        "asks": {"keyhole.dev/dns": "tcp"},
        "sidecars": {"keyhole.dev/dns": "tcp", "istio-injection": "enabled"},
        "revisions": {"keyhole.dev/dns": "tcp", "istio.io/rev": "default"},
        "others": {},
    }
    namespaces = [
        {**_NAMESPACE, "metadata": {"name": name, "labels": labels}}
        for name, labels in spaces.items()
    ]
    for one in (*namespaces, *policies):
        answer = cluster.apply(one)
        assert answer.is_success, message(answer)
        account = {"apiVersion": "v1", "kind": "ServiceAccount"}
        if one["kind"] == "Namespace":
            name = {"name": "default", "namespace": one["metadata"]["name"]}
            assert cluster.apply({**account, "metadata": name}).is_success

    def servers(namespace: str, labels: dict[str, str] | None = None, **spec: object) -> list[str]:
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "x", "namespace": namespace, "labels": labels or {}},
            "spec": {"containers": [{"name": "x", "image": "x"}], **spec},
        }
        answer = cluster.try_to_create(pod)
        assert answer.is_success, message(answer)
        found: list[str] = answer.json()["spec"].get("dnsConfig", {}).get("nameservers", [])
        return found

    until(lambda: servers("asks") == address, "the policy is in force")
    assert servers("others") == []
    assert servers("sidecars") == []
    assert servers("revisions") == []
    assert servers("asks", {"sidecar.istio.io/inject": "true"}) == []
    assert servers("asks", {"sidecar.istio.io/inject": "false"}) == address
    assert servers("asks", hostNetwork=True) == []
    own = {"nameservers": ["192.0.2.1"]}
    assert servers("asks", dnsPolicy="None", dnsConfig=own) == ["192.0.2.1"]
    accounts = [{**account, "metadata": {"name": "default", "namespace": name}} for name in spaces]
    cluster.delete_all([*policies, *accounts, *namespaces])


def test_mesh_status_says_of_each_workload_how_its_queries_arrived(
    kubernetes: KubernetesApi, cluster: Objects, resolver: Resolver
) -> None:
    resolver.start()
    assert resolver.server.ask("www.example.org", transport="tcp").addresses
    text = (ROOT / "deploy/client/netshoot.yaml").read_text()
    objects = list(yaml.safe_load_all(text))
    for one in objects:
        assert cluster.apply(one).is_success
    path = f"{cluster.path(objects[-1])}/status"
    start = {"startTime": "2026-01-01T00:00:00Z"}
    address = {"status": {"podIPs": [{"ip": "127.0.0.1"}], "podIP": "127.0.0.1", **start}}
    kind = {"content-type": "application/merge-patch+json"}
    assert cluster.client.patch(path, json=address, headers=kind).is_success
    words = ("mesh", "status", "--kubeconfig", str(kubernetes.kubeconfig), "--namespace", "client")

    def told() -> Object | None:
        done = resolver.command(*words, "--json")
        (one,) = json.loads(done.stdout)["workloads"]
        return {"code": done.returncode, **one} if one["queries"] else None

    one = until(told, "the query is in the history")
    assert one["workload"] == "client/netshoot"
    # Nobody knows this pod but by its address.
    assert (one["code"], one["encrypted"], one["authenticated"]) == (1, "no", "no")
    shown = resolver.command(*words).stdout.splitlines()
    words_shown = shown[1].split()
    assert [*words_shown[:3], *words_shown[4:7]] == [
        "client/netshoot",
        "1",
        "-",
        "no",
        "no",
        "home",
    ]
    assert shown[-2:] == [
        "1 workload: 1 not protected, 0 asked nothing",
        "0 queries of clients that are no workload here, 0 not protected",
    ]
    cluster.delete_all(objects)
