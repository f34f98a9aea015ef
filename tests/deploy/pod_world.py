"""The pods of one mode without a cluster: control, a forwarder, and resolvers."""

import json
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import yaml

from keyhole.mesh.render import render
from tests.world.pods import Cluster, Pod
from tests.world.process import call_keyhole
from tests.world.tools import run
from tests.world.upstream import Upstream
from tests.world.waiting import until


def manifest(mode: str) -> list[dict[str, Any]]:
    """The objects of a mode, as they are committed."""
    return list(yaml.load_all(render(mode), yaml.CSafeLoader))


class World:
    """The pods of one mode: control, a forwarder, and as many resolvers as a test starts."""

    def __init__(self, mode: str, folder: Path, upstream: Upstream, ca: Path) -> None:
        self.mode = mode
        self.ca = ca
        self.cluster = Cluster(manifest(mode), folder)
        self.control = self.cluster.pod("keyhole-control")
        self.forwarder = self.cluster.pod("keyhole-forwarder")
        self._pods = [self.control, self.forwarder]
        there = {"addresses": [f"127.0.0.1:{upstream.port}"], "serverName": "upstream.example.org"}
        self.forwarder.edit("documents", "Upstream", {**there, "ca": str(ca)})

    def start(self) -> "World":
        """Starts control, then the forwarder, which may have to join."""
        self.control.start()
        self.wait_for_ready(self.control, 9154)
        if self.mode == "plain":
            identity = "spiffe://keyhole.internal/ns/engines/sa/keyhole-forwarder"
            self.join(self.forwarder, "--spiffe", identity, "--server")
        self.forwarder.start()
        self.wait_for_ready(self.forwarder, 9153)
        return self

    def resolver(self, number: int) -> Pod:
        """A resolver with a token; not started."""
        pod = self.cluster.pod("keyhole-resolver", number)
        self._pods.append(pod)
        self.join(pod)
        return pod

    def join(self, pod: Pod, *more: str) -> None:
        """Mounts a join token that control made."""
        environment = self.control.environment(self.control.spec["containers"][0])
        name = f"engines/{pod.name}"
        made = call_keyhole("enroll", "create", name, "--json", *more, **environment)
        assert made.returncode == 0, made.stderr
        pod.mount("join", {pod.name: json.loads(made.stdout)["token"]})

    def wait_for_ready(self, pod: Pod, port: int) -> None:
        """Waits until the readiness probe of a pod succeeds."""

        def ready() -> bool:
            pod.must_run()
            return status(pod, port, "readyz") == 200

        until(ready, f"{pod.name} is ready")

    def wait_for(self, pod: Pod, name: str, address: str) -> None:
        """Waits until a resolver answers so."""

        def answers() -> bool:
            pod.must_run()
            return ask(pod, name) == address

        try:
            until(answers, f"{pod.name} answers {name}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{pod.output}") from None

    def stop(self) -> None:
        """Ends all pods."""
        for pod in self._pods:
            pod.stop()


def status(pod: Pod, port: int, path: str) -> int:
    """The status of a page of the health listener; 0 while there is none."""
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{pod.port(port)}/{path}", timeout=5) as response:
            return int(response.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


def ask(pod: Pod, name: str) -> str:
    """What dig hears from a resolver over TCP."""
    port = str(pod.port(5300))
    words = ("+tcp", "+short", "+tries=1", "+time=30", "@127.0.0.1", "-p", port, name)
    return run("dig", *words).stdout.strip()
