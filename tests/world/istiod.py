"""A real control plane of Istio on a real API server, for pods in the network of the test."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml

from tests.world.kubernetes_api import KubernetesApi
from tests.world.kubernetes_objects import Object, Objects
from tests.world.process import Program
from tests.world.waiting import until
from tools import istio

_START = 120.0
_NAMESPACE = "istio-system"
_WEBHOOKS, _READY = "https://127.0.0.1:15017", "http://127.0.0.1:18080/ready"
_VALUES = {
    # The network plugin captures the traffic of pods, which then keep to "restricted".
    "pilot.cni.enabled": "true",
    # Filters that only Istio's own build of Envoy has.
    "telemetry.enabled": "false",
    "meshConfig.accessLogFile": "/dev/stdout",
    # A sidecar renews its certificate after half of this time; a day otherwise.
    "meshConfig.defaultConfig.proxyMetadata.SECRET_TTL": "60s",
}
_LEFT_OUT = ("Deployment", "HorizontalPodAutoscaler", "CustomResourceDefinition")
"""It runs as a process, and the kinds are installed before."""
_ENVIRONMENT = {
    "POD_NAME": "istiod-0",
    "POD_NAMESPACE": _NAMESPACE,
    "SERVICE_ACCOUNT": "istiod",
    "CLUSTER_ID": "Kubernetes",
    "REVISION": "default",
    "PILOT_CERT_PROVIDER": "istiod",
    "ISTIOD_CUSTOM_HOST": "127.0.0.1",
    "VALIDATION_WEBHOOK_CONFIG_NAME": f"istio-validator-{_NAMESPACE}",
    "INJECTION_WEBHOOK_CONFIG_NAME": "istio-sidecar-injector",
    # As with telemetry: filters that Envoy itself does not have.
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_ALPN_FILTER": "false",
}


@contextmanager
def istiod(api: KubernetesApi, objects: Objects, folder: Path) -> Iterator[Program]:
    """Installs and runs it until the end; its webhooks serve, and pods reach it at port 15012."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}}
    for one in [namespace, *_installation(api)]:
        answer = objects.apply(one)
        assert answer.is_success, answer.text
    folder.mkdir()
    program = Program(
        [
            str(istio.pilot()),
            "discovery",
            f"--kubeconfig={api.kubeconfig}",
            "--httpAddr=127.0.0.1:18080",
            "--httpsAddr=127.0.0.1:15017",
            "--monitoringAddr=127.0.0.1:15014",
            "--grpcAddr=127.0.0.1:15010",
            "--secureGRPCAddr=:15012",
            "--domain=cluster.local",
        ],
        folder / "istiod.log",
        {**os.environ, **_ENVIRONMENT},
    )
    try:
        until(lambda: _is_ready(program, objects), "istiod is ready", _START)
        yield program
    finally:
        program.stop()


def _installation(api: KubernetesApi) -> Iterator[Object]:
    values = [word for key, value in _VALUES.items() for word in ("--set", f"{key}={value}")]
    for name in ("base", "istiod"):
        words = ("template", name, str(istio.chart(name)), "-n", _NAMESPACE, *values)
        for one in yaml.load_all(api.must(api.helm(*words)), yaml.CSafeLoader):
            if one and one["kind"] not in _LEFT_OUT:
                yield _with_our_address(one)


def _with_our_address(one: Object) -> Object:
    for webhook in one.get("webhooks", ()):
        service = webhook["clientConfig"].pop("service")
        webhook["clientConfig"]["url"] = f"{_WEBHOOKS}{service['path']}"
    return one


def _is_ready(program: Program, objects: Objects) -> bool:
    program.must_run()
    try:
        if not httpx2.get(_READY, trust_env=False).is_success:
            return False
    except httpx2.HTTPError:
        return False
    path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    (found,) = objects.client.get(path).json()["items"]
    hooks: list[dict[str, Any]] = found["webhooks"]
    return all("caBundle" in one["clientConfig"] for one in hooks)
