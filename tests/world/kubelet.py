"""What kubelet does, for pods of a real API server: it mounts, runs the containers, and reports.

It does the work of a network plugin and of the controller of endpoints, too.
"""

import base64
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import httpx2

from tests.world.container import WORLD
from tests.world.kubernetes_objects import Object, Objects
from tests.world.mesh_pod import MeshPod
from tests.world.network import ROUTER, Network
from tests.world.waiting import until


class Kubelet:
    """All pods of the test, on one node."""

    def __init__(self, objects: Objects, network: Network) -> None:
        self.objects = objects
        self.network = network
        self.pods: dict[str, MeshPod] = {}
        self._lock = Lock()
        shutil.rmtree(WORLD, ignore_errors=True)
        WORLD.mkdir(mode=0o755)

    def create(self, tree: Object) -> MeshPod:
        """Creates a pod, which the webhooks may change; not started."""
        folder = self.objects.path(tree).rpartition("/")[0]
        answer = self.objects.client.post(folder, json=tree)
        assert answer.is_success, answer.text
        assert "warning" not in answer.headers, answer.headers["warning"]
        return self._add(answer.json())

    def adopt(self, namespace: str, name: str) -> MeshPod:
        """A pod that somebody has created; not started."""
        answer = self.objects.client.get(f"/api/v1/namespaces/{namespace}/pods/{name}")
        assert answer.is_success, answer.text
        return self._add(answer.json())

    def _add(self, stored: Object) -> MeshPod:
        # Commands that a test calls in its own process leave a narrower one behind.
        os.umask(0o022)
        name = stored["metadata"]["name"]
        self.pods[name] = MeshPod(self, stored, self.network.add(name))
        return self.pods[name]

    def remove(self, pod: MeshPod) -> None:
        """Takes a pod that has ended off the cluster; its claims stay."""
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"
        answer = self.objects.client.delete(path, params={"gracePeriodSeconds": 0})
        assert answer.is_success, answer.text
        del self.pods[pod.name]
        pod.host.remove()
        shutil.rmtree(pod.folder)

    def start(self, *pods: MeshPod) -> None:
        """Starts pods, as many at the same time as there are processors: more would only take time
        from each other, and an engine has to be ready within its own."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for done in [pool.submit(pod.start) for pod in pods]:
                done.result()

    def files_of(self, pod: MeshPod, volume: Object) -> dict[str, str]:
        """The files of a volume that is made of objects."""
        files: dict[str, str] = {}
        for source in volume.get("projected", {}).get("sources", [volume]):
            if one := source.get("configMap"):
                data = self._get(pod, "configmaps", one["name"])["data"]
                files |= _chosen(data, one)
            elif one := source.get("secret"):
                data = self._get(pod, "secrets", one.get("secretName", one.get("name")))["data"]
                texts = {name: base64.b64decode(text).decode() for name, text in data.items()}
                files |= _chosen(texts, one)
            elif one := source.get("serviceAccountToken"):
                files[one["path"]] = self._token(pod, one.get("audience"))
            elif one := source.get("downwardAPI"):
                for item in one["items"]:
                    files[item["path"]] = pod.field(item["fieldRef"]["fieldPath"])
        return files

    def _get(self, pod: MeshPod, plural: str, name: str) -> Object:
        path = f"/api/v1/namespaces/{pod.namespace}/{plural}/{name}"

        def there() -> httpx2.Response | None:
            answer = self.objects.client.get(path)
            return answer if answer.is_success else None

        found: Object = until(there, f"{path} is there").json()
        return found

    def _token(self, pod: MeshPod, audience: str | None) -> str:
        account = pod.spec["serviceAccountName"]
        path = f"/api/v1/namespaces/{pod.namespace}/serviceaccounts/{account}/token"
        metadata = pod.tree["metadata"]
        bound = {"kind": "Pod", "apiVersion": "v1", "name": pod.name, "uid": metadata["uid"]}
        audiences = {"audiences": [audience]} if audience else {}
        spec = {**audiences, "boundObjectRef": bound}
        answer = self.objects.client.post(path, json={"spec": spec})
        assert answer.is_success, answer.text
        return str(answer.json()["status"]["token"])

    def report(self, pod: MeshPod) -> None:
        """Writes the status of a pod, and the endpoints of all Services anew."""
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/status"
        ready = {"type": "Ready", "status": str(pod.is_ready)}
        status = {
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "hostIP": ROUTER,
            "conditions": [ready],
        }
        answer = self.objects.client.patch(
            path,
            json={"status": status},
            headers={"content-type": "application/merge-patch+json"},
        )
        assert answer.is_success, answer.text
        with self._lock:
            self._publish()

    def _publish(self) -> None:
        for service in self.objects.client.get("/api/v1/services").json()["items"]:
            selector = service["spec"].get("selector")
            if selector:
                answer = self.objects.apply(self._slice(service, selector))
                assert answer.is_success, answer.text

    def _slice(self, service: Object, selector: Object) -> Object:
        metadata, spec = service["metadata"], service["spec"]
        early = bool(spec.get("publishNotReadyAddresses"))
        endpoints = [
            {
                "addresses": [pod.address],
                "conditions": {
                    "ready": pod.is_ready or early,
                    "serving": pod.is_ready or early,
                    "terminating": pod.is_ending,
                },
                "nodeName": "node",
                "targetRef": {"kind": "Pod", "name": pod.name, "namespace": pod.namespace},
            }
            for pod in self.pods.values()
            if pod.namespace == metadata["namespace"] and selector.items() <= pod.labels.items()
        ]
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{metadata['name']}-pods",
                "namespace": metadata["namespace"],
                "labels": {"kubernetes.io/service-name": metadata["name"]},
            },
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [
                {"name": port.get("name", ""), "port": port["targetPort"], "protocol": "TCP"}
                for port in spec["ports"]
            ],
        }

    def stop(self) -> None:
        """Ends all pods at once."""
        for pod in self.pods.values():
            pod.kill()


def _chosen(data: Mapping[str, str], source: Object) -> dict[str, str]:
    if "items" not in source:
        return dict(data)
    return {item["path"]: data[item["key"]] for item in source["items"]}
