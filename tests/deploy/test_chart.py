"""The chart renders for each mode and variant, and what it renders keeps the rules of a cluster."""

import subprocess
from collections.abc import Iterator

import pytest
import yaml

from keyhole.mesh.render import MODES, packaged, render
from tests.deploy.rendered import (
    CASES,
    VERIFYING,
    WATCHING,
    Object,
    each_case,
    needs_helm,
    objects_of,
)
from tools.chart import CHART, MANIFESTS, README, readme, template, with_marks
from tools.cluster_tools import find_helm

pytestmark = needs_helm
_AGENT = 1337
"""The user of a sidecar, whose traffic is not captured."""


def _templates(objects: list[Object]) -> list[Object]:
    """The metadata and specification of each pod."""
    found = [one["spec"]["template"] for one in objects if one["kind"] == "StatefulSet"]
    found += [one for one in objects if one["kind"] == "Pod"]
    jobs = [one["spec"]["jobTemplate"] for one in objects if one["kind"] == "CronJob"]
    return [*found, *(one["spec"]["template"] for one in jobs)]


def _pods(objects: list[Object]) -> Iterator[Object]:
    return (one["spec"] for one in _templates(objects))


def _metadata_of_pods(objects: list[Object]) -> list[Object]:
    return [one["metadata"] for one in _templates(objects)]


def _containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


def test_helm_finds_nothing_wrong_with_the_chart() -> None:
    program = find_helm()
    done = subprocess.run(
        [str(program), "lint", "--strict", str(CHART)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"mode": "waypoint"}, "mode"),
        ({"resolver.replica": "2"}, "replica"),
        ({"resolver.dot.enabled": "true"}, "secret"),
        ({"control.database.urlSecret": "database"}, "control.database.address"),
        ({"control.database.address": "db.example.org"}, "address"),
        ({"mode": "plain", "resolver.identity": "proxy"}, "identity"),
        ({"mode": "plain", "ingress.api": "istio"}, "api"),
        ({"mode": "ambient", "resolver.doh.enabled": "true"}, "doh"),
        ({"mode": "ambient", "forwarder.transport": "http2"}, "forwarder.transport"),
        ({"mode": "plain", "forwarder.transport": "http2"}, "forwarder.transport"),
        ({"resolver.clients": "{netshoot}"}, "clients"),
        ({"ingress.allow": "{192.0.2.1}"}, "allow"),
        ({"verify.schedule": "hourly"}, "schedule"),
        ({"verify.known": "--api=x"}, "known"),
        ({"mode": "plain", "verify.reportTokenSecret": "token"}, "caSecret"),
        ({"control.documents.forwarder\\.yaml": "x"}, "forwarder.yaml"),
    ],
)
def test_values_that_make_no_sense_are_refused(values: dict[str, str], why: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        template(values)
    assert why in refused.value.stderr


@each_case
def test_every_container_keeps_to_pod_security_restricted(mode: str, variant: str) -> None:
    pods = list(_pods(objects_of(mode, variant)))
    assert len(pods) == (5 if (mode, variant) in VERIFYING else 4)
    for pod in pods:
        security = pod["securityContext"]
        assert security["runAsNonRoot"]
        assert security["runAsUser"] not in (0, _AGENT)
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        reads = (mode, variant) in WATCHING and pod["serviceAccountName"] == "keyhole-control"
        assert pod["automountServiceAccountToken"] == reads
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        for container in _containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"]
            assert container["resources"]["limits"]
            for port in container.get("ports", ()):
                assert port["containerPort"] >= 1024
                assert "hostPort" not in port


@each_case
def test_each_part_has_an_account_of_its_own(mode: str, variant: str) -> None:
    objects = objects_of(mode, variant)
    accounts = {one["metadata"]["name"] for one in objects if one["kind"] == "ServiceAccount"}
    used = [pod["serviceAccountName"] for pod in _pods(objects)]
    assert sorted(used) == sorted(accounts)


@each_case
def test_selectors_and_ports_of_services_lead_to_pods(mode: str, variant: str) -> None:
    objects = objects_of(mode, variant)
    sets = [one["spec"]["template"] for one in objects if one["kind"] == "StatefulSet"]
    for service in (one for one in objects if one["kind"] == "Service"):
        (found,) = [
            one
            for one in sets
            if service["spec"]["selector"].items() <= one["metadata"]["labels"].items()
        ]
        open_ports = {
            port["containerPort"]
            for container in found["spec"]["containers"]
            for port in container.get("ports", ())
        }
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= open_ports
        for port in service["spec"]["ports"]:
            # No UDP in a mesh, and a protocol that Istio need not guess.
            assert port.get("protocol", "TCP") == "TCP"
            assert port["appProtocol"]
            assert port["name"].split("-")[0] in ("tcp", "tls", "http", "http2", "https")


@each_case
def test_volumes_that_are_mounted_exist_and_roots_stay_read_only(mode: str, variant: str) -> None:
    objects = objects_of(mode, variant)
    claims = {
        one["metadata"]["name"]: one["spec"].get("volumeClaimTemplates", ())
        for one in objects
        if one["kind"] == "StatefulSet"
    }
    for pod in _pods(objects):
        mine = [one["metadata"] for one in claims.get(pod["serviceAccountName"], ())]
        volumes = {volume["name"] for volume in [*pod.get("volumes", ()), *mine]}
        mounted = {
            mount["name"] for one in _containers(pod) for mount in one.get("volumeMounts", ())
        }
        assert mounted == volumes
        maps = {one["metadata"]["name"] for one in objects if one["kind"] == "ConfigMap"}
        wanted = {v["configMap"]["name"] for v in pod.get("volumes", ()) if "configMap" in v}
        assert wanted <= maps


@each_case
def test_pods_have_the_labels_by_which_kiali_draws_them(mode: str, variant: str) -> None:
    wanted = {"app", "version", "app.kubernetes.io/name", "app.kubernetes.io/version"}
    for one in objects_of(mode, variant):
        if one["kind"] == "StatefulSet":
            assert wanted <= one["spec"]["template"]["metadata"]["labels"].keys()


@each_case
def test_pods_of_mode_sidecar_ask_for_their_sidecar_and_no_others_do(
    mode: str, variant: str
) -> None:
    wanted = "true" if mode == "sidecar" else None
    for metadata in _metadata_of_pods(objects_of(mode, variant)):
        assert metadata["labels"].get("sidecar.istio.io/inject") == wanted


@each_case
def test_their_sidecars_run_before_they_join_and_end_with_the_test(mode: str, variant: str) -> None:
    wanted = "true" if mode == "sidecar" else None
    for metadata in _metadata_of_pods(objects_of(mode, variant)):
        assert metadata.get("annotations", {}).get("sidecar.istio.io/nativeSidecar") == wanted


@pytest.mark.parametrize(("mode", "variant"), VERIFYING)
def test_an_attack_runs_once_at_a_time_ends_and_is_not_repeated(mode: str, variant: str) -> None:
    (one,) = [each["spec"] for each in objects_of(mode, variant) if each["kind"] == "CronJob"]
    job = one["jobTemplate"]["spec"]
    assert one["concurrencyPolicy"] == "Forbid"
    assert (one["successfulJobsHistoryLimit"], one["failedJobsHistoryLimit"]) == (1, 3)
    assert (job["backoffLimit"], job["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert job["activeDeadlineSeconds"] == 900
    (container,) = job["template"]["spec"]["containers"]
    assert all(isinstance(word, str) for word in container["args"])
    # Secrets are mounted one key each: that of DNS over TLS has a private key beside the root.
    secrets = [v["secret"] for v in job["template"]["spec"]["volumes"] if "secret" in v]
    assert all(len(secret["items"]) == 1 for secret in secrets)


def test_one_object_has_one_name() -> None:
    for mode, variant in CASES + WATCHING + VERIFYING:
        names = [
            (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"])
            for one in objects_of(mode, variant)
        ]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("mode", MODES)
def test_the_committed_manifests_are_what_the_chart_renders(mode: str) -> None:
    assert packaged(mode) == with_marks(mode), "run ./dev gen"


@pytest.mark.parametrize("mode", MODES)
def test_the_manifests_in_deploy_are_what_mesh_render_prints(mode: str) -> None:
    text = (MANIFESTS / mode / "keyhole.yaml").read_text()
    assert text == render(mode), "run ./dev gen"
    assert all(yaml.safe_load_all(text)), "no empty document"


def test_the_readme_of_the_chart_is_made_of_its_values() -> None:
    assert README.read_text() == readme(), "run ./dev gen"
