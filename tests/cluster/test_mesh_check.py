"""``keyhole mesh check`` finds in a real API server what it finds in files, and reads no Secret."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from keyhole.mesh import cluster as reader
from keyhole.mesh.render import MODES
from tests.world.certificates import Authority
from tests.world.kubernetes_api import ADMIN, KubernetesApi, message, needs_kubernetes
from tests.world.kubernetes_objects import Objects
from tests.world.planted_siblings import SIBLINGS
from tests.world.planted_traps import KUBE_SYSTEM, PLANTED, objects_of
from tests.world.process import call_keyhole
from tests.world.waiting import until
from tests.world.workloads import pods_of
from tools.chart import ROOT

# The first test waits for the server to start.
pytestmark = [needs_kubernetes, pytest.mark.timeout(900)]
Object = dict[str, Any]
Key = tuple[str, str, str]
_ROLE = ROOT / "deploy/access/mesh-check.yaml"
_REFUSED = "selector-and-target"
"""The one trap that the server does not let in."""
_SYSTEM = {**KUBE_SYSTEM, "metadata": {"name": "kube-system", "labels": {}}}
_NEW_KINDS = ("CronJob", "ReplicaSet", "EnvoyFilter")
_OTHERS = [one for one in SIBLINGS if one[1] in _NEW_KINDS]
"""Those in objects that no trap of the others is in."""
_FOUND = sorted(
    [(mode, trap, trap, plant) for trap, mode, plant in PLANTED if trap != _REFUSED]
    + [(mode, trap, f"{trap}, {what}", plant) for trap, what, mode, plant in _OTHERS],
    key=lambda one: one[:3],
)


def _check(kubeconfig: Path, *words: str) -> CompletedProcess[str]:
    return call_keyhole("mesh", "check", "--kubeconfig", str(kubeconfig), *words)


def _traps(api: KubernetesApi, *words: str) -> set[str]:
    told = json.loads(_check(api.kubeconfig, *words, "--json").stdout)
    return {one["trap"] for one in told["traps"]}


def test_a_cluster_without_a_mesh_is_read_too(kubernetes: KubernetesApi) -> None:
    done = _check(kubernetes.kubeconfig, "--namespace", "kube-system")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"no trap in [1-9]\d* objects\n", done.stdout)


@pytest.fixture(scope="module", params=MODES)
def installed(request: pytest.FixtureRequest, cluster: Objects) -> Iterator[list[Object]]:
    """Our manifests of one mode, applied."""
    objects = [_SYSTEM, *objects_of(request.param)]
    for one in objects:
        answer = cluster.apply(one)
        assert answer.is_success, message(answer)
    yield objects
    cluster.delete_all(one for one in objects if one is not _SYSTEM)


@contextmanager
def _changed(cluster: Objects, before: list[Object], after: list[Object]) -> Iterator[None]:
    """The difference between two sets of objects, for a while."""
    old, new = _by_key(before), _by_key(after)
    for key in old.keys() - new.keys():
        cluster.delete(old[key])
    for key in [key for key in new if new[key] != old.get(key)]:
        answer = cluster.apply(new[key])
        assert answer.is_success, message(answer)
    try:
        yield
    finally:
        for key in new.keys() - old.keys():
            cluster.delete(new[key])
        for key in [key for key in old if new.get(key) != old[key]]:
            assert cluster.apply(old[key]).is_success


def _by_key(objects: list[Object]) -> dict[Key, Object]:
    found = {}
    for one in objects:
        metadata = one["metadata"]
        found[one["kind"], metadata.get("namespace", ""), metadata["name"]] = one
    return found


@pytest.mark.parametrize(
    ("installed", "trap", "plant"),
    [(mode, trap, plant) for mode, trap, _, plant in _FOUND],
    ids=[name for _, _, name, _ in _FOUND],
    indirect=["installed"],
)
def test_a_trap_that_is_planted_into_the_cluster_is_found(
    installed: list[Object],
    trap: str,
    plant: Callable[[list[Object]], None],
    kubernetes: KubernetesApi,
    cluster: Objects,
) -> None:
    planted = deepcopy(installed)
    plant(planted)
    with _changed(cluster, installed, planted):
        assert trap in _traps(kubernetes)
    assert _traps(kubernetes) == set()


@pytest.mark.parametrize("installed", ["sidecar"], indirect=True)
def test_one_trap_the_server_itself_refuses(installed: list[Object], cluster: Objects) -> None:
    (plant,) = [plant for trap, _, plant in PLANTED if trap == _REFUSED]
    planted = deepcopy(installed)
    plant(planted)
    changed = [one for one in planted if one not in installed]
    answers = [cluster.apply(one) for one in changed]
    assert ["only one of targetRefs or selector" in message(one) for one in answers] == [True]


@pytest.mark.parametrize("installed", ["ambient"], indirect=True)
def test_many_objects_are_read_page_by_page(
    installed: list[Object], kubernetes: KubernetesApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _check(kubernetes.kubeconfig, "--json").stdout
    monkeypatch.setattr(reader, "_PAGE", 1)
    assert _check(kubernetes.kubeconfig, "--json").stdout == whole
    assert json.loads(whole)["objects"] > 20


@pytest.mark.parametrize("installed", ["sidecar"], indirect=True)
def test_a_namespace_may_be_read_alone(
    installed: list[Object], kubernetes: KubernetesApi, cluster: Objects
) -> None:
    planted = deepcopy(installed)
    {one[0]: one[2] for one in PLANTED}["core-dns-against-strict"](planted)
    with _changed(cluster, installed, planted):
        both = ("--namespace", "keyhole", "--namespace", "kube-system")
        assert "core-dns-against-strict" in _traps(kubernetes, *both)
        assert _traps(kubernetes, "--namespace", "keyhole") == set()


@pytest.mark.parametrize("installed", ["sidecar"], indirect=True)
def test_pods_that_a_workload_made_are_known_by_their_template(
    installed: list[Object], kubernetes: KubernetesApi, cluster: Objects
) -> None:
    pod = next(pods_of(installed))
    pod["spec"]["securityContext"]["runAsUser"] = 1337
    owner = cluster.client.get(
        "/apis/apps/v1/namespaces/keyhole/statefulsets/keyhole-control"
    ).json()
    account = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
    account |= {key: owner["metadata"][key] for key in ("name", "uid")}
    alone = {**pod, "metadata": {**pod["metadata"], "name": "alone"}}
    made = {**pod, "metadata": {**pod["metadata"], "ownerReferences": [account]}}
    assert cluster.apply(made).is_success
    assert _traps(kubernetes) == set()
    assert cluster.apply(alone).is_success
    assert _traps(kubernetes) == {"user-of-the-sidecar"}
    cluster.delete_all([made, alone])


def test_the_role_for_it_is_enough_and_gives_nothing_else(
    kubernetes: KubernetesApi, cluster: Objects
) -> None:
    mine = kubernetes.write_kubeconfig("checker", kubernetes.certificate_of("checker"))
    refused = _check(mine)
    assert refused.returncode == 1
    said = " ".join(refused.stderr.split())
    assert 'User "checker" cannot list resource "namespaces"' in said
    assert "deploy/access/mesh-check.yaml" in said
    kubernetes.must(kubernetes.kubectl("apply", "-f", str(_ROLE)))
    (line,) = [one for one in _ROLE.read_text().splitlines() if "kubectl create" in one]
    words = shlex.split(line.strip("# ").replace("NAME", "checker"))
    kubernetes.must(kubernetes.run(*words))
    until(lambda: _check(mine).returncode == 0, "the role is in force")
    for verb, resource in (("list", "secrets"), ("get", "pods"), ("delete", "services")):
        attributes = {"namespace": "keyhole", "verb": verb, "resource": resource}
        spec = {"user": "checker", "resourceAttributes": attributes}
        review = cluster.ask("authorization.k8s.io/v1", "SubjectAccessReview", spec)
        assert not review["allowed"], (verb, resource)


def test_a_token_of_a_service_account_is_taken_from_its_file(
    kubernetes: KubernetesApi, cluster: Objects, tmp_path: Path
) -> None:
    metadata = {"name": "checker", "namespace": "default"}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    assert cluster.apply(account).is_success
    token = kubernetes.must(kubernetes.kubectl("create", "token", "checker"))
    file = tmp_path / "token"
    file.write_text(token)
    mine = kubernetes.write_kubeconfig("pod", {"tokenFile": str(file)})
    said = " ".join(_check(mine).stderr.split())
    # It is known, and has no right to it.
    assert 'User "system:serviceaccount:default:checker" cannot list' in said


def test_a_cluster_with_another_root_is_told_nothing(
    kubernetes: KubernetesApi, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other").root
    mine = kubernetes.write_kubeconfig(
        "deceived", {"token": ADMIN}, **{"certificate-authority": str(other)}
    )
    done = _check(mine)
    assert done.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr


def test_the_name_in_its_certificate_may_be_another(kubernetes: KubernetesApi) -> None:
    for name, code in (("localhost", 0), ("kubernetes.example.org", 1)):
        mine = kubernetes.write_kubeconfig("named", {"token": ADMIN}, **{"tls-server-name": name})
        done = _check(mine, "--namespace", "kube-system")
        assert done.returncode == code, done.stderr


@pytest.mark.parametrize(
    ("token", "words", "why"),
    [
        ("wrong", [], "does not know this user or token"),
        (ADMIN, ["--namespace", "absent"], "there is no absent"),
        (ADMIN, ["--namespace", "../pods"], "no name of a namespace"),
    ],
)
def test_what_cannot_be_read_is_said(
    kubernetes: KubernetesApi, token: str, words: list[str], why: str
) -> None:
    done = _check(kubernetes.write_kubeconfig("odd", {"token": token}), *words)
    assert done.returncode == 1
    assert why in " ".join(done.stderr.split())
