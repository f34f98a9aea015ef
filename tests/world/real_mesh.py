"""Keyhole in a real mesh: the chart on a real API server, injected by a real istiod, its pods with
Istio's agent and Envoy in front of real processes of Keyhole."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import BLOCK
from tests.world.certificates import Authority
from tests.world.istiod import istiod
from tests.world.kubelet import Kubelet
from tests.world.kubernetes_api import KubernetesApi
from tests.world.kubernetes_objects import Object, Objects
from tests.world.mesh_pod import MeshPod
from tests.world.network import Network
from tests.world.tools import find
from tests.world.upstream import Upstream
from tests.world.waiting import until
from tests.world.workloads import pods_of
from tools import istio, kubernetes_api
from tools.chart import ROOT, template
from tools.cluster_tools import find_helm, has_schemas
from tools.mesh_tests import MARK

UPSTREAM, UNLISTED = "203.0.113.10", "203.0.113.66"
ALLOWED, OTHER = "192.0.2.1", "192.0.2.2"
"""Where people are: the page is for the first one."""
RESOLVER = "10.96.0.53"
PAGE = "keyhole.example.org"
STRANGER, GATEWAY = "stranger", "keyhole-page-istio-0"
NETSHOOT = "spiffe://cluster.local/ns/client/sa/netshoot"
VALUES = {
    "mode": "sidecar",
    "namespace.create": "true",
    "resolver.identity": "proxy",
    "ingress.api": "gateway-api",
    "ingress.host": PAGE,
    "ingress.allow": f"{{{ALLOWED}/32}}",
    "forwarder.upstreams[0].name": "test",
    "forwarder.upstreams[0].serverName": "upstream.example.org",
    "forwarder.upstreams[0].addresses": f"{{{UPSTREAM}}}",
}
_GUIDE = (ROOT / "docs/guides/kubernetes.md").read_text()
RECIPE = (ROOT / "docs/guides/recipe.md").read_text()
_JOIN = "umask 077; mkdir join"
_PROGRAMS = ("ip", "iptables", "nsenter", "unshare", "setpriv", "sysctl", "dig", "curl", "jq")
_ROOT_FILE = "root.pem"


def why_not() -> str:
    """Why there can be no such mesh here; empty if there can."""
    if MARK not in os.environ:
        return "a mesh runs in namespaces of its own, as root; ./dev test mesh makes them"
    if not (istio.is_complete() and kubernetes_api.is_complete()):
        return "no istiod or API server in the cache; ./dev test mesh builds them once"
    if not (find_helm() and has_schemas()):
        return "no helm or no resource definitions in the cache; ./dev test-tools fetches them"
    if missing := [one for one in _PROGRAMS if shutil.which(one) is None]:
        return f"not installed: {', '.join(missing)}"
    tried = [find("setpriv"), "--reuid=65532", "--regid=65532", "--clear-groups"]
    tried += [sys.executable, "-c", "import keyhole"]
    done = subprocess.run(tried, capture_output=True, text=True, check=False, cwd="/")
    return f"other users cannot run Keyhole here: {done.stderr}" if done.returncode else ""


_WHY_NOT = why_not()
needs_mesh = pytest.mark.skipif(bool(_WHY_NOT), reason=_WHY_NOT)


class Mesh:
    """The cluster, what is outside of it, and the pods that run."""

    def __init__(
        self, api: KubernetesApi, network: Network, upstream: Upstream, authority: Authority
    ) -> None:
        self.api = api
        self.objects = Objects(api)
        self.network = network
        self.kubelet = Kubelet(self.objects, network)
        self.upstream = upstream
        self.authority = authority
        self.folder = api.folder.parent
        self._templates: dict[str, Object] = {}
        self._shim()

    def install(self) -> None:
        """Applies what the chart renders, and starts its pods as the guide says."""
        self.upgrade({})
        # A controller would do it.
        metadata = {"name": "kube-root-ca.crt", "namespace": "keyhole"}
        data = {"ca.crt": self.api.authority.root.read_text()}
        root = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        assert self.objects.apply(root).is_success
        self.start(self.pod("keyhole-control"), self.pod("keyhole-forwarder"))
        self.shell(_block(_JOIN))
        self.shell(line_of_the_guide("kubectl apply -f deploy/client"))
        netshoot = self.kubelet.adopt("client", "netshoot")
        self.start(
            self.pod("keyhole-resolver"),
            self.pod("keyhole-resolver", 1),
            netshoot,
            self._stranger(netshoot),
            self._gateway(),
        )

    def _stranger(self, netshoot: MeshPod) -> MeshPod:
        """A pod that differs from the client of the guide in its service account alone."""
        account = {"name": STRANGER, "namespace": "client"}
        tree = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}
        assert self.objects.apply(tree).is_success
        text = (ROOT / "deploy/client/netshoot.yaml").read_text()
        (pod,) = [one for one in yaml.safe_load_all(text) if one["kind"] == "Pod"]
        pod["metadata"]["name"] = pod["spec"]["serviceAccountName"] = STRANGER
        assert pod["spec"]["serviceAccountName"] != netshoot.spec["serviceAccountName"]
        return self.kubelet.create(pod)

    def _gateway(self) -> MeshPod:
        """The pod that istiod wants for the Gateway of the page."""
        pair = self.authority.issue(PAGE)
        secret = f"kubectl create secret tls keyhole-page -n keyhole --cert={pair.certificate}"
        self.shell(f"{secret} --key={pair.key}")
        path = "/apis/apps/v1/namespaces/keyhole/deployments/keyhole-page-istio"

        def wanted() -> Object | None:
            answer = self.objects.client.get(path)
            return dict(answer.json()) if answer.is_success else None

        found = until(wanted, "istiod has made a Deployment for the Gateway")
        template = found["spec"]["template"]
        metadata = {**template["metadata"], "name": GATEWAY, "namespace": "keyhole"}
        tree = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        return self.kubelet.create(tree)

    def pod(self, workload: str, number: int = 0) -> MeshPod:
        """Creates a pod of a StatefulSet, as its controller would; not started."""
        text = yaml.safe_dump(self._templates[f"{workload}-0"])
        # Its name, and the names of its claims.
        tree = yaml.safe_load(text.replace(f"{workload}-0", f"{workload}-{number}"))
        return self.kubelet.create(tree)

    def upgrade(self, values: dict[str, str]) -> None:
        """Applies what the chart renders with other values too; pods stay as they are."""
        rendered = [_fit(one, self.authority) for one in _rendered({**VALUES, **values})]
        for one in rendered:
            answer = self.objects.apply(one)
            assert answer.is_success, f"{one['kind']} {one['metadata']['name']}: {answer.text}"
        self._templates = {pod["metadata"]["name"]: pod for pod in pods_of(rendered)}

    def in_pod(self, client: str, line: str) -> str:
        """What a command in a client's pod prints, whether it succeeds or not."""
        return self.shell(f"kubectl exec -n client {client} -- {line} || true").strip()

    def identities(self, *names: str) -> dict[str, set[str]]:
        """Who asked for each of the names, by the log of control, when it has all of them."""
        command = (
            "kubectl exec -n keyhole keyhole-control-0 -c control -- keyhole log --json --since 1h"
        )

        def logged() -> dict[str, set[str]] | None:
            found: dict[str, set[str]] = {}
            for name in names:
                lines = self.shell(f"{command} --name {name}").splitlines()
                found |= {name: {json.loads(line)["identity"] for line in lines}} if lines else {}
            return found if len(found) == len(names) else None

        return until(logged, f"queries for {', '.join(names)} are in the log of control")

    def restart(self, workload: str, number: int) -> None:
        """Puts a new pod in the place of one that has ended, with its volume."""
        self.kubelet.remove(self[f"{workload}-{number}"])
        self.start(self.pod(workload, number))

    def start(self, *pods: MeshPod) -> None:
        """Starts pods, at the same time."""
        self.kubelet.start(*pods)

    def __getitem__(self, name: str) -> MeshPod:
        return self.kubelet.pods[name]

    def shell(self, script: str) -> str:
        """What a script prints, with kubectl."""
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script],
            cwd=self.folder / "shell",
            env={
                "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
                "HOME": str(self.folder),
                "KUBECONFIG": str(self.api.kubeconfig),
            },
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
        return done.stdout

    def _shim(self) -> None:
        """A kubectl whose ``exec`` enters containers of the test: there is no kubelet for it."""
        for name in ("bin", "shell"):
            (self.folder / name).mkdir()
        (self.folder / "shell" / "deploy").symlink_to(ROOT / "deploy")
        shim = self.folder / "bin" / "kubectl"
        shim.write_text(_KUBECTL.format(real=kubernetes_api.kubectl()))
        shim.chmod(0o755)


_KUBECTL = """#!/bin/sh
set -e
[ "$1" = exec ] || exec {real} "$@"
shift
container=
while [ "$1" != -- ]; do
  case $1 in
    -n) namespace=$2; shift 2 ;;
    -c) container=$2; shift 2 ;;
    *) pod=$1; shift ;;
  esac
done
shift
folder=/run/pods/$namespace/$pod
. "$folder/${{container:-$(cat "$folder/first")}}/enter"
"""


def _block(start: str) -> str:
    (found,) = [block for _, block in BLOCK.findall(_GUIDE) if block.startswith(start)]
    return str(found)


def line_of_the_guide(start: str, page: str = _GUIDE) -> str:
    """The command of the guide that starts so."""
    lines = [line for _, block in BLOCK.findall(page) for line in block.splitlines()]
    (found,) = [line for line in lines if line.startswith(start)]
    return str(found)


def _rendered(values: dict[str, str]) -> list[Object]:
    found = yaml.load_all(template(values, hooks=False), yaml.CSafeLoader)
    return [one for one in found if one]


def _fit(one: Object, authority: Authority) -> Object:
    """Two things that are not there: an upstream with a public certificate, and the filter of
    Istio's own Envoy that counts."""
    if one["kind"] == "Telemetry":
        del one["spec"]["metrics"]
    if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "keyhole-forwarder-documents":
        (name,) = one["data"]
        documents = list(yaml.safe_load_all(one["data"][name]))
        for document in documents:
            if document["kind"] == "Upstream":
                document["spec"]["ca"] = f"/etc/keyhole/documents/{_ROOT_FILE}"
        one["data"] = {name: yaml.safe_dump_all(documents), _ROOT_FILE: authority.root.read_text()}
    return one


@contextmanager
def real_mesh(folder: Path, authority: Authority) -> Iterator[Mesh]:
    """Everything, from the database of the API server to two resolvers that answer."""
    with ExitStack() as stack:
        network = Network()
        outside = network.add("upstream", UPSTREAM)
        pair = authority.issue("upstream.example.org", UPSTREAM)
        upstream = Upstream(pair, protocol="doh", address=UPSTREAM, port=443)
        with outside.inside():
            stack.enter_context(upstream)
        api = stack.enter_context(KubernetesApi(folder / "api"))
        api.install_definitions()
        mesh = Mesh(api, network, upstream, authority)
        stack.callback(mesh.kubelet.stop)
        stack.enter_context(istiod(api, mesh.objects, folder / "istiod"))
        mesh.install()
        yield mesh
