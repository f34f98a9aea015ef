"""What is read of a cluster."""

import pytest

from keyhole.mesh import cluster
from keyhole.mesh.cluster import read_cluster
from keyhole.mesh.kubeconfig import ClusterAccess
from keyhole.mesh.objects import Manifest, Tree


def test_kinds_that_an_older_cluster_serves_in_an_earlier_version_are_read_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a policy that nobody looked at would count as one without a trap."""

    class Older(cluster._Reader):
        def __init__(self, access: ClusterAccess) -> None:
            self._from = "context old"

        def __enter__(self) -> "Older":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def _get(self, version: str, place: str, asked: dict[str, str]) -> Tree | None:
            if version == "security.istio.io/v1beta1" and place == "authorizationpolicies":
                found = {"metadata": {"name": "old", "namespace": "dns"}}
                return {"kind": "AuthorizationPolicyList", "items": [found]}
            return {"kind": "List", "items": []} if version == "v1" else None

    monkeypatch.setattr(cluster, "_Reader", Older)
    world = read_cluster(None)  # type: ignore[arg-type]  # nobody asks for it
    (one,) = world.manifests
    assert (one.kind, one.name) == ("AuthorizationPolicy", "old")


@pytest.mark.parametrize(
    ("version", "kind", "is_left_out"),
    [
        ("apps/v1", "ReplicaSet", True),
        ("batch/v1", "Job", True),
        ("v1", "ReplicationController", True),
        ("argoproj.io/v1alpha1", "Rollout", False),
        ("apps.kruise.io/v1alpha1", "StatefulSet", False),
    ],
)
def test_a_pod_is_left_out_only_where_what_made_it_was_read(
    version: str, kind: str, is_left_out: bool
) -> None:
    owner = {"apiVersion": version, "kind": kind, "name": "x", "controller": True}
    pod = {"kind": "Pod", "metadata": {"name": "x-1", "ownerReferences": [owner]}}
    assert cluster._is_made(Manifest("context c", pod)) is is_left_out
