"""A real API server of Kubernetes for the tests of this folder, started once in each process."""

from collections.abc import Iterator

import pytest

from tests.world.kubernetes_api import KubernetesApi
from tests.world.kubernetes_objects import Objects


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesApi]:
    """It knows the kinds of Kubernetes itself, until a test has used `cluster`."""
    with KubernetesApi(tmp_path_factory.mktemp("kubernetes") / "api") as api:
        yield api


@pytest.fixture(scope="session")
def cluster(kubernetes: KubernetesApi) -> Objects:
    """Its objects; it knows the kinds of Istio and the Gateway API too."""
    kubernetes.install_definitions()
    objects = Objects(kubernetes)
    metadata = {"name": "istio-system"}
    answer = objects.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    assert answer.is_success, answer.text
    return objects
