"""Containers of pods without images: their programs are those of this machine.

Keyhole is that of this checkout; Istio's agent and Envoy are where the tests keep them. Each
container has a mount namespace of its own, with its volumes at the paths of its specification. It
runs as the user that this names and without any capability, in the network of its pod.
"""

import importlib.util
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.world.kubernetes_objects import Object
from tests.world.network import ROUTER, Host
from tests.world.process import Program
from tools import istio

WORLD = Path("/run/pods")
"""The folders of all pods."""
_PATH = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
_OVERLAY = "mount -t overlay overlay -o lowerdir={at},upperdir={upper},workdir={upper}.work {at}"


class Owner(Protocol):
    """The pod of a container."""

    host: Host
    folder: Path
    spec: Object
    group: int | None
    volumes: dict[str, Path]

    def environment(self, spec: Object) -> dict[str, str]:
        """The environment of a container."""
        ...

    def expand(self, words: Sequence[str], spec: Object) -> list[str]:
        """Arguments with the variables of their container."""
        ...


class Container:
    """A container of a pod; its output is in a log that its user may open."""

    def __init__(self, pod: Owner, spec: Object) -> None:
        self.pod = pod
        self.name: str = spec["name"]
        self.spec = spec
        self.program: Program | None = None
        self.folder = pod.folder / self.name
        self.log = self.folder / "log"
        self._script = self.folder / "start"
        self._uppers: list[str] = []

    def run(self) -> Program:
        """Starts it."""
        self.folder.mkdir(exist_ok=True)
        self._script.write_text("\n".join(["set -e", *self._mounts(), self._command()]))
        self.log.touch()
        # Envoy opens it by its name, /dev/stdout.
        self.log.chmod(0o666)
        command = ["unshare", "--mount", "--propagation", "private", "sh", str(self._script)]
        self.program = Program(self.pod.host.command(*command), self.log)
        (self.folder / "enter").write_text(f'exec {shlex.join(self.enter())} "$@"\n')
        return self.program

    def enter(self, *words: str) -> list[str]:
        """The command that runs another one in it, as its user."""
        assert self.program is not None, f"{self.name} does not run"
        place = f"--mount=/proc/{self.program.pid}/ns/mnt"
        return self.pod.host.command("nsenter", place, "--wdns=/", *self._as_user(), *words)

    def program_words(self) -> list[str]:
        """What its image would run, before its arguments."""
        if "proxyv2" in self.spec["image"] or self.spec["image"] == "auto":
            return ["/usr/local/bin/pilot-agent"]
        if command := self.spec.get("command"):
            return list(command)
        return [sys.executable, "-m", "keyhole"]

    def _command(self) -> str:
        words = [*self.program_words(), *self.pod.expand(self.spec.get("args", ()), self.spec)]
        return f"cd /\nexec {shlex.join([*self._as_user(), *words])}"

    def _as_user(self) -> list[str]:
        user = str(self.security("runAsUser"))
        group = str(self.security("runAsGroup") or user)
        groups = str(self.pod.group or group)
        variables = self.pod.environment(self.spec)
        return [
            *("setpriv", f"--reuid={user}", f"--regid={group}", f"--groups={groups}"),
            *("--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"),
            *("env", "-i", f"PATH={_PATH}", "HOME=/tmp"),
            *(f"{name}={value}" for name, value in variables.items()),
        ]

    def security(self, name: str) -> Any:
        """A field of its security context, or else of that of its pod."""
        mine = self.spec.get("securityContext", {})
        return mine.get(name, self.pod.spec.get("securityContext", {}).get(name))

    def _mounts(self) -> Iterator[str]:
        for at in ("/etc", "/var"):
            yield self._overlay(at)
        if self.program_words()[0].endswith("pilot-agent"):
            yield from self._image_of_istio()
        hosts = f"127.0.0.1 localhost\n{ROUTER} istiod.istio-system.svc\n"
        yield f"printf %s {shlex.quote(hosts)} > /etc/hosts"
        # Nothing there: whoever looks a name up fails at once.
        yield "printf '' > /etc/resolv.conf"
        # The folder of all pods is below the one that is covered here.
        yield f"mkdir -p /var/.pods && mount --rbind {WORLD} /var/.pods"
        yield "mount -t tmpfs -o mode=755 tmpfs /run"
        yield f"mkdir -p {WORLD} && mount --move /var/.pods {WORLD} && rmdir /var/.pods"
        for mount in self.spec.get("volumeMounts", ()):
            source = self.pod.volumes[mount["name"]] / mount.get("subPath", "")
            yield f"mkdir -p {mount['mountPath']}"
            yield f"mount --bind {source} {mount['mountPath']}"

    def _overlay(self, at: str) -> str:
        upper = self.folder / f"over{at.replace('/', '-')}"
        for folder in (upper, Path(f"{upper}.work")):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
        return _OVERLAY.format(at=at, upper=upper)

    def _image_of_istio(self) -> Iterator[str]:
        yield self._overlay("/usr/local/bin")
        for source in (istio.agent(), envoy()):
            target = f"/usr/local/bin/{source.name}"
            yield f"touch {target} && mount --bind {source} {target}"
        yield "mkdir -p /var/lib/istio/envoy"
        template = "/var/lib/istio/envoy/envoy_bootstrap_tmpl.json"
        yield f"cp {istio.bootstrap()} {template} && chmod 644 {template}"


def envoy() -> Path:
    """The Envoy of the test environment."""
    found = importlib.util.find_spec("envoy")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "_bin" / "envoy"
