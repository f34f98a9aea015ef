"""Whether the DNS of each workload of a cluster is protected, and under which policy it is.

The cluster says which pods there are and what its mesh does; Keyhole says who asked it, and how.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from keyhole.mesh.check import check
from keyhole.mesh.objects import Manifest, World, inner, listed
from keyhole.mesh.traps.dns import services_of_dns

Client = Mapping[str, Any]
"""A client as the API tells it, a ``ClientSummary``."""
_IDENTITY = re.compile(r"spiffe://[^/]+/ns/([^/]+)/sa/([^/]+)")
_PROXY = "istio-proxy"
_REDIRECTED = "ambient.istio.io/redirection"
_IN_THE_CLEAR = ("cleartext", "perhaps_http")
_MESHES = ("sidecar", "ambient")
_NOT_STRICT = ("not-strict", "udp-in-the-mesh")
"""Traps with which queries may arrive past the mesh."""
_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Workload:
    """The pods of a service account."""

    namespace: str
    account: str
    pods: int
    mesh: str
    """``sidecar`` or ``ambient`` if all of them are in it, ``partly``, or ``none``."""
    addresses: frozenset[str]

    @property
    def name(self) -> str:
        """Namespace and account, as policies of Istio write them."""
        return f"{self.namespace}/{self.account}"


@dataclass(frozen=True)
class WorkloadStatus:
    """How the queries of a workload arrived."""

    workload: str
    pods: int
    mesh: str
    queries: int
    encrypted: str
    """``yes``: by TLS that Keyhole ends. ``mesh``: by the mesh, which lets nothing else in.
    ``partly`` or ``no``; ``none`` where nothing was asked."""
    authenticated: str
    """The same: ``mesh`` is a client that the mesh knows, and Keyhole by its address alone."""
    policy: str | None
    """The policy that applies now; ``None`` if none does, or nothing was asked."""
    why: tuple[str, ...]
    """Why queries were not encrypted or not authenticated."""

    @property
    def is_protected(self) -> bool:
        """Whether nothing that it asked was in the clear or from somebody unknown."""
        return {self.encrypted, self.authenticated} <= {"yes", "mesh", "none"}


def status(pods: World, manifests: World, clients: Iterable[Client]) -> list[WorkloadStatus]:
    """One line for each workload of ``pods``, those that asked most first.

    ``manifests`` are the objects that `check` reads.
    """
    is_strict = _is_strict(manifests)
    workloads = list(_workloads(pods))
    asked: dict[str, list[Client]] = {}
    for client in clients:
        if one := _owner(client, workloads):
            asked.setdefault(one.name, []).append(client)
    found = [
        _status(one, asked.get(one.name, []), is_strict=is_strict and one.mesh in _MESHES)
        for one in workloads
    ]
    return sorted(found, key=lambda one: (-one.queries, one.workload))


def _is_strict(manifests: World) -> bool:
    """Whether a mesh carries all DNS, and lets nobody in whom it does not know."""
    in_a_mesh = [one for one in services_of_dns(manifests) if manifests.mode(one.namespace)]
    return bool(in_a_mesh) and not any(one.trap in _NOT_STRICT for one in check(manifests))


def _workloads(world: World) -> Iterator[Workload]:
    found: dict[str, Workload] = {}
    for pod in world.of("Pod"):
        if inner(pod.tree, "status").get("phase") in _ENDED:
            continue
        account = str(pod.spec.get("serviceAccountName") or "default")
        one = Workload(pod.namespace, account, 1, _mesh(pod), _addresses(pod))
        if before := found.get(one.name):
            one = replace(
                one,
                pods=before.pods + 1,
                mesh=one.mesh if one.mesh == before.mesh else "partly",
                addresses=one.addresses | before.addresses,
            )
        found[one.name] = one
    yield from found.values()


def _mesh(pod: Manifest) -> str:
    containers = [*listed(pod.spec, "initContainers"), *listed(pod.spec, "containers")]
    if any(one.get("name") == _PROXY for one in containers):
        return "sidecar"
    return "ambient" if pod.annotations.get(_REDIRECTED) == "enabled" else "none"


def _addresses(pod: Manifest) -> frozenset[str]:
    # A pod in the network of its node has the address of all that run there.
    if pod.spec.get("hostNetwork"):
        return frozenset()
    addresses = listed(inner(pod.tree, "status"), "podIPs")
    return frozenset(str(one["ip"]) for one in addresses if "ip" in one)


def _owner(client: Client, workloads: Sequence[Workload]) -> Workload | None:
    if client["kind"] == "identity":
        named = _IDENTITY.fullmatch(client["value"])
        names = named.groups() if named else ()
        return next((one for one in workloads if (one.namespace, one.account) == names), None)
    if client["kind"] == "address":
        return next((one for one in workloads if client["value"] in one.addresses), None)
    return None


def _status(one: Workload, clients: Sequence[Client], *, is_strict: bool) -> WorkloadStatus:
    queries = sum(client["queries"] for client in clients)
    counts: dict[str, int] = {}
    for client in clients:
        for reason in client["reasons"]:
            counts[reason["reason"]] = counts.get(reason["reason"], 0) + reason["queries"]
    clear = sum(counts.pop(word, 0) for word in _IN_THE_CLEAR)
    carried, by_address = counts.pop("mesh", 0), counts.get("network_only", 0)
    if is_strict:
        carried, clear = carried + clear, 0
        counts.pop("network_only", None)
    else:
        carried, by_address, clear = 0, 0, carried + clear
    unproved = sum(counts.values())
    policies = sorted({_policy(client) for client in clients if client["queries"]} - {""})
    return WorkloadStatus(
        workload=one.name,
        pods=one.pods,
        mesh=one.mesh,
        queries=queries,
        encrypted=_word(clear, queries, "mesh" if carried else "yes"),
        authenticated=_word(unproved, queries, "mesh" if by_address else "yes"),
        policy=", ".join(policies) or None,
        why=tuple(_why(clear, counts)),
    )


def _word(bad: int, queries: int, good: str) -> str:
    if not queries:
        return "none"
    return good if not bad else "no" if bad >= queries else "partly"


def _policy(client: Client) -> str:
    choice = client["policy"]
    return str(choice["name"] or "") if choice else ""


def _why(clear: int, counts: Mapping[str, int]) -> Iterator[str]:
    if clear:
        yield f"{clear} not encrypted"
    for word, count in sorted(counts.items()):
        yield f"{count} {word}"
