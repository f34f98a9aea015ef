"""Each trap is found where it is planted into our manifests, and none in them as they are."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from keyhole import mesh
from keyhole.mesh.check import check
from keyhole.mesh.error import MeshError
from keyhole.mesh.objects import Manifest, World, read_text
from keyhole.mesh.render import MODES
from tests.world.planted_siblings import HARMLESS, SIBLINGS
from tests.world.planted_traps import KUBE_SYSTEM, PLANTED, Objects, objects_of, one_port
from tests.world.process import call_keyhole

ROOT = Path(__file__).parents[3]
SNIPPETS = ROOT / "deploy"


def _traps(objects: Objects) -> set[str]:
    return {one.trap for one in check(World(tuple(Manifest("x.yaml", one) for one in objects)))}


@pytest.mark.parametrize("mode", MODES)
def test_our_own_manifests_hold_no_trap(mode: str) -> None:
    assert _traps(objects_of(mode)) == set()


@pytest.mark.parametrize(("trap", "mode", "plant"), PLANTED, ids=[one[0] for one in PLANTED])
def test_a_planted_trap_is_found(trap: str, mode: str, plant: Callable[[Objects], None]) -> None:
    objects = objects_of(mode)
    plant(objects)
    assert trap in _traps(objects)


@pytest.mark.parametrize(
    ("trap", "mode", "plant"),
    [(trap, mode, plant) for trap, _, mode, plant in SIBLINGS],
    ids=[f"{trap}, {what}" for trap, what, _, _ in SIBLINGS],
)
def test_another_form_of_a_trap_is_found(
    trap: str, mode: str, plant: Callable[[Objects], None]
) -> None:
    objects = objects_of(mode)
    plant(objects)
    assert trap in _traps(objects)


@pytest.mark.parametrize(
    ("mode", "plant"),
    [(mode, plant) for _, mode, plant in HARMLESS],
    ids=[what for what, _, _ in HARMLESS],
)
def test_what_looks_like_a_trap_and_is_none_is_not_reported(
    mode: str, plant: Callable[[Objects], None]
) -> None:
    objects = objects_of(mode)
    plant(objects)
    assert _traps(objects) == set()


def test_every_trap_is_planted_once() -> None:
    folder = Path(mesh.__file__).parent / "traps"
    words = {
        word
        for file in folder.glob("*.py")
        for word in re.findall(r'found\(\s+"([a-z0-9-]+)"', file.read_text())
    }
    assert len({one[0] for one in PLANTED}) == len(PLANTED)
    assert words == {one[0] for one in PLANTED} | {one[0] for one in SIBLINGS}
    guide = (ROOT / "docs/guides/kubernetes.md").read_text()
    assert {word for word in words if f"`{word}`" not in guide} == set()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["force-tcp", "tls", "node-local-dns"])
def test_the_snippets_hold_a_trap_only_where_they_say_so(mode: str, name: str) -> None:
    objects = objects_of(mode)
    data = {"Corefile": (SNIPPETS / "coredns" / f"{name}.corefile").read_text()}
    metadata = {"name": "coredns", "namespace": "kube-system"}
    objects += [KUBE_SYSTEM, {"kind": "ConfigMap", "metadata": metadata, "data": data}]
    refused = {"core-dns-against-strict"} if name == "force-tcp" and mode != "plain" else set()
    # Without the cluster's own block, as in the snippet for node-local-dns, this is its place.
    assert _traps(objects) - {"cluster-names-leave"} == refused


def test_the_clients_hold_no_trap() -> None:
    for mode in MODES:
        texts = [(SNIPPETS / "client" / name).read_text() for name in ("netshoot.yaml",)]
        found = [one for text in texts for one in read_text(text, "client")]
        objects = [*objects_of(mode), *(one.tree for one in found)]
        assert _traps(objects) == set()


def test_the_command_names_place_and_cure_and_says_so_by_its_exit_code(tmp_path: Path) -> None:
    objects = objects_of("ambient")
    one_port(objects)
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    done = call_keyhole("mesh", "check", str(tmp_path))
    assert done.returncode == 1
    assert "port-53-in-ambient Service keyhole/keyhole-resolver" in done.stdout
    assert "right: add a second port" in done.stdout
    told = json.loads(call_keyhole("mesh", "check", str(file), "--json").stdout)
    assert [one["trap"] for one in told["traps"]] == ["port-53-in-ambient"]


def test_what_mesh_render_prints_is_clean_and_may_come_from_standard_input() -> None:
    given = call_keyhole("mesh", "render", "ambient", "--namespace", "dns").stdout
    assert "namespace: dns" in given
    assert "zz" not in given
    assert "keyhole-resolver" in given
    done = call_keyhole("mesh", "check", "-", given=given)
    assert (done.returncode, done.stdout.split()[0]) == (0, "no")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["mesh", "render", "waypoint"], "give sidecar, ambient or plain"),
        (["mesh", "render", "plain", "--resolver", "dns"], "is no address"),
        (["mesh", "render", "plain", "--resolver", "10.96.0.52"], "an address each"),
        (["mesh", "render", "plain", "--namespace", "A B"], "no name of a namespace"),
        (["mesh", "render", "plain", "--image", "a: b"], "is no image"),
        (["mesh", "check", "/nonexistent.yaml"], "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], why: str) -> None:
    done = call_keyhole(*words)
    assert done.returncode == 1
    assert why in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "is no YAML"),
        ("- 1", "without a kind"),
        ("kind: {{- .Values.x }}\nb: {{ y }}", "template of Helm"),
    ],
)
def test_what_is_no_manifest_is_said(text: str, why: str) -> None:
    with pytest.raises(MeshError, match=why):
        read_text(text, "x.yaml")


@pytest.mark.parametrize(
    "spec",
    [None, [], "x", {"rules": "x"}, {"ports": [1]}, {"template": []}, {"selector": ["x"]}],
)
def test_odd_manifests_are_read_without_a_fault(spec: object) -> None:
    kinds = {one["kind"] for mode in MODES for one in objects_of(mode)}
    odd = [{"kind": kind, "metadata": {"name": "x"}, "spec": spec} for kind in sorted(kinds)]
    for mode in ("sidecar", "ambient"):
        _traps([*objects_of(mode), *odd])


@pytest.mark.parametrize(
    ("kind", "spec", "why"),
    [
        ("Service", {"ports": [{"port": 53, "targetPort": [1]}]}, "targetPort is neither"),
        ("Service", {"ports": [{"port": [53]}]}, "port is neither"),
        ("Service", {"ports": [{"name": "dns"}]}, "no number as its port"),
        ("NetworkPolicy", {"egress": [{"ports": [{"port": 1, "endPort": "abc"}]}]}, "endPort is"),
        ("NetworkPolicy", {"podSelector": {"matchExpressions": [{"values": 5}]}}, "values is no"),
        ("Pod", {"containers": [{"ports": [{"containerPort": "x"}]}]}, "containerPort is no"),
        ("Deployment", {"template": {"metadata": {"labels": {"app": [1]}}}}, "labels.app is no"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named_with_its_file(
    kind: str, spec: dict[str, object], why: str
) -> None:
    odd = {"kind": kind, "metadata": {"name": "odd", "namespace": "dns"}, "spec": spec}
    with pytest.raises(MeshError, match=f"x.yaml: {kind} dns/odd cannot be read: .*{why}"):
        _traps([odd])
