"""The costs of all rounds as one table, or as JSON: medians with the lowest and highest value."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.measure import Cost, Footprint


def as_json(costs: Sequence[Cost], footprints: Sequence[Footprint]) -> str:
    """The figures of every round, as they were measured."""
    return json.dumps(
        {
            "cpu_unit": "microseconds of user and system time per answered query",
            "costs": [asdict(cost) for cost in costs],
            "footprints": [asdict(footprint) for footprint in footprints],
        },
        indent=1,
    )


def show(costs: Sequence[Cost], footprints: Sequence[Footprint], names: int) -> None:
    """Prints the table; the cheapest real server of each row is bold."""
    table = Table(
        title="server CPU per query, microseconds: median (lowest to highest), thousand queries/s",
        caption="user and system time of all processes of a server over its answered queries",
    )
    starts: dict[str, list[Footprint]] = defaultdict(list)
    for footprint in footprints:
        starts[footprint.peer].append(footprint)
    table.add_column("load")
    for peer in starts:
        table.add_column(peer, justify="right")
    rows: dict[tuple[str, str], dict[str, list[Cost]]] = defaultdict(lambda: defaultdict(list))
    for cost in costs:
        rows[cost.transport, cost.load][cost.peer].append(cost)
    for (transport, load), row in rows.items():
        table.add_row(f"{transport} {load}", *_cells(row, starts))
    table.add_section()
    for label, field, digits in _FOOTPRINT_ROWS:
        values = ([float(getattr(one, field)) for one in each] for each in starts.values())
        table.add_row(label, *(_spread(each, digits) for each in values))
    console = Console(width=max(100, 18 + 27 * len(starts)))
    console.print(table)
    rounds = max((len(each) for each in starts.values()), default=0)
    console.print(
        f"Rounds: {rounds}. Block list: {names:,} names. The reflector only sends queries back."
    )


_FOOTPRINT_ROWS = (
    ("start, s", "start", 2),
    ("memory, MB", "memory", 0),
    ("memory after, MB", "memory_after", 0),
)


def _spread(values: Sequence[float], digits: int) -> str:
    low, middle, high = (f"{one:.{digits}f}" for one in (min(values), median(values), max(values)))
    return f"{middle} ({low} to {high})" if len(values) > 1 else middle


def _cells(row: dict[str, list[Cost]], peers: Iterable[str]) -> list[str]:
    real = [
        median(cost.cpu for cost in costs)
        for peer, costs in row.items()
        if peer != "reflector" and not _is_stuck(costs)
    ]
    cheapest = min(real, default=0.0)
    cells = []
    for peer in peers:
        costs = row.get(peer, [])
        if not costs:
            cells.append("-")
            continue
        if _is_stuck(costs):
            cells.append("stuck")
            continue
        cpu = [cost.cpu for cost in costs]
        text = f"{_spread(cpu, 1)}, {median(cost.per_second for cost in costs) / 1000:.0f}"
        lost = sum(cost.lost for cost in costs)
        more = f" lost {lost}" if lost else ""
        cells.append(f"[bold]{text}[/bold]{more}" if median(cpu) == cheapest else text + more)
    return cells


def _is_stuck(costs: Iterable[Cost]) -> bool:
    """Whether a server lost more queries than it answered, in any round."""
    return any(cost.lost >= cost.answered for cost in costs)
