"""Objects in a real API server: applied and deleted one by one, and listed to the last one."""

import json
from collections.abc import Iterable
from typing import Any

import httpx2

from tests.world.kubernetes_api import KubernetesApi

Object = dict[str, Any]
_PASSING = {"events", "leases", "endpoints", "endpointslices", "componentstatuses", "flowschemas"}
_PASSING |= {"prioritylevelconfigurations", "apiservices", "ipaddresses"}
"""Kinds that the API server itself writes."""
_NAMES = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_STRICT = {"fieldManager": "test", "fieldValidation": "Strict"}


class Objects:
    """The objects of one API server, as its administrator sees them."""

    def __init__(self, api: KubernetesApi) -> None:
        self.client = api.client()
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}

    def apply(self, one: Object, **asked: str) -> httpx2.Response:
        """Applies an object on the server's side, with strict validation."""
        return self.client.patch(
            self.path(one),
            params={**_STRICT, "force": "true", **asked},
            content=json.dumps(one),
            headers={"content-type": "application/apply-patch+yaml"},
        )

    def try_to_create(self, one: Object) -> httpx2.Response:
        """What the server would say to a new object; it is not stored."""
        folder = self.path(one).rpartition("/")[0]
        return self.client.post(folder, params={**_STRICT, "dryRun": "All"}, json=one)

    def ask(self, version: str, kind: str, spec: Object, **headers: str) -> Object:
        """The status of a review, such as a SubjectAccessReview."""
        plural, _ = self._kind(version, kind)
        tree = {"apiVersion": version, "kind": kind, "spec": spec}
        answer = self.client.post(f"/apis/{version}/{plural}", json=tree, headers=headers)
        assert answer.status_code == httpx2.codes.CREATED, answer.text
        status: Object = answer.json()["status"]
        return status

    def delete(self, one: Object) -> None:
        """Deletes an object. A namespace must be empty: nobody else would finish it."""
        path, codes = self.path(one), httpx2.codes
        answer = self.client.delete(path)
        # A conflict: somebody has deleted the namespace before.
        assert answer.is_success or answer.status_code in (codes.NOT_FOUND, codes.CONFLICT)
        if one["kind"] == "Namespace" and answer.status_code != codes.NOT_FOUND:
            tree = {**self.client.get(path).json(), "spec": {"finalizers": []}}
            done = self.client.put(f"{path}/finalize", json=tree)
            assert done.is_success, done.text

    def delete_all(self, objects: Iterable[Object]) -> None:
        """Deletes objects, namespaces last."""
        for one in sorted(objects, key=lambda one: one["kind"] == "Namespace"):
            self.delete(one)

    def path(self, one: Object) -> str:
        """Where an object is in the API."""
        version, metadata = one["apiVersion"], one["metadata"]
        plural, has_namespace = self._kind(version, one["kind"])
        place = f"namespaces/{metadata['namespace']}/" if has_namespace else ""
        return f"{_root(version)}/{place}{plural}/{metadata['name']}"

    def everything(self) -> set[str]:
        """Kind, namespace and name of each object of each kind that can be listed."""
        groups = self.client.get("/apis").json()["groups"]
        versions = ["v1", *(one["preferredVersion"]["groupVersion"] for one in groups)]
        found = set()
        for version in versions:
            for one in self.client.get(_root(version)).json()["resources"]:
                if "list" in one["verbs"] and one["name"] not in _PASSING:
                    path = f"{_root(version)}/{one['name']}"
                    answer = self.client.get(path, headers={"accept": _NAMES}).json()
                    for each in answer["items"] or ():
                        metadata = each["metadata"]
                        place = metadata.get("namespace", "")
                        found.add(f"{one['kind']} {place}/{metadata['name']}")
        return found

    def _kind(self, version: str, kind: str) -> tuple[str, bool]:
        if kind not in self._kinds.get(version, {}):
            answer = self.client.get(_root(version))
            assert answer.is_success, f"the server has no {version}"
            self._kinds[version] = {
                one["kind"]: (one["name"], one["namespaced"])
                for one in answer.json()["resources"]
                if "/" not in one["name"]
            }
        return self._kinds[version][kind]


def _root(version: str) -> str:
    return "/api/v1" if version == "v1" else f"/apis/{version}"
