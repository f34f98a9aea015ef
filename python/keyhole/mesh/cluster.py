"""Reads from a cluster what its mesh is checked by, over the API of Kubernetes.

It only lists, and never Secrets. ``deploy/access/mesh-check.yaml`` grants exactly this.
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import httpx2

from keyhole.mesh.error import MeshError
from keyhole.mesh.kubeconfig import ClusterAccess
from keyhole.mesh.objects import Manifest, Tree, World, inner, listed

KINDS = (
    ("v1", "services"),
    ("v1", "configmaps"),
    ("v1", "pods"),
    ("apps/v1", "deployments"),
    ("apps/v1", "statefulsets"),
    ("apps/v1", "daemonsets"),
    ("apps/v1", "replicasets"),
    ("v1", "replicationcontrollers"),
    ("batch/v1", "jobs"),
    ("batch/v1", "cronjobs"),
    ("networking.k8s.io/v1", "networkpolicies"),
    ("security.istio.io/v1", "authorizationpolicies"),
    ("security.istio.io/v1", "peerauthentications"),
    ("networking.istio.io/v1", "serviceentries"),
    ("networking.istio.io/v1", "sidecars"),
    ("networking.istio.io/v1alpha3", "envoyfilters"),
    ("gateway.networking.k8s.io/v1", "gateways"),
)
"""API version and name of each kind that a trap is about, besides namespaces."""
_BEFORE = {
    "security.istio.io/v1": "security.istio.io/v1beta1",
    "networking.istio.io/v1": "networking.istio.io/v1beta1",
    "gateway.networking.k8s.io/v1": "gateway.networking.k8s.io/v1beta1",
}
"""The version before, which older clusters have alone (Istio before 1.22)."""
_MADE = ("Pod", "ReplicaSet", "Job")
"""Kinds that others make out of their template."""
_MAKERS = {
    "apps/v1": ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"),
    "v1": ("ReplicationController",),
    "batch/v1": ("Job", "CronJob"),
}
"""Kinds of `KINDS` with such a template. What another kind makes (a Rollout) has no other copy."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_PAGE = 250
_SECONDS = 30.0
_MAX_OCTETS = 64 << 20
_ACCESS = "deploy/access/mesh-check.yaml holds a role that is enough"


def read_cluster(access: ClusterAccess, namespaces: Iterable[str] = ()) -> World:
    """The objects of these namespaces, or of all; raises `MeshError` if they cannot be read.

    Kinds that the cluster does not have, such as those of Istio, are left out. So are pods that a
    workload of these kinds made: its template says the same, without what a webhook added.
    """
    found: list[Manifest] = []
    places = [f"namespaces/{_checked(one)}/" for one in dict.fromkeys(namespaces)]
    with _Reader(access) as reader:
        for place in places:
            found.append(reader.one("v1", place.rstrip("/")))
        if not places:
            found += reader.all("v1", "namespaces")
        for version, kind in KINDS:
            for place in places or [""]:
                found += reader.all(version, f"{place}{kind}")
    return World(tuple(one for one in found if not _is_made(one)))


def read_pods(access: ClusterAccess, namespaces: Iterable[str] = ()) -> World:
    """All pods of the cluster with their status; raises `MeshError` as `read_cluster` does, and if
    one of these namespaces does not exist."""
    with _StatusReader(access) as reader:
        for one in dict.fromkeys(namespaces):
            reader.one("v1", f"namespaces/{_checked(one)}")
        return World(tuple(reader.all("v1", "pods")))


def _checked(namespace: str) -> str:
    if not _NAME.fullmatch(namespace):
        raise MeshError(f"{namespace} is no name of a namespace, such as keyhole")
    return namespace


def _is_made(one: Manifest) -> bool:
    owners = listed(one.metadata, "ownerReferences")
    return one.kind in _MADE and any(
        owner.get("controller")
        and owner.get("kind") in _MAKERS.get(str(owner.get("apiVersion")), ())
        for owner in owners
    )


class _Reader:
    """A connection to the API; a context manager."""

    left_out: tuple[str, ...] = ("status",)
    """Parts of objects that nobody reads."""

    def __init__(self, access: ClusterAccess) -> None:
        self._access = access
        self._from = f"context {access.context}"
        self._open = ExitStack()

    def __enter__(self) -> Self:
        # Uncompressed, so that what is counted is what arrives.
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        if self._access.token:
            headers["authorization"] = f"Bearer {self._access.token}"
        self._client = self._open.enter_context(
            httpx2.Client(verify=self._access.trust, headers=headers, timeout=_SECONDS)
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def one(self, version: str, place: str) -> Manifest:
        """One object."""
        tree = self._get(version, place, {})
        if tree is None:
            raise MeshError(f"{self._from}: there is no {place.rpartition('/')[2]}")
        return self._manifest(tree, version, str(tree.get("kind")))

    def all(self, version: str, place: str) -> Iterator[Manifest]:
        """All objects at a place, page by page."""
        following = ""
        while True:
            asked = {"limit": str(_PAGE)} | ({"continue": following} if following else {})
            tree = self._get(version, place, asked)
            if tree is None and version == "v1":
                raise MeshError(f"{self._access.server} is no API of Kubernetes: it has no {place}")
            if tree is None:
                if version in _BEFORE:
                    yield from self.all(_BEFORE[version], place)
                return
            kind = str(tree.get("kind")).removesuffix("List")
            yield from (self._manifest(one, version, kind) for one in listed(tree, "items"))
            following = str(inner(tree, "metadata").get("continue") or "")
            if not following:
                return

    def _manifest(self, tree: Tree, version: str, kind: str) -> Manifest:
        kept = {key: value for key, value in tree.items() if key not in self.left_out}
        # Objects in a list do not repeat what the list is of.
        return Manifest(self._from, {**kept, "apiVersion": version, "kind": kind})

    def _get(self, version: str, place: str, asked: dict[str, str]) -> Tree | None:
        """A JSON object; ``None`` if there is no such kind or object."""
        group = "api" if version == "v1" else "apis"
        url = f"{self._access.server}/{group}/{version}/{place}"
        name = self._access.server_name
        extensions: dict[str, Any] = {"sni_hostname": name} if name else {}
        try:
            with self._client.stream("GET", url, params=asked, extensions=extensions) as answer:
                body = bytearray()
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > _MAX_OCTETS:
                        raise MeshError(f"{url} answers with more than 64 MiB")
        except (httpx2.TransportError, httpx2.DecodingError, httpx2.InvalidURL) as error:
            raise MeshError(f"{self._access.server} cannot be reached: {error}") from error
        return self._read(url, answer.status_code, bytes(body))

    def _read(self, url: str, status: int, body: bytes) -> Tree | None:
        try:
            tree = json.loads(body)
        except (ValueError, RecursionError):
            tree = None
        if status == httpx2.codes.NOT_FOUND:
            return None
        if status == httpx2.codes.UNAUTHORIZED:
            raise MeshError(f"{self._from}: the cluster does not know this user or token")
        if status == httpx2.codes.FORBIDDEN:
            raise MeshError(f"{self._from}: {_message(tree)}; {_ACCESS}")
        if status != httpx2.codes.OK or not isinstance(tree, dict):
            raise MeshError(f"{url} answers with status {status}: {_message(tree)}")
        return tree


class _StatusReader(_Reader):
    """The same, with what the cluster says of each object."""

    left_out = ()


def _message(tree: object) -> str:
    return str(tree.get("message", "")) if isinstance(tree, dict) else "not in JSON"
