"""Items of queries: listeners without TLS, clients without a proof, upstreams without TLS."""

from collections.abc import Iterable, Iterator, Mapping

from keyhole.control.clients.asked import ClientKey
from keyhole.control.clients.listing import label_of
from keyhole.control.in_the_clear.counting import ClearCounts, ClearTotals
from keyhole.control.in_the_clear.items import Mending, Subject, item
from keyhole.control.in_the_clear.model import ClearItem
from keyhole.graph.source import UpstreamInfo

MAX_CLIENTS = 200
"""Clients that are listed one by one."""

_TRANSPORTS = {
    "udp": "DNS over UDP",
    "tcp": "DNS over TCP",
    "doh_cleartext": "DoH without TLS",
    "mesh": "DNS for a mesh",
}
_CANNOT = "is not encrypted, and its clients cannot prove who they are"
_ENROLL = "keyhole enroll create NAME"
_LISTENERS = {
    "udp": _CANNOT,
    "tcp": _CANNOT,
    "doh_cleartext": "is not encrypted on the way from its sidecar",
    "mesh": "is encrypted by the mesh alone, which Keyhole cannot check",
}
_MENDING = {
    "udp": "Move its clients to DoT or DoH with a certificate or a token; then close the listener.",
    "tcp": "Move its clients to DoT or DoH with a certificate or a token; then close the listener.",
    "doh_cleartext": "Let workloads ask by DoH or DoT with a certificate; then close the listener.",
    "mesh": "Let workloads ask by DoT or DoH with a certificate; then close the listener.",
}


def listener_items(totals: ClearTotals, addresses: Mapping[str, list[str]]) -> Iterator[ClearItem]:
    """Transports without encryption that are listened on, or were used in the time span."""
    for transport, words in _TRANSPORTS.items():
        places = addresses.get(transport, [])
        used = totals.transports.get(transport)
        if not places and used is None:
            continue
        closing = f"listen: {{{transport}: []}}" if places else None
        mending = Mending(_MENDING[transport], _ENROLL, closing)
        if not places:
            mending = Mending("Nothing listens there any more: it ends with the time span.")
        what = f"{words} {_LISTENERS[transport]}"
        yield item(Subject("listener", transport, what, mending, places), used or ClearCounts())


def client_items(totals: ClearTotals) -> tuple[list[ClearItem], int]:
    """Clients that were served without a proof, the busiest first, and how many are left out.

    Who was refused each time is none of them: nothing has to be mended there.
    """
    served = [(key, one) for key, one in totals.clients.items() if one.served]
    served.sort(key=lambda pair: (-pair[1].counts.queries, pair[0]))
    items = [_client(key, one) for key, one in served[:MAX_CLIENTS]]
    return items, max(0, len(served) - MAX_CLIENTS)


def _client(key: ClientKey, one: ClearCounts) -> ClearItem:
    label = label_of(key)
    match key.kind:
        case "uncounted":
            what = f"{label[:1].upper()}{label[1:]}{_CAUSES[key.value]}: whether they were "
            what += "protected is not known"
            return item(Subject("unlogged", key.value, what, _UNLOGGED[key.value]), one)
        case "claimed":
            what = f"{label} is served although its certificate has expired"
            mending = Mending(
                "Renew its certificate on its machine, and keep it renewed.",
                "keyhole enroll keep /etc/keyhole",
            )
        case "anonymous":
            what = f"clients of the policy {key.value} are hidden, and may be known by network"
            mending = Mending(
                "Take the networks out of the subjects of the policy, or log who asks.",
                document=f"Policy/{key.value}",
            )
        case _:
            what = f"{label} is known by its network alone"
            mending = Mending(
                "Give it a certificate, or a token where it cannot hold one.", _ENROLL
            )
    return item(Subject("client", key.id, what, mending), one)


_CAUSES = {"unlogged": ", by a policy or by a list of names", "lost": "", "deleted": ""}
_UNLOGGED = {
    "unlogged": Mending(
        "To know it, take the names out of the list of names that are not logged, or write log: "
        "anonymous instead of log: none into the policy: that keeps how its clients proved who "
        "they are, and not who they are."
    ),
    "lost": Mending(
        "Give the query log more room, so that none are lost.", setting="log: {keep: 256MiB}"
    ),
    "deleted": Mending("Look at a shorter time span: the log has forgotten the older queries."),
}


def upstream_items(totals: ClearTotals, upstreams: Iterable[UpstreamInfo]) -> Iterator[ClearItem]:
    """Upstreams that are asked without TLS, and those that are gone and were asked."""
    known = {one.name: one for one in upstreams}
    for name, one in known.items():
        if not one.is_encrypted:
            word = "local-network" if one.is_clear else "mesh"
            how = "nothing encrypts it" if one.is_clear else "the mesh has to encrypt it"
            what = f"the upstream {name} is asked over {one.protocol}: {how}"
            mending = Mending(
                f"Ask it over dot or doh, with serverName and without insecure: {word}.",
                f"keyhole get Upstream {name}",
                document=f"Upstream/{name}",
            )
            subject = Subject("upstream", name, what, mending, sorted(one.addresses))
            yield item(subject, totals.upstreams.get(name) or ClearCounts())
    for name, used in totals.upstreams.items():
        if name not in known:
            what = f"the upstream {name} is not in the documents any more"
            mending = Mending("Nothing asks it any more: it ends with the time span.")
            yield item(Subject("upstream", name, what, mending), used)
