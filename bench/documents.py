"""`./dev bench documents`: the CPU time that reading and changing documents costs.

A running Keyhole gets many documents, in files and by API. Then one document is read, all are
listed, and one record and one client are changed; the time is that of control and of the engine.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.world.certificates import Authority
from tests.world.resolver import Resolver, document

_PER_FILE = 100
_PER_REQUEST = 2_000


@dataclass(frozen=True)
class Figure:
    """Seconds of CPU for one step."""

    what: str
    control: float
    engine: float


def main(arguments: list[str]) -> int:
    """Makes the documents, measures and prints."""
    parser = argparse.ArgumentParser(prog="./dev bench documents", description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000, help="how many documents")
    options = parser.parse_args(arguments)
    for origin in ("declared", "stored"):
        with tempfile.TemporaryDirectory(prefix="keyhole-bench-") as place:
            figures = measure(Path(place), origin, options.documents)
        _show(figures, f"{options.documents:,} documents, {origin}")
    return 0


def measure(place: Path, origin: str, count: int) -> list[Figure]:
    """The figures of one Keyhole with so many documents."""
    resolver = Resolver(place / "data", Authority(place / "identity"))
    every = list(documents(count))
    if origin == "declared":
        for number, at in enumerate(range(0, count, _PER_FILE)):
            text = "\n---\n".join(json.dumps(one) for one in every[at : at + _PER_FILE])
            (resolver.documents / f"part-{number:04}.yaml").write_text(text)
    try:
        resolver.start()
        if origin == "stored":
            for at in range(0, count, _PER_REQUEST):
                _apply(resolver, every[at : at + _PER_REQUEST])
        return list(_measure(resolver))
    finally:
        resolver.stop()


def documents(count: int) -> Iterator[dict[str, Any]]:
    """Policies for groups, their clients, and records."""
    policies, records = count * 3 // 100, count // 100
    for number in range(policies):
        rules = [{"block": [f"a{number}.example", f"*.b{number}.example"]},
                 {"allow": [f"c{number}.example"]}]  # fmt: skip
        subjects = [f"group:g{number}"]
        yield document("Policy", f"p{number}", subjects=subjects, default="allow", rules=rules)
    for number in range(count - policies - records):
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        yield document(
            "Client", f"c{number}", addresses=[address], groups=[f"g{number % policies}"]
        )
    for number in range(records):
        yield document("Record", f"r{number}", name=f"h{number}.example", a=["192.0.2.1"])


def _apply(resolver: Resolver, some: list[dict[str, Any]]) -> None:
    text = "\n---\n".join(json.dumps(one) for one in some)
    answer = resolver.api("POST", "/documents", json={"text": text, "overwrite": True})
    assert answer.status_code == 200, answer.text


def _list(resolver: Resolver) -> None:
    cursor: str | None = None
    while True:
        given = {"limit": "1000"} | ({"cursor": cursor} if cursor else {})
        page = resolver.api("GET", "/documents", params=given).json()
        cursor = page["next"]
        if cursor is None:
            return


def _measure(resolver: Resolver) -> Iterator[Figure]:
    one = document("Record", "changing", name="changing.example", a=["192.0.2.1"])
    client = document("Client", "changing", addresses=["192.0.2.1"], groups=["g0"])
    _apply(resolver, [one, client])
    steps: list[tuple[str, Callable[[], object]]] = [
        ("get one", lambda: resolver.api("GET", "/documents/Record/changing")),
        ("get all", lambda: _list(resolver)),
    ]
    for number in range(2, 5):
        record = {**one, "spec": {**one["spec"], "a": [f"192.0.2.{number}"]}}
        steps.append(("change a record", lambda record=record: _apply(resolver, [record])))  # type: ignore[misc]
    for number in range(2, 5):
        changed = {**client, "spec": {**client["spec"], "addresses": [f"192.0.2.{number}"]}}
        steps.append(("change a client", lambda changed=changed: _apply(resolver, [changed])))  # type: ignore[misc]
    for what, step in steps:
        before = _seconds(resolver)
        step()
        after = _seconds(resolver)
        yield Figure(what, after[0] - before[0], after[1] - before[1])


def _seconds(resolver: Resolver) -> tuple[float, float]:
    """The CPU time of control and of the engine so far."""
    control, engine = (sum(map(_cpu, resolver.program.children(word))) for word in _WORDS)
    return control, engine


_WORDS = ("control", "engine")


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _show(figures: list[Figure], title: str) -> None:
    table = Table("step", "control, s", "engine, s", title=title)
    for one in figures:
        table.add_row(one.what, f"{one.control:.2f}", f"{one.engine:.2f}")
    Console().print(table)
