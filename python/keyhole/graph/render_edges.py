"""The edges that are shown to people, and the words for them. Works on answers of the API."""

from collections.abc import Mapping
from typing import Any

Answer = Mapping[str, Any]
MAX_LABEL = 40


def shown_edges(graph: Answer) -> list[Answer]:
    """The edges, the busiest first. Two engines of the same graph see the same queries: they are
    shown once, as the one that asks saw them, unless the other one finds the lock open."""
    forwarded = {
        (one["source"], one["target"])
        for one in graph["edges"]
        if one["kind"] == "forwards" and one["target"].startswith("engine:")
    }
    return [
        one
        for one in graph["edges"]
        if one["kind"] != "asks"
        or (one["source"], one["target"]) not in forwarded
        or not one["lock"]["closed"]
    ]


def labels(graph: Answer) -> dict[str, str]:
    """The label of each node, by its ID; shortened in the middle."""
    return {one["id"]: shortened(one["label"], MAX_LABEL) for one in graph["nodes"]}


def shortened(text: str, most: int) -> str:
    """The text with at most so many characters; of a longer one, its begin and its end."""
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def state_word(lock: Answer) -> str:
    """``closed``, ``open``, or ``-`` where neither is known."""
    return "-" if lock["state"] == "unknown" else str(lock["state"])


def lock_words(edge: Answer) -> str:
    """``closed``, ``not known``, or ``open`` with the reasons as words."""
    lock = edge["lock"]
    if lock["state"] != "open":
        return "closed" if lock["closed"] else "not known"
    return f"open: {', '.join(one['reason'] for one in lock['reasons'])}"


def percent(share: float) -> str:
    """A share for people; a small one is never said to be none, a large one never to be all."""
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    return f"{100 * share:.1f}%" if share < 1 else "100%"
