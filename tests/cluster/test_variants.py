"""A real API server takes every variant of the chart, its pods too, and grants it nothing but what
control needs to watch documents."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

import httpx2
import pytest

from keyhole.mesh.cluster import KINDS
from tests.deploy.rendered import CASES, VERIFYING, WATCHING, Object, objects_of
from tests.world.kubernetes_api import KubernetesApi, message, needs_kubernetes
from tests.world.kubernetes_objects import Objects
from tests.world.process import call_keyhole
from tests.world.waiting import until
from tests.world.workloads import pods_of

# The first test waits for the server to start.
pytestmark = [needs_kubernetes, pytest.mark.timeout(900)]
PARTS = ("control", "resolver", "forwarder", "test", "verify")
_UNKNOWN = {"ServiceMonitor"}
"""Kinds of which no package has the definition."""
_LABELS = {
    "sidecar": {"istio-injection": "enabled"},
    "ambient": {"istio.io/dataplane-mode": "ambient"},
    "plain": {},
}
_FIRST = ("Namespace", "CustomResourceDefinition", "ServiceAccount")
_OTHERS = ("shop", "bank")
"""Namespaces of which `WATCHING` has documents."""
_GROUP = "keyhole.dev"


@dataclass(frozen=True)
class Installed:
    """A variant of the chart in the cluster, and what the server said to each object."""

    objects: list[Object]
    answers: dict[str, httpx2.Response]
    watches: bool
    """Whether control reads documents from the cluster."""


@pytest.fixture(scope="module", params=CASES + WATCHING + VERIFYING, ids="-".join)
def installed(request: pytest.FixtureRequest, cluster: Objects) -> Iterator[Installed]:
    """Each variant, one after the other, in a namespace that enforces *restricted*."""
    mode, variant = request.param
    objects = [one for one in objects_of(mode, variant) if one["kind"] not in _UNKNOWN]
    if not any(one["kind"] == "Namespace" for one in objects):
        objects.append(_namespace(mode))
    watches = (mode, variant) in WATCHING
    if watches:
        objects += [_plain_namespace(one) for one in _OTHERS]
    order = {kind: place for place, kind in enumerate(_FIRST)}
    objects.sort(key=lambda one: order.get(one["kind"], len(order)))
    answers = {_name(one): cluster.apply(one) for one in objects}
    yield Installed(objects, answers, watches)
    cluster.delete_all(objects)


def _name(one: Object) -> str:
    metadata = one["metadata"]
    # Namespaces with documents have a binding of one name each.
    place = f" in {metadata['namespace']}" if metadata.get("namespace") in _OTHERS else ""
    return f"{one['kind']} {metadata['name']}{place}"


def _plain_namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _namespace(mode: str) -> Object:
    level = {f"pod-security.kubernetes.io/{word}": "restricted" for word in ("enforce", "warn")}
    metadata = {"name": "keyhole", "labels": {**level, **_LABELS[mode]}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def test_the_server_takes_every_object_and_warns_of_none(installed: Installed) -> None:
    assert len(installed.answers) == len(installed.objects) > 20
    refused = {
        name: answer.text for name, answer in installed.answers.items() if not answer.is_success
    }
    assert refused == {}
    warned = {
        name: answer.headers["warning"]
        for name, answer in installed.answers.items()
        if "warning" in answer.headers
    }
    assert warned == {}


def test_every_pod_is_admitted_where_restricted_is_enforced(
    installed: Installed, cluster: Objects
) -> None:
    pods = list(pods_of(installed.objects))
    assert len(pods) == 3 + any(one["kind"] == "CronJob" for one in installed.objects)
    for pod in pods:
        answer = cluster.try_to_create(pod)
        assert answer.is_success, message(answer)
        assert "warning" not in answer.headers
        pod["spec"]["containers"][0]["securityContext"] = {"privileged": True}
        answer = cluster.try_to_create(pod)
        assert answer.status_code == httpx2.codes.FORBIDDEN
        assert 'violates PodSecurity "restricted' in message(answer)


@pytest.mark.parametrize("part", PARTS)
def test_its_accounts_may_do_nothing_that_not_every_account_may(
    installed: Installed, cluster: Objects, part: str
) -> None:
    if part == "verify" and not any(one["kind"] == "CronJob" for one in installed.objects):
        pytest.skip("nothing attacks in this variant")
    assert f"ServiceAccount keyhole-{part}" in installed.answers
    ordinary = _rights(cluster, "nobody-in-particular")
    if installed.watches and part == "control":
        until(lambda: _rights(cluster, "keyhole-control") != ordinary, "its role is in force")
        mine = [one for one in _rights(cluster, "keyhole-control") if one not in ordinary]
        granted = [json.loads(one) for one in mine]
        assert {(*one["apiGroups"], *one["verbs"]) for one in granted} == {
            (_GROUP, "list", "watch"),
            (_GROUP, "patch"),
            ("", "create"),
        }
        (created,) = [one["resources"] for one in granted if one["apiGroups"] == [""]]
        assert created == ["events"]
        patched = [one for one in granted if one["verbs"] == ["patch"]]
        assert all(name.endswith("/status") for one in patched for name in one["resources"])
    else:
        assert _rights(cluster, f"keyhole-{part}") == ordinary
    for verb, resource in (
        ("list", "secrets"),
        ("get", "secrets"),
        ("list", "pods"),
        ("create", "pods"),
        ("update", "configmaps"),
        ("create", "serviceaccounts"),
    ):
        assert not _may(cluster, f"keyhole-{part}", verb, resource)


def test_mesh_check_reads_all_of_it_from_the_cluster_and_finds_no_trap(
    installed: Installed, kubernetes: KubernetesApi
) -> None:
    done = call_keyhole("mesh", "check", "--kubeconfig", str(kubernetes.kubeconfig), "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["traps"]) == (0, [])
    plural = {name for _, name in KINDS} | {"namespaces"}
    read = [one for one in installed.objects if _plural(one["kind"]) in plural]
    assert told["objects"] >= len(read) > 15


def _plural(kind: str) -> str:
    word = kind.lower()
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def test_a_right_that_an_account_does_get_is_seen(cluster: Objects) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "rights"}}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reads", "namespace": "rights"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}],
    }
    binding = deepcopy(role) | {
        "kind": "RoleBinding",
        "subjects": [{"kind": "ServiceAccount", "name": "keyhole-control"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reads"},
    }
    del binding["rules"]
    for one in (namespace, role, binding):
        assert cluster.apply(one).is_success
    until(lambda: _may(cluster, "keyhole-control", "list", "secrets", "rights"), "it may")
    assert not _may(cluster, "keyhole-control", "get", "secrets", "rights")
    ordinary = _rights(cluster, "nobody-in-particular", "rights")
    assert _rights(cluster, "keyhole-control", "rights") != ordinary
    cluster.delete_all([binding, role, namespace])


def _may(
    cluster: Objects, account: str, verb: str, resource: str, namespace: str = "keyhole"
) -> bool:
    spec = {
        "user": f"system:serviceaccount:{namespace}:{account}",
        "groups": _groups(namespace),
        "resourceAttributes": {"namespace": namespace, "verb": verb, "resource": resource},
    }
    status = cluster.ask("authorization.k8s.io/v1", "SubjectAccessReview", spec)
    return bool(status["allowed"])


def _rights(cluster: Objects, account: str, namespace: str = "keyhole") -> list[str]:
    """All that an account may do, by the roles of the cluster."""
    status = cluster.ask(
        "authorization.k8s.io/v1",
        "SelfSubjectRulesReview",
        {"namespace": namespace},
        **{"Impersonate-User": f"system:serviceaccount:{namespace}:{account}"},
    )
    assert not status["incomplete"]
    return sorted(
        json.dumps(rule, sort_keys=True)
        for kind in ("resourceRules", "nonResourceRules")
        for rule in status[kind]
    )


def _groups(namespace: str) -> list[str]:
    return ["system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
