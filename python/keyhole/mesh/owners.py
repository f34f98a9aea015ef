"""Workloads of a cluster, and to which of them a client of Keyhole belongs."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import yaml

from keyhole.mesh.objects import Manifest, World, inner, listed

Client = Mapping[str, Any]
"""A client as the API tells it, a ``ClientSummary``."""
_IDENTITY = re.compile(r"spiffe://([^/]+)/ns/([^/]+)/sa/([^/]+)")
_PROXY = "istio-proxy"
_REDIRECTED = "ambient.istio.io/redirection"
_ENDED = ("Succeeded", "Failed")
_ROOT = "istio-system"
_USUAL_DOMAIN = "cluster.local"
"""The trust domain of a mesh that does not say another."""


@dataclass(frozen=True)
class Workload:
    """The pods of a service account."""

    namespace: str
    account: str
    pods: int
    mesh: str
    """``sidecar`` or ``ambient`` if all of them are in it, ``partly``, or ``none``."""
    addresses: Mapping[str, datetime]
    """Its addresses, each with the start of the pod that has it. What was asked from there before
    may be of another pod."""

    @property
    def name(self) -> str:
        """Namespace and account, as policies of Istio write them."""
        return f"{self.namespace}/{self.account}"


def workloads(pods: World) -> list[Workload]:
    """The workloads of the pods that run."""
    found: dict[str, Workload] = {}
    for pod in pods.of("Pod"):
        if has_ended(pod):
            continue
        account = str(pod.spec.get("serviceAccountName") or "default")
        one = Workload(pod.namespace, account, 1, mesh_of(pod), _addresses(pod))
        if before := found.get(one.name):
            one = replace(
                one,
                pods=before.pods + 1,
                mesh=one.mesh if one.mesh == before.mesh else "partly",
                addresses={**before.addresses, **one.addresses},
            )
        found[one.name] = one
    return list(found.values())


def has_ended(pod: Manifest) -> bool:
    """Whether it runs no more."""
    return inner(pod.tree, "status").get("phase") in _ENDED


def mesh_of(pod: Manifest) -> str:
    """``sidecar`` or ``ambient`` as the pod that runs shows it, or ``none``."""
    containers = [*listed(pod.spec, "initContainers"), *listed(pod.spec, "containers")]
    if any(one.get("name") == _PROXY for one in containers):
        return "sidecar"
    return "ambient" if pod.annotations.get(_REDIRECTED) == "enabled" else "none"


def _addresses(pod: Manifest) -> dict[str, datetime]:
    status = inner(pod.tree, "status")
    # A pod in the network of its node has the address of all that run there.
    if pod.spec.get("hostNetwork"):
        return {}
    try:
        start = datetime.fromisoformat(str(status.get("startTime")))
    except ValueError:  # nobody knows since when the addresses are its own
        return {}
    return {str(one["ip"]): start for one in listed(status, "podIPs") if "ip" in one}


def trust_domains(manifests: World) -> frozenset[str]:
    """The trust domains of the mesh, as the ConfigMap of Istio says; ``cluster.local`` if it names
    none."""
    found: set[str] = set()
    for one in manifests.of("ConfigMap"):
        # With a revision it is called istio-REVISION.
        if one.namespace == _ROOT and one.name.split("-")[0] == "istio":
            found.update(_domains(inner(one.tree, "data").get("mesh")))
    return frozenset(found or {_USUAL_DOMAIN})


def _domains(text: object) -> Iterator[str]:
    if not isinstance(text, str):
        return
    try:
        mesh = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return
    if isinstance(mesh, dict):
        yield str(mesh.get("trustDomain") or _USUAL_DOMAIN)
        aliases = mesh.get("trustDomainAliases")
        yield from (str(one) for one in aliases) if isinstance(aliases, list) else ()


class Owners:
    """Tells to which workload a client belongs."""

    def __init__(self, found: Sequence[Workload], domains: Iterable[str]) -> None:
        """``domains`` are the trust domains whose namespaces are those of the cluster."""
        self._named = {(one.namespace, one.account): one for one in found}
        self._at = {address: one for one in found for address in one.addresses}
        self._domains = frozenset(domains)

    def of(self, client: Client) -> Workload | None:
        """The workload with this identity or address; none if there is none here."""
        if client["kind"] == "identity":
            return self._named.get(self._place(client) or ("", ""))
        return self._at.get(client["value"]) if client["kind"] == "address" else None

    def namespace(self, client: Client) -> str | None:
        """The namespace that an identity of this cluster names."""
        place = self._place(client) if client["kind"] == "identity" else None
        return place[0] if place else None

    def _place(self, client: Client) -> tuple[str, str] | None:
        named = _IDENTITY.fullmatch(client["value"])
        if named is None or named[1] not in self._domains:
            return None
        return named[2], named[3]
