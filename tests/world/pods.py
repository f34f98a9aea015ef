"""Pods without a cluster: their real commands run with the files that a cluster would mount.

Addresses of Services and ports are replaced by those of this machine, paths by folders of the test.
A listener on all addresses stays one: Keyhole opens it under other conditions than one on loopback.
Config maps are laid out as kubelet does it: links to a folder of which the name changes with each
update.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import yaml

from tests.world.ports import free_port
from tests.world.process import Program, run_keyhole

Object = dict[str, Any]
_LISTENER = re.compile(r"(0\.0\.0\.0):(\d+)|(127\.0\.0\.1):(5301|5300|1054|8081)\b")
"""Listeners of pods; other ports of this machine belong to the test."""
_READ_ONLY = 0o555


def lay_out(place: Path, files: Mapping[str, str], number: int) -> None:
    """Writes the files of a volume, or their ``number``-th update, in one step as kubelet does."""
    version = place / f"..{number}"
    version.mkdir(parents=True)
    for name, text in files.items():
        (version / name).write_text(text)
        if not (place / name).is_symlink():
            (place / name).symlink_to(f"..data/{name}")
    version.chmod(_READ_ONLY)
    draft = place / "..data_tmp"
    draft.symlink_to(version.name)
    draft.replace(place / "..data")


class Cluster:
    """What was rendered, and the pods that run of it."""

    def __init__(self, objects: list[Object], folder: Path) -> None:
        self.objects = objects
        self.folder = folder
        self._ports: dict[tuple[str, int], int] = {}

    def find(self, kind: str, name: str) -> Object:
        """One object."""
        (found,) = [
            one for one in self.objects if (one["kind"], one["metadata"]["name"]) == (kind, name)
        ]
        return found

    def pod(self, workload: str, number: int = 0) -> "Pod":
        """A pod of a StatefulSet."""
        spec = self.find("StatefulSet", workload)["spec"]["template"]["spec"]
        return Pod(self, f"{workload}-{number}", spec)

    def job(self, cron_job: Object, suffix: str) -> "Pod":
        """A pod of a CronJob, which speaks of the Services that are here."""
        spec = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        return Pod(self, f"{cron_job['metadata']['name']}-{suffix}", spec)

    def port(self, pod: str, container_port: int) -> int:
        """The port of this machine for a port of a pod."""
        if (pod, container_port) not in self._ports:
            self._ports[pod, container_port] = free_port()
        return self._ports[pod, container_port]

    def local(self, text: str, pod: "Pod") -> str:
        """A text of the pod with paths, ports and addresses of this machine."""
        text = text.replace("/etc/keyhole", str(pod.etc))
        text = text.replace("/var/lib/keyhole", str(pod.volume)).replace("$(POD_NAME)", pod.name)
        text = _LISTENER.sub(
            lambda one: f"{one[1] or one[3]}:{self.port(pod.name, int(one[2] or one[4]))}", text
        )
        for address, service in self._services():
            for port in service["spec"]["ports"]:
                here = self.port(f"{service['metadata']['name']}-0", port["targetPort"])
                text = re.sub(rf"{re.escape(address)}:{port['port']}\b", f"127.0.0.1:{here}", text)
            text = text.replace(address, "127.0.0.1")
        return text

    def _services(self) -> Iterator[tuple[str, Object]]:
        for one in self.objects:
            address = one.get("spec", {}).get("clusterIP", "None")
            if one["kind"] == "Service" and address != "None":
                yield address, one


class Pod:
    """One pod: its folders, and its containers as processes."""

    def __init__(self, cluster: Cluster, name: str, spec: Object) -> None:
        self.cluster = cluster
        self.name = name
        self.spec = spec
        self.etc = cluster.folder / self.name / "etc"
        self.volume = cluster.folder / self.name / "volume"
        self.volume.mkdir(parents=True, exist_ok=True)
        self.programs: dict[str, Program] = {}
        self._updates = 0
        for volume in self.spec["volumes"]:
            if "configMap" in volume:
                name = volume["configMap"]["name"]
                self.mount(volume["name"], cluster.find("ConfigMap", name)["data"])

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.volume / "data"

    @property
    def settings(self) -> Path:
        """Its settings, as they are mounted."""
        return self.etc / "settings" / "keyhole.yaml"

    def port(self, container_port: int) -> int:
        """Where a port of the pod is on this machine."""
        return self.cluster.port(self.name, container_port)

    def mount(self, volume: str, files: Mapping[str, str]) -> None:
        """Mounts a config map or a secret, or updates it, in one step as kubelet does."""
        self._updates += 1
        texts = {name: self.cluster.local(text, self) for name, text in files.items()}
        lay_out(self.etc / volume, texts, self._updates)

    def edit(self, volume: str, kind: str, spec: Mapping[str, Any]) -> None:
        """Changes the documents of one kind in a config map."""
        files = {}
        for path in sorted((self.etc / volume / "..data").glob("*.yaml")):
            documents = list(yaml.safe_load_all(path.read_text()))
            for one in documents:
                if one["kind"] == kind:
                    one["spec"].update(spec)
            files[path.name] = yaml.safe_dump_all(documents)
        self.mount(volume, files)

    @property
    def output(self) -> str:
        """Everything that its containers have written."""
        parts = (f"{name}:\n{program.output}" for name, program in self.programs.items())
        return "\n".join(parts)

    def environment(self, container: Object) -> dict[str, str]:
        """The environment of a container, except what names the pod."""
        given = {one["name"]: one["value"] for one in container["env"] if "value" in one}
        return {name: self.cluster.local(value, self) for name, value in given.items()}

    def start(self) -> "Pod":
        """Runs the init containers, each to its end, and starts the others."""
        for container in self.spec.get("initContainers", ()):
            arguments, environment = self._command(container)
            done = run_keyhole(*arguments, **environment)
            assert done.returncode == 0, f"{self.name} {container['name']}: {done.stderr}"
        for container in self.spec["containers"]:
            arguments, environment = self._command(container)
            log = self.cluster.folder / f"{self.name}-{container['name']}.log"
            self.programs[container["name"]] = Program.forked(*arguments, log=log, **environment)
        return self

    def run(self, ports: Mapping[str, int], *more: str) -> "CompletedProcess[str]":
        """Runs its only container to its end, with more words. ``ports`` are options that give a
        port alone, and its place on this machine."""
        (container,) = self.spec["containers"]
        arguments, environment = self._command(container)
        place = [f"{one.split('=')[0]}={ports[one]}" if one in ports else one for one in arguments]
        return run_keyhole(*place, *more, **environment)

    def _command(self, container: Object) -> tuple[list[str], dict[str, str]]:
        arguments = [self.cluster.local(word, self) for word in container["args"]]
        return arguments, self.environment(container)

    def must_run(self) -> None:
        """Fails with the output of a container that has ended."""
        for program in self.programs.values():
            program.must_run()

    def stop(self) -> None:
        """Ends all containers; the volume stays."""
        for program in self.programs.values():
            program.stop()
        self.programs.clear()
