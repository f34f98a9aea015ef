"""Folds the least busy nodes of each group into one, so that a graph can be drawn."""

from collections import defaultdict
from collections.abc import Mapping

from keyhole.graph.clients import NodeInfo

_KEPT = ("resolver", "forwarder", "engine")
"""Kinds that are folded last: without them no edge has an end."""
_OTHER = "folded:other"


def fold(nodes: Mapping[str, NodeInfo], busy: Mapping[str, int], most: int) -> dict[str, NodeInfo]:
    """For the ID of each node the node that stands for it: itself, or that of its group.

    ``busy`` has the queries of each node; at most ``most`` nodes are left.
    """
    if len(nodes) <= most:
        return dict(nodes)
    ranked = sorted(
        nodes.values(), key=lambda one: (one.kind not in _KEPT, -busy.get(one.id, 0), one.id)
    )
    groups = {one.group for one in ranked}
    if len(groups) + 1 > most // 2:
        kept, others = ranked[: most - 1], ranked[most - 1 :]
        label = f"{len(others):,} others"
        node = NodeInfo(_OTHER, "folded", label, "others", "other", "others", len(others))
        return _replaced(kept, {node: others})
    kept, others = ranked[: most - len(groups)], ranked[most - len(groups) :]
    by_group: dict[str, list[NodeInfo]] = defaultdict(list)
    for one in others:
        by_group[one.group].append(one)
    folded = {_of_group(members): members for members in by_group.values()}
    return _replaced(kept, folded)


def _of_group(members: list[NodeInfo]) -> NodeInfo:
    first = members[0]
    if len(members) == 1:
        return first
    label = f"{len(members):,} others of {first.group_label}"
    return NodeInfo(
        f"folded:{first.group}",
        "folded",
        label,
        first.group_label,
        first.group,
        first.group_label,
        len(members),
    )


def _replaced(
    kept: list[NodeInfo], folded: Mapping[NodeInfo, list[NodeInfo]]
) -> dict[str, NodeInfo]:
    found = {one.id: one for one in kept}
    for node, members in folded.items():
        found |= {one.id: node for one in members}
    return found
