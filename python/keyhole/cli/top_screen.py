"""The screen of ``keyhole top``: lines of text for a terminal of any size."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from keyhole.cli.output import sanitize
from keyhole.graph.render_edges import labels, shortened, shown_edges, state_word
from keyhole.graph.render_table import milliseconds, protection, rate, share

WIDTH, HEIGHT = 80, 24
"""The smallest terminal that everything fits into."""
_FIXED = 9
"""Lines that are no rows: head, headings and the lines between."""
_OUTCOMES = ("answered", "blocked", "refused", "failed")

Picture = dict[str, Any]


def screen(picture: Picture, width: int = WIDTH, height: int = HEIGHT) -> list[str]:
    """At most ``height`` lines of at most ``width`` characters."""
    rows = max(height, HEIGHT) - _FIXED
    clients, names = rows - 2 * (rows // 4) - 1, rows // 4 + 1
    last = rows - clients - names
    half = (max(width, WIDTH) - 2) // 2
    lines = [
        *_head(picture, max(width, WIDTH)),
        "",
        *_clients(picture, clients),
        "",
        *_beside(_names(picture, "names", half), _names(picture, "withheld_names", half), names),
        "",
        *_beside(_upstreams(picture, half), _open(picture, half), last),
    ]
    return [sanitize(line)[:width].rstrip() for line in lines[:height]]


def _head(picture: Picture, width: int) -> Iterator[str]:
    traffic, load = picture["graph"]["traffic"], picture["load"]
    time = picture["graph"]["until"][11:19]
    title = f"Keyhole {picture['role']}: the last {picture['window']} s until {time} UTC"
    yield f"{title:<{width - 8}} q quits"
    outcomes = traffic["by_outcome"]
    words = [f"{word} {share(outcomes.get(word, 0), traffic['queries'])}" for word in _OUTCOMES]
    yield f"{rate(traffic['rate'])} queries/s: {', '.join(words)}"
    wait = traffic["wait_us"]
    yield ", ".join(
        (
            protection(traffic),
            f"waiting {load['waiting']}" if load else "the engine does not answer",
            f"p95 {milliseconds(wait['p95'])} ms" if wait else "nothing waited",
        )
    )


def _clients(picture: Picture, rows: int) -> Iterator[str]:
    graph = picture["graph"]
    yield f"{'CLIENTS':<38} {'/s':>7} {'withheld':>8} {'failed':>7} {'p95 ms':>7} lock"
    edges = [one for one in shown_edges(graph) if one["kind"] == "asks"]
    names = labels(graph)
    for edge in edges[:rows]:
        traffic = edge["traffic"]
        outcomes, wait = traffic["by_outcome"], traffic["wait_us"]
        withheld = outcomes.get("blocked", 0) + outcomes.get("refused", 0)
        name = names[edge["source"]]
        if names[edge["target"]] != picture["role"]:
            name += f" to {names[edge['target']]}"
        yield (
            f"{shortened(name, 38):<38} {rate(traffic['rate']):>7} "
            f"{share(withheld, traffic['queries']):>8} "
            f"{share(traffic['errors'], traffic['queries']):>7} "
            f"{milliseconds(wait['p95']) if wait else '-':>7} "
            f"{state_word(edge['lock'])}"
        )
    # Always all rows, so that nothing jumps.
    yield from [""] * (rows - len(edges))


def _names(picture: Picture, key: str, width: int) -> Iterator[str]:
    field = "total" if key == "names" else "withheld"
    title = "NAMES" if key == "names" else "WITHHELD NAMES"
    yield f"{title:<{width - 8}} {'/s':>7}"
    for one in picture[key]:
        per_second = rate(one[field] / picture["window"])
        yield f"{shortened(one['value'], width - 8):<{width - 8}} {per_second:>7}"


def _upstreams(picture: Picture, width: int) -> Iterator[str]:
    name_width = width - 22
    yield f"{'UPSTREAMS':<{name_width}} {'/s':>7} {'p95 ms':>7} state"
    states = {one["name"]: one["is_healthy"] for one in picture["upstreams"]}
    counts = dict.fromkeys(states, 0)
    waits: dict[str, str] = {}
    for edge in picture["graph"]["edges"]:
        if edge["kind"] != "forwards":
            continue
        for name, count in edge["upstreams"].items():
            counts[name] = counts.get(name, 0) + count
            if wait := edge["traffic"]["wait_us"]:
                waits[name] = milliseconds(wait["p95"])
    for name, count in sorted(counts.items(), key=lambda one: -one[1]):
        state = {True: "up", False: "down", None: ""}[states.get(name)]
        per_second = rate(count / picture["window"])
        label = shortened(name, name_width)
        yield f"{label:<{name_width}} {per_second:>7} {waits.get(name, '-'):>7} {state}"


def _open(picture: Picture, width: int) -> Iterator[str]:
    yield "OPEN, AND WHAT NEEDS ATTENTION"
    graph = picture["graph"]
    names = labels(graph)
    for one in picture["parts"]:
        yield shortened(f"{one['name']}: {one['state']}", width)
    for edge in shown_edges(graph):
        if edge["lock"]["reasons"] and edge["kind"] != "names":
            (first, *_) = edge["lock"]["reasons"]
            who = f"{names[edge['source']]} to {names[edge['target']]}"
            yield f"{shortened(who, width - len(first['reason']) - 2)}: {first['reason']}"


def _beside(left: Iterator[str], right: Iterator[str], rows: int) -> Iterator[str]:
    """Two columns with a heading and so many rows; always all of them."""
    lines = [*zip_longest(left, right, fillvalue="")][: rows + 1]
    width = max(len(one) for one, _ in lines)
    for one, other in (*lines, *[("", "")] * (rows + 1 - len(lines))):
        yield f"{one:<{width}}  {other}"
