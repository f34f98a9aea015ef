"""Whether the DNS of each workload of a cluster is protected, and under which policy it is.

The cluster says which pods there are and what its mesh does; Keyhole says who asked it, and how.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyhole.mesh.objects import Manifest, World, inner, listed
from keyhole.mesh.owners import (
    Client,
    Owners,
    Workload,
    has_ended,
    mesh_of,
    trust_domains,
    workloads,
)
from keyhole.mesh.strict import is_strict
from keyhole.mesh.traps.dns import services_of_dns
from keyhole.model.spiffe import DEFAULT_TRUST_DOMAIN

_IN_THE_CLEAR = ("cleartext", "perhaps_http")
_MESHES = ("sidecar", "ambient")
_PART_OF = "app.kubernetes.io/part-of"
_KEYHOLE = "keyhole"


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


@dataclass(frozen=True)
class OtherQueries:
    """Queries of clients that are no workload here: pods that are gone, nodes, tokens, clients that
    the log does not name, and all behind one address."""

    queries: int
    unprotected: int
    """Those in the clear or without a proof, and those of which neither is known."""


@dataclass(frozen=True)
class ClusterStatus:
    """How all queries arrived: those of the workloads, busiest first, and all others."""

    workloads: list[WorkloadStatus]
    others: OtherQueries

    @property
    def is_protected(self) -> bool:
        """Whether all that was asked was protected, and some of it is known to be of a workload."""
        is_told = not self.others.queries or any(one.queries for one in self.workloads)
        all_of_them = all(one.is_protected for one in self.workloads)
        return is_told and all_of_them and not self.others.unprotected


@dataclass(frozen=True)
class RecentClients:
    """Who asked Keyhole in a time span."""

    clients: Sequence[Client]
    since: datetime
    later: Callable[[str, datetime], Client]
    """An address alone, from a later time on."""


def status(
    pods: World,
    manifests: World,
    asked: RecentClients,
    *,
    namespaces: Collection[str] = (),
    domains: Collection[str] = (),
) -> ClusterStatus:
    """The workloads of ``namespaces``, or all, and what else was asked.

    ``pods`` are those of the whole cluster, ``manifests`` the objects that `check` reads.
    ``domains`` are the trust domains of the cluster; by default those of its mesh, and where
    Keyhole is in no mesh also that of its own authority.
    """
    mesh = _mesh_of_keyhole(manifests, pods)
    running = workloads(pods)
    owners = Owners(running, domains or _domains(manifests))
    owned: dict[str, list[Client]] = {}
    others: list[Client] = []
    for client in asked.clients:
        if one := owners.of(client):
            own, before = _split(client, one, asked)
            owned.setdefault(one.name, []).append(own)
            others += before
        elif not namespaces or owners.namespace(client) in (None, *namespaces):
            others.append(client)
    found = [
        _status(one, owned.get(one.name, []), mesh if one.mesh in _MESHES else "")
        for one in running
        if not namespaces or one.namespace in namespaces
    ]
    return ClusterStatus(
        sorted(found, key=lambda one: (-one.queries, one.workload)),
        OtherQueries(
            sum(one["queries"] for one in others),
            sum(_unprotected(one, mesh) for one in others),
        ),
    )


def _split(client: Client, owner: Workload, asked: RecentClients) -> tuple[Client, list[Client]]:
    """What a client asked since its pod has its address, and what somebody asked before."""
    start = owner.addresses[client["value"]] if client["kind"] == "address" else asked.since
    if start <= asked.since:
        return client, []
    own = asked.later(client["value"], start)
    counts = _counts([client])
    counts.subtract(_counts([own]))
    reasons = [{"reason": word, "queries": count} for word, count in (+counts).items()]
    before = {"queries": client["queries"] - own["queries"], "reasons": reasons}
    return own, [{**client, **before}]


def _mesh_of_keyhole(manifests: World, pods: World) -> str:
    """``sidecar`` or ``ambient`` if that mesh carries all DNS to Keyhole, and lets nobody in whom
    it does not know; else nothing."""
    ours = list(_services_of_keyhole(manifests))
    if not ours or not all(_is_carried(manifests, one) for one in ours):
        return ""
    modes = {manifests.mode(one.namespace) for one in ours}
    if modes != {"ambient"}:
        return "sidecar"
    return "ambient" if _is_redirected(ours, pods) else ""


def _is_redirected(services: Sequence[Manifest], pods: World) -> bool:
    """Whether ambient took in each pod that these lead to. It enforces nothing for one that it did
    not take in, and Keyhole cannot tell: it sees cleartext either way."""
    running = [pod for pod in pods.of("Pod") if not has_ended(pod)]
    for service in services:
        selector = inner(service.spec, "selector")
        behind = [
            pod
            for pod in running
            if pod.namespace == service.namespace and selector.items() <= pod.labels.items()
        ]
        if not selector or not behind or any(mesh_of(pod) != "ambient" for pod in behind):
            return False
    return True


def _services_of_keyhole(manifests: World) -> Iterator[Manifest]:
    """Services of DNS that are Keyhole's, or lead to its pods."""
    for one in services_of_dns(manifests):
        labels = [one.labels, *(pod.labels for pod in manifests.pods_behind(one))]
        if any(each.get(_PART_OF) == _KEYHOLE for each in labels):
            yield one


def _domains(manifests: World) -> Iterator[str]:
    """The trust domains whose namespaces are those of the cluster."""
    yield from trust_domains(manifests)
    # Without a mesh, Keyhole's own authority tells its workloads apart.
    if not any(manifests.mode(one.namespace) for one in _services_of_keyhole(manifests)):
        yield DEFAULT_TRUST_DOMAIN


def _is_carried(manifests: World, service: Manifest) -> bool:
    # No mesh carries UDP. What pods that nobody sees are like is not known.
    is_udp = any(port.get("protocol") == "UDP" for port in listed(service.spec, "ports"))
    return not is_udp and bool(manifests.pods_behind(service)) and is_strict(manifests, service)


def _counts(clients: Iterable[Client]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for client in clients:
        for reason in client["reasons"]:
            counts[reason["reason"]] += reason["queries"]
    return counts


def _open(clients: Iterable[Client], mesh: str) -> tuple[int, int, Counter[str]]:
    """How many queries the mesh carried, how many were in the clear, and the reasons for which
    others had no proof."""
    counts = _counts(clients)
    clear = sum(counts.pop(word, 0) for word in _IN_THE_CLEAR)
    carried = counts.pop("mesh", 0)
    if not mesh:
        return 0, clear + carried, counts
    # Behind a sidecar Keyhole names what the mesh brought: what is in the clear came past it.
    # Of ambient it sees nothing but the address that the mesh has proved.
    if mesh == "ambient":
        by_address = min(counts["network_only"], clear)
        counts["network_only"] -= by_address
        carried, clear = carried + clear, 0
    return carried, clear, +counts


def _unprotected(client: Client, mesh: str) -> int:
    """How many queries of a client that is no workload were not protected, at least."""
    # Even in ambient: the address is of no pod that the mesh proves.
    _, clear, counts = _open([client], "sidecar" if mesh else "")
    unknown: int = client.get("unknown", 0)
    return max(clear, counts.total()) + unknown


def _status(one: Workload, clients: Sequence[Client], mesh: str) -> WorkloadStatus:
    queries = sum(client["queries"] for client in clients)
    carried, clear, counts = _open(clients, mesh)
    by_address = _counts(clients)["network_only"] - counts["network_only"]
    policies = sorted({_policy(client) for client in clients if client["queries"]} - {""})
    return WorkloadStatus(
        workload=one.name,
        pods=one.pods,
        mesh=one.mesh,
        queries=queries,
        encrypted=_word(clear, queries, "mesh" if carried else "yes"),
        authenticated=_word(counts.total(), queries, "mesh" if by_address else "yes"),
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
