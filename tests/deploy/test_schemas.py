"""All that the chart renders is valid by closed schemas of Kubernetes, Istio and Gateway API."""

import json
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import pytest
import yaml

from tests.deploy.rendered import CASES, Object, each_case, needs_helm, needs_schemas, objects_of
from tools.chart import ROOT
from tools.cluster_tools import definitions, schemas

pytestmark = [needs_helm, needs_schemas]
_KUBERNETES = "1.36"
_CORE = {"v1", "apps/v1", "batch/v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1"} | {
    "admissionregistration.k8s.io/v1",
    "apiextensions.k8s.io/v1",
    "rbac.authorization.k8s.io/v1",
}
_UNKNOWN = {"monitoring.coreos.com/v1"}
"""Kinds of which no package has the definition."""


@pytest.fixture(scope="module", autouse=True)
def _path() -> Iterator[None]:
    # At the end, so that it replaces no library of ours.
    sys.path.append(str(schemas()))
    yield
    sys.path.remove(str(schemas()))


@cache
def _definitions() -> dict[tuple[str, str], Any]:
    """A validator for each kind of Istio and the Gateway API, made when it is first used."""
    found: dict[tuple[str, str], Any] = {}
    for file in definitions().glob("*.yaml"):
        for one in yaml.load_all(file.read_text(), yaml.CSafeLoader):
            if one and one["kind"] == "CustomResourceDefinition":
                spec = one["spec"]
                for version in spec["versions"]:
                    key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                    found[key] = version["schema"]["openAPIV3Schema"]
    return found


@cache
def _validator(version: str, kind: str) -> Any:
    schema = _definitions()[version, kind]
    closed = _closed(schema)
    closed["properties"].update(apiVersion={}, kind={}, metadata={})
    return import_module("jsonschema").Draft7Validator(closed)


def _closed(schema: Any) -> Any:
    """The schema without room for unknown fields, as strict decoding has it."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(value) for key, value in schema.items()}
    is_open = made.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in made
    if isinstance(made.get("properties"), dict) and made.get("type") == "object" and not is_open:
        made["additionalProperties"] = False
    return made


def _problems(one: Object) -> list[str]:
    return _problems_of(json.dumps(one))


@cache
def _problems_of(text: str) -> list[str]:
    """Most variants render the same objects, and a look at one reads all schemas again."""
    one: Object = json.loads(text)
    version, kind = one["apiVersion"], one["kind"]
    if version in _CORE:
        kubernetes_validate = import_module("kubernetes_validate")
        try:
            kubernetes_validate.validate(one, _KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            return [error.message]
        return []
    if version in _UNKNOWN:
        return []
    return [error.message for error in _validator(version, kind).iter_errors(one)]


@each_case
def test_every_object_is_valid_and_has_no_unknown_field(mode: str, variant: str) -> None:
    found = {
        f"{one['kind']} {one['metadata']['name']}": wrong
        for one in objects_of(mode, variant)
        if (wrong := _problems(one))
    }
    assert found == {}


def test_so_is_every_object_for_clients() -> None:
    for file in (ROOT / "deploy" / "client").glob("*.yaml"):
        for one in yaml.load_all(file.read_text(), yaml.CSafeLoader):
            assert _problems(one) == [], file.name


def test_every_kind_of_istio_that_is_used_is_checked() -> None:
    used = {one["kind"] for case in CASES for one in objects_of(*case)}
    known = {kind for _, kind in _definitions()}
    assert {"AuthorizationPolicy", "Sidecar", "EnvoyFilter", "HTTPRoute"} <= used & known


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("StatefulSet", ("spec", "replica"), 2),
        ("PeerAuthentication", ("spec", "mtls", "modes"), "STRICT"),
        ("AuthorizationPolicy", ("spec", "action"), "PERMIT"),
        ("NetworkPolicy", ("spec", "policyType"), ["Ingress"]),
    ],
)
def test_a_misspelt_field_is_found(kind: str, path: tuple[str, ...], value: object) -> None:
    one = next(o for o in objects_of("sidecar", "as-it-is") if o["kind"] == kind)
    spoiled = yaml.safe_load(yaml.safe_dump(one))
    place = spoiled
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert _problems(one) == []
    assert _problems(spoiled)
