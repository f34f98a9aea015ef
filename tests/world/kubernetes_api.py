"""A real API server of Kubernetes with its etcd, where it was built."""

import json
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
import pytest
import yaml

from tests.world.certificates import CLIENT, Authority, Form
from tests.world.ports import free_port
from tests.world.process import Program
from tests.world.waiting import until
from tools.cluster_tools import definitions, find_helm, has_schemas
from tools.kubernetes_api import etcd, is_complete, kubectl, server

needs_kubernetes = pytest.mark.skipif(
    not (is_complete() and find_helm() and has_schemas()),
    reason=f"no API server of Kubernetes in {server().parent}; ./dev test api builds it once",
)
ADMIN = "keyhole-test-admin"
"""The token of the user who may do everything."""
_START = 180.0
"""Seconds until it must answer: it starts beside other tests."""


class KubernetesApi:
    """etcd and API server on loopback with a data folder of their own; a context manager.

    There is no controller, scheduler or kubelet: nothing makes pods out of a StatefulSet.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.authority = Authority(folder / "authority", "Kubernetes test root")
        self.url = f"https://127.0.0.1:{free_port()}"
        self._database = f"http://127.0.0.1:{free_port()}"
        self._programs: list[Program] = []
        self.kubeconfig = self.write_kubeconfig("admin", {"token": ADMIN})

    def write_kubeconfig(self, name: str, user: dict[str, str], **cluster: object) -> Path:
        """A kubeconfig with these credentials, and with changes to its cluster."""
        root = {"certificate-authority": "authority/root.pem", "server": self.url}
        tree = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {**root, **cluster}}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
        }
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(yaml.safe_dump(tree))
        return path

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _start(self) -> None:
        self._run("etcd", etcd(), self._database_settings(), "--unsafe-no-fsync")
        self._run("kube-apiserver", server(), self._settings())
        until(self._is_ready, "the API server of Kubernetes is ready", _START)

    def _database_settings(self) -> dict[str, object]:
        peers = f"http://127.0.0.1:{free_port()}"
        return {
            "data-dir": self.folder / "etcd",
            "listen-client-urls": self._database,
            "advertise-client-urls": self._database,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": f"default={peers}",
        }

    def _settings(self) -> dict[str, object]:
        served = self.authority.issue("localhost", "127.0.0.1", "10.96.0.1")
        signer = self.authority.make(Form(names=("service-accounts",)))
        tokens = self.folder / "tokens.csv"
        tokens.write_text(f'{ADMIN},admin,1,"system:masters"\n')
        return {
            "etcd-servers": self._database,
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "endpoint-reconciler-type": "none",
            "secure-port": self.url.rpartition(":")[2],
            "cert-dir": self.folder / "certs",
            "tls-cert-file": served.certificate,
            "tls-private-key-file": served.key,
            "client-ca-file": self.authority.root,
            "service-cluster-ip-range": "10.96.0.0/16",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": signer.certificate,
            "service-account-signing-key-file": signer.key,
            "token-auth-file": tokens,
            "authorization-mode": "RBAC",
            "allow-privileged": "true",
        }

    def _run(self, name: str, binary: Path, settings: dict[str, object], *more: str) -> None:
        command = [str(binary), *(f"--{key}={value}" for key, value in settings.items()), *more]
        self._programs.append(Program(command, self.folder / f"{name}.log"))

    def _is_ready(self) -> bool:
        for program in self._programs:
            program.must_run()
        try:
            with self.client() as client:
                found = client.get("/readyz")
        except httpx2.HTTPError:
            return False
        return found.status_code == httpx2.codes.OK

    def _stop(self) -> None:
        # The API server first: it waits for its database otherwise.
        while self._programs:
            self._programs.pop().stop()

    def client(self, token: str = ADMIN) -> httpx2.Client:
        """A client of its API."""
        headers = {"authorization": f"Bearer {token}"}
        trust = ssl.create_default_context(cafile=str(self.authority.root))
        return httpx2.Client(
            base_url=self.url, headers=headers, verify=trust, timeout=30, trust_env=False
        )

    def certificate_of(self, user: str) -> dict[str, str]:
        """The credentials of a user who is known by a certificate, for `write_kubeconfig`."""
        pair = self.authority.make(replace(Form(common_name=user), purposes=(CLIENT,)))
        return {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}

    def kubectl(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Runs kubectl to its end."""
        return self.run(str(kubectl()), *words, given=given)

    def helm(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs helm to its end."""
        return self.run(str(find_helm()), *words)

    def run(
        self, *words: str, given: str = "", folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program that finds the cluster by its environment."""
        return subprocess.run(
            words,
            input=given,
            cwd=folder,
            env={
                "PATH": f"{kubectl().parent}:{helm_folder()}:/usr/bin:/bin",
                "HOME": str(self.folder),
                "KUBECONFIG": str(self.kubeconfig),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def install_definitions(self) -> None:
        """Adds the kinds of Istio and of the Gateway API, and waits until they are served."""
        apply = ("apply", "--server-side", "--validate=false", "-f")
        self.must(self.kubectl(*apply, str(definitions())))
        wait = ("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        self.must(self.kubectl(*wait))

    def must(self, done: subprocess.CompletedProcess[str]) -> str:
        """The output of a command that has succeeded."""
        assert done.returncode == 0, f"{done.args}: {done.stdout}{done.stderr}"
        return done.stdout


def helm_folder() -> Path:
    """Where helm is."""
    found = find_helm()
    assert found is not None
    return found.parent


def message(answer: httpx2.Response) -> str:
    """Why a request was refused."""
    return str(json.loads(answer.text).get("message", answer.text))
