"""The graph as a table of its edges, 80 columns wide."""

import textwrap
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from keyhole.graph.render_edges import (
    Answer,
    labels,
    percent,
    shortened,
    shown_edges,
    state_word,
)

WIDTH = 80
_FROM, _TO = 21, 13
_HEAD = ("lock", "from", "to", "queries", "/s", "withheld", "failed", "p95 ms")
_WIDTHS = (6, _FROM, _TO, 7, 6, 8, 6, 6)


def render_table(graph: Answer) -> list[str]:
    """The lines: totals, one line for each edge, and why locks are open."""
    return [*totals(graph), "", *edge_lines(shown_edges(graph), labels(graph)), *open_lines(graph)]


def totals(graph: Answer) -> list[str]:
    """Totals of the clients of this Keyhole."""
    traffic = graph["traffic"]
    span = f"{graph['since'][:19].replace('T', ' ')} to {graph['until'][:19].replace('T', ' ')} UTC"
    outcomes = ", ".join(f"{word} {count:,}" for word, count in traffic["by_outcome"].items())
    return [
        f"{traffic['queries']:,} queries, {rate(traffic['rate'])} per second",
        f"from {span}",
        *_observed(graph),
        *textwrap.wrap(outcomes, WIDTH),
        protection(traffic),
    ]


def protection(traffic: Answer) -> str:
    """The shares that were protected, and beside them of how many queries that is not known."""
    queries, unknown = traffic["queries"], traffic["unknown"]
    shares = [
        f"{word} {percent(traffic[f'{word}_share']) if queries > unknown or not unknown else '-'}"
        for word in ("encrypted", "authenticated")
    ]
    return ", ".join([*shares, *([f"not known {unknown:,}"] if unknown else [])])


def _observed(graph: Answer) -> list[str]:
    """Over which part of the time span rates are, unless it is (nearly) all of it."""
    since, until = (datetime.fromisoformat(graph[key]) for key in ("since", "until"))
    observed = float(graph["observed_seconds"])
    if observed > 0.99 * (until - since).total_seconds():
        return []
    return [
        f"rates are over {timedelta(seconds=round(observed))} of that: the part that was observed"
    ]


def edge_lines(edges: Sequence[Answer], names: dict[str, str]) -> list[str]:
    """A head, and a line for each edge."""
    return [_line(_HEAD), *(_line(_cells(edge, names)) for edge in edges)]


def open_lines(graph: Answer, most: int | None = None) -> list[str]:
    """Why locks are open; nothing if all are closed. At most so many lines, if given."""
    names = labels(graph)
    lines: list[str] = []
    for edge in shown_edges(graph):
        if not edge["lock"]["reasons"] or edge["kind"] == "names":
            continue
        lines.append(shortened(f"{names[edge['source']]} to {names[edge['target']]}:", WIDTH))
        for one in edge["lock"]["reasons"]:
            lines += textwrap.wrap(
                one["text"], WIDTH, initial_indent="  ", subsequent_indent="    "
            )
    if most is not None and len(lines) > most:
        lines = [*lines[: max(0, most - 1)], "..."]
    return ["", "Open, because", *lines] if lines else []


def _cells(edge: Answer, names: dict[str, str]) -> tuple[str, ...]:
    traffic: dict[str, Any] = edge["traffic"]
    outcomes, wait = traffic["by_outcome"], traffic["wait_us"]
    withheld = outcomes.get("blocked", 0) + outcomes.get("refused", 0)
    return (
        state_word(edge["lock"]),
        shortened(names[edge["source"]], _FROM),
        shortened(names[edge["target"]], _TO),
        _number(traffic["queries"]),
        rate(traffic["rate"]),
        share(withheld, traffic["queries"]),
        share(traffic["errors"], traffic["queries"]),
        milliseconds(wait["p95"]) if wait else "-",
    )


def _line(cells: Sequence[str]) -> str:
    left = [cell.ljust(width) for cell, width in zip(cells[:3], _WIDTHS[:3], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(cells[3:], _WIDTHS[3:], strict=True)]
    return " ".join([*left, *right]).rstrip()


def _number(count: float) -> str:
    units = ((100_000, 1, ""), (10_000_000, 1_000, "k"), (10_000_000_000, 1_000_000, "M"))
    for limit, size, unit in units:
        if count < limit:
            return f"{round(count) // size:,}{unit}"
    return f"{round(count / 1_000_000_000)}G"


def rate(per_second: float) -> str:
    """Queries per second, in at most six characters."""
    if per_second < 10:
        return f"{per_second:.2f}"
    return f"{per_second:.1f}" if per_second < 1_000 else _number(per_second)


def share(part: int, whole: int) -> str:
    """A part for people, in at most six characters; a dash for none."""
    return percent(part / whole) if part else "-"


def milliseconds(micros: int) -> str:
    """Microseconds as milliseconds, in at most six characters up to a quarter of an hour."""
    return f"{micros / 1000:.1f}" if micros < 1_000_000 else f"{micros / 1000:.0f}"
