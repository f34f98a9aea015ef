"""One table of all costs, for people or for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from bench.measure import Cost


@dataclass(frozen=True)
class Footprint:
    """What a server takes before the first load: seconds to the first answer, megabytes."""

    peer: str
    start: float
    memory: float
    memory_after: float


def as_json(costs: Sequence[Cost], footprints: Sequence[Footprint]) -> str:
    """All figures, as they were measured."""
    return json.dumps(
        {
            "cpu_unit": "microseconds of user and system time per answered query",
            "costs": [asdict(cost) for cost in costs],
            "footprints": [asdict(footprint) for footprint in footprints],
        },
        indent=1,
    )


def show(costs: Sequence[Cost], footprints: Sequence[Footprint], names: int) -> None:
    """Prints the table; the cheapest real server of each row stands out."""
    table = Table(
        title="server CPU per query, microseconds (thousand queries per second)",
        caption="user and system time of all processes of a server over its answered queries",
    )
    peers = [footprint.peer for footprint in footprints]
    table.add_column("load")
    for peer in peers:
        table.add_column(peer, justify="right")
    for transport in dict.fromkeys(cost.transport for cost in costs):
        for load in dict.fromkeys(cost.load for cost in costs):
            row = {c.peer: c for c in costs if (c.transport, c.load) == (transport, load)}
            table.add_row(f"{transport} {load}", *_cells(row, peers))
        table.add_section()
    table.add_row("start, s", *(f"{each.start:.2f}" for each in footprints))
    table.add_row("memory, MB", *(f"{each.memory:.0f}" for each in footprints))
    table.add_row("memory after, MB", *(f"{each.memory_after:.0f}" for each in footprints))
    console = Console(width=max(100, 18 + 17 * len(peers)))
    console.print(table)
    console.print(f"Block list: {names:,} names. The reflector only sends queries back.")


def _cells(row: dict[str, Cost], peers: Sequence[str]) -> list[str]:
    real = [
        cost.cpu for peer, cost in row.items() if peer != "reflector" and cost.answered > cost.lost
    ]
    cheapest = min(real, default=0.0)
    cells = []
    for peer in peers:
        cost = row.get(peer)
        if cost is None:
            cells.append("-")
            continue
        if cost.lost >= cost.answered:
            cells.append("stuck")
            continue
        text = f"{cost.cpu:.1f} ({cost.per_second / 1000:.0f})"
        lost = f" lost {cost.lost}" if cost.lost else ""
        cells.append(f"[bold]{text}[/bold]{lost}" if cost.cpu == cheapest else text + lost)
    return cells
