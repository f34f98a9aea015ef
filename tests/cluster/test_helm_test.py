"""``helm test`` of an installation on a real API server: its pod asks a real resolver, or fails.

There is no kubelet: the test runs the command of that pod, and writes how it ended."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.world.kubernetes_api import KubernetesApi, needs_kubernetes
from tests.world.kubernetes_objects import Objects
from tests.world.process import run_keyhole
from tests.world.resolver import Resolver, document
from tools.chart import CHART

# The first test waits for the server to start.
pytestmark = [needs_kubernetes, pytest.mark.timeout(900)]
_POD = "/api/v1/namespaces/keyhole/pods/keyhole-test"
_NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "keyhole"}}


@pytest.fixture
def release(kubernetes: KubernetesApi) -> Iterator[KubernetesApi]:
    """The chart, installed by helm; without a mesh it needs no kinds of others."""
    install = ("install", "keyhole", str(CHART), "-n", "keyhole", "--create-namespace")
    kubernetes.must(kubernetes.helm(*install, "--set", "mode=plain"))
    yield kubernetes
    kubernetes.must(kubernetes.helm("uninstall", "keyhole", "-n", "keyhole"))
    # Deleted with the mercy of a kubelet that is not there.
    cluster = Objects(kubernetes)
    cluster.client.delete(_POD, params={"gracePeriodSeconds": 0})
    cluster.delete(_NAMESPACE)


class _Kubelet:
    """Runs the container of the test pod, with the address of the resolver in place of that of its
    Service."""

    def __init__(self, cluster: Objects, server: str) -> None:
        self._cluster = cluster
        self._host, _, self._port = server.rpartition(":")
        self.answer = ""
        self.ended = threading.Event()

    def run(self) -> None:
        """Waits for the pod, runs it to its end and reports its phase."""
        while not self.ended.is_set():
            found = self._cluster.client.get(_POD)
            if found.is_success and found.json()["status"]["phase"] == "Pending":
                return self._finish(found.json())
            self.ended.wait(0.1)
        return None

    def _finish(self, pod: dict[str, Any]) -> None:
        (container,) = pod["spec"]["containers"]
        words = " ".join(container["args"])
        words = re.sub(r"@\S+", f"@{self._host}", words)
        words = re.sub(r"--port \d+", f"--port {self._port}", words)
        done = run_keyhole(*words.split())
        self.answer = done.stdout + done.stderr
        phase = "Succeeded" if done.returncode == 0 else "Failed"
        answer = self._cluster.client.patch(
            f"{_POD}/status",
            json={"status": {"phase": phase}},
            headers={"content-type": "application/merge-patch+json"},
        )
        assert answer.is_success, answer.text


def test_helm_test_tells_whether_the_resolver_answers(
    release: KubernetesApi, resolver: Resolver
) -> None:
    resolver.write(document("Record", "ready", name="ready.keyhole.internal", a=["192.0.2.53"]))
    resolver.start()
    words = ("test", "keyhole", "-n", "keyhole", "--timeout", "60s")
    for is_there in (True, False):
        if not is_there:
            resolver.stop()
        kubelet = _Kubelet(Objects(release), f"127.0.0.1:{resolver.server.tcp}")
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(kubelet.run)
            done = release.helm(*words)
            kubelet.ended.set()
            running.result()
        assert (done.returncode == 0) == is_there, f"{done.stdout}{done.stderr}{kubelet.answer}"
        assert ("192.0.2.53" in kubelet.answer) == is_there
        phase = "Succeeded" if is_there else "Failed"
        assert re.search(rf"Phase:\s+{phase}", done.stdout) or not is_there
