"""A pod as kubelet runs it: its volumes, its containers one after the other, and their probes."""

import os
import re
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import httpx2

from tests.world.container import WORLD, Container
from tests.world.kubernetes_objects import Object
from tests.world.network import ROUTER, Host
from tests.world.pods import lay_out
from tests.world.process import Program
from tests.world.waiting import until
from tools import istio

_VARIABLE = re.compile(r"\$\(([A-Z_0-9]+)\)")
_CAPTURED = ("--run-validation", "--skip-rule-apply")
_START = 240.0
"""Seconds until a container must be ready, on a machine that builds at the same time."""
_LIMITS = {"limits.cpu": "1", "limits.memory": str(1 << 30)}


class Node(Protocol):
    """Who runs pods."""

    def files_of(self, pod: "MeshPod", volume: Object) -> dict[str, str]:
        """The files of a volume that is made of objects."""
        ...

    def report(self, pod: "MeshPod") -> None:
        """Tells the cluster how a pod is."""
        ...


class MeshPod:
    """A pod as the API server has it, and its containers as processes."""

    def __init__(self, kubelet: Node, tree: Object, host: Host) -> None:
        self.kubelet = kubelet
        self.tree = tree
        self.spec: Object = tree["spec"]
        self.name: str = tree["metadata"]["name"]
        self.namespace: str = tree["metadata"]["namespace"]
        self.labels: dict[str, str] = tree["metadata"].get("labels", {})
        self.host = host
        self.address = host.address
        self.group = self.spec.get("securityContext", {}).get("fsGroup")
        self.folder = WORLD / self.namespace / self.name
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "first").write_text(self.spec["containers"][0]["name"])
        self.is_ready = self.is_ending = False
        self.containers: dict[str, Container] = {}
        self.volumes: dict[str, Path] = {}

    def start(self) -> "MeshPod":
        """Runs the init containers in their order, then the others, and reports the pod as ready
        once all probes succeed."""
        for sysctl in self.spec.get("securityContext", {}).get("sysctls", ()):
            self.host.call("sysctl", "-q", "-w", f"{sysctl['name']}={sysctl['value']}")
        for volume in self.spec.get("volumes", ()):
            self.volumes[volume["name"]] = self._volume(volume)
        for spec in self.spec.get("initContainers", ()):
            if "--run-validation" in spec.get("args", ()):
                self._capture(spec)
            container = self._run(spec)
            if spec.get("restartPolicy") == "Always":
                self._wait_for(container, "startupProbe")
            else:
                self._must_end_well(container)
        self._report()
        for spec in self.spec["containers"]:
            self._run(spec)
        for container in self.containers.values():
            self._wait_for(container, "readinessProbe")
        self.is_ready = True
        self._report()
        return self

    def _run(self, spec: Object) -> Container:
        container = self.containers[spec["name"]] = Container(self, spec)
        container.run()
        return container

    def _capture(self, spec: Object) -> None:
        """What the network plugin of Istio does, by the arguments with which it is validated."""
        words = [word for word in spec["args"] if word not in _CAPTURED]
        self.host.call(str(istio.agent()), *words)

    def _must_end_well(self, container: Container) -> None:
        assert container.program is not None
        code = container.program.wait(_START)
        assert code == 0, f"{self.name} {container.name} ended with {code}: {self.output}"
        del self.containers[container.name]

    def _wait_for(self, container: Container, probe: str) -> None:
        if probe not in container.spec or container.program is None:
            return
        get = container.spec[probe]["httpGet"]
        url = f"http://{self.address}:{get['port']}{get['path']}"

        def succeeds() -> bool:
            assert container.program is not None
            assert container.program.is_running(), f"{container.name} ended: {self.output}"
            try:
                return httpx2.get(url, trust_env=False, timeout=5).is_success
            except httpx2.HTTPError:
                return False

        try:
            until(succeeds, f"{self.name} {container.name} is ready", _START)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output}") from None

    @property
    def output(self) -> str:
        """The last words of its containers."""
        logs = sorted(self.folder.glob("*/log"))
        return "\n".join(f"{one.parent.name}: {one.read_text()[-6000:]}" for one in logs)

    def program(self, name: str) -> Program:
        """The process of one of its containers."""
        program = self.containers[name].program
        assert program is not None
        return program

    def stop(self) -> None:
        """Ends it as kubelet does: it is no endpoint any more while its containers get SIGTERM, and
        its sidecar ends last."""
        self.is_ending, self.is_ready = True, False
        self._report()
        for container in reversed(self.containers.values()):
            if container.program is not None:
                container.program.stop()
        self.containers.clear()

    def kill(self) -> None:
        """Ends all processes of its containers at once; tells nobody."""
        programs = [one.program for one in self.containers.values() if one.program is not None]
        for program in programs:
            for pid in program.survivors():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for program in programs:
            program.stop(signal.SIGKILL)
        self.containers.clear()

    def _report(self) -> None:
        self.kubelet.report(self)

    def expand(self, words: Sequence[str], spec: Object) -> list[str]:
        """Arguments with the variables of their container."""
        variables = self.environment(spec)
        return [_VARIABLE.sub(lambda one: variables[one[1]], word) for word in words]

    def environment(self, spec: Object) -> dict[str, str]:
        """The environment of a container."""
        found: dict[str, str] = {}
        for one in spec.get("env", ()):
            source = one.get("valueFrom", {})
            if "fieldRef" in source:
                found[one["name"]] = self.field(source["fieldRef"]["fieldPath"])
            elif "resourceFieldRef" in source:
                found[one["name"]] = (
                    "1" if "cpu" in source["resourceFieldRef"]["resource"] else str(1 << 30)
                )
            else:
                found[one["name"]] = _VARIABLE.sub(lambda it: found[it[1]], one.get("value", ""))
        return found

    def field(self, path: str) -> str:
        """A field of the pod, as its environment and its volumes name it."""
        fixed = {"status.podIP": self.address, "status.hostIP": ROUTER, "spec.nodeName": "node"}
        if path in fixed:
            return fixed[path]
        if found := re.fullmatch(r"metadata\.(labels|annotations)\['(.*)'\]", path):
            return str(self.tree["metadata"].get(found[1], {}).get(found[2], ""))
        value: Any = self.tree
        for name in path.split("."):
            value = value[name]
        if isinstance(value, dict):
            return "\n".join(f'{key}="{text}"' for key, text in sorted(value.items()))
        return str(value)

    def _volume(self, volume: Object) -> Path:
        place: Path = self.folder / "volumes" / volume["name"]
        if claim := volume.get("persistentVolumeClaim"):
            place = WORLD / self.namespace / "claims" / claim["claimName"]
        place.mkdir(parents=True, exist_ok=True)
        if "emptyDir" in volume or "persistentVolumeClaim" in volume:
            os.chown(place, 0, self.group or 0)
            place.chmod(0o2777 if "emptyDir" in volume else 0o2775)
        else:
            lay_out(place, self.kubelet.files_of(self, volume), 1)
        return place
