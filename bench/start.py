"""`./dev bench start`: what a start and a Keyhole at rest cost.

CPU time of `keyhole --help`; seconds and CPU time until `keyhole up` gives the first answer, with a
block list to compile and with one that is compiled; memory of control and of the engine once they
are at rest and nobody asks.
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.measure import processor_seconds
from bench.setting import generate_list
from tests.world.certificates import Authority
from tests.world.process import Program
from tests.world.resolver import Resolver, document

_ANSWERED, _ADDRESS = "printer.example.org", "192.0.2.7"
_BLOCKED = "first.blocked.example"
_LOOK_SECONDS = 0.01
_START_SECONDS = 120.0
_KILOBYTES = 1 << 10
"""In a megabyte."""

Figures = dict[str, list[float]]
"""Each with its unit in its name; one value for each round."""


def main(arguments: list[str]) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="./dev bench start", description=__doc__)
    parser.add_argument("--names", type=int, default=500_000, help="size of the block list")
    parser.add_argument("--rounds", type=int, default=3, help="how many (default 3)")
    parser.add_argument(
        "--rest", type=float, default=20.0, help="seconds until a Keyhole is at rest (default 20)"
    )
    options = parser.parse_args(arguments)
    figures: Figures = defaultdict(list)
    for number in range(1, options.rounds + 1):
        print(f"round {number} of {options.rounds}", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="keyhole-bench-") as place:
            for what, value in _round(Path(place), options.names, options.rest):
                figures[what].append(value)
    _show(figures, options.names)
    return 0


def _round(place: Path, names: int, rest: float) -> Iterator[tuple[str, float]]:
    yield "keyhole --help, s of CPU", _help()
    resolver = Resolver(place / "data", Authority(place / "identity"))
    block_list = resolver.documents / "block.txt"
    generate_list(block_list, names)
    with block_list.open("a") as file:
        file.write(f"{_BLOCKED}\n")
    resolver.write(
        document("Record", "printer", name=_ANSWERED, a=[_ADDRESS]),
        document("List", "block", kind="block", files=[block_list.name]),
        document("Policy", "home", default="allow", upstreams=["test"], lists=["block"]),
    )
    resolver.configure()
    for which, state in (("first", "list to compile"), ("next", "list compiled")):
        try:
            yield from _start(resolver, place / "up.log", state)
            time.sleep(rest)
            yield from _at_rest(resolver, f"{which} start")
        finally:
            resolver.stop()


def _help() -> float:
    command = [sys.executable, "-m", "keyhole", "--help"]
    before = _of_children()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return _of_children() - before


def _of_children() -> float:
    """CPU time of the processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _start(resolver: Resolver, log: Path, state: str) -> Iterator[tuple[str, float]]:
    begun = time.monotonic()
    resolver.run(Program.keyhole("up", "--data", str(resolver.folder), log=log))
    _wait(resolver, begun, _ANSWERED, [_ADDRESS])
    yield f"{state}: first answer, s", time.monotonic() - begun
    yield f"{state}: first answer, s of CPU", processor_seconds(resolver.program.pid)
    _wait(resolver, begun, _BLOCKED, [])
    yield f"{state}: first name blocked, s", time.monotonic() - begun
    yield f"{state}: first name blocked, s of CPU", processor_seconds(resolver.program.pid)


def _wait(resolver: Resolver, begun: float, name: str, addresses: list[str]) -> None:
    """Until a name has these addresses; of none, until it does not exist."""
    wanted = "NOERROR" if addresses else "NXDOMAIN"
    while time.monotonic() - begun < _START_SECONDS:
        reply = resolver.try_ask(name)
        if reply is not None and (reply.rcode, reply.addresses) == (wanted, addresses):
            return
        resolver.program.must_run()
        time.sleep(_LOOK_SECONDS)
    raise SystemExit(f"{name} has no answer after {_START_SECONDS:.0f} s")


def _at_rest(resolver: Resolver, when: str) -> Iterator[tuple[str, float]]:
    for word in ("control", "engine"):
        (pid,) = resolver.program.children(word)
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        for kind in ("Rss", "Pss"):
            found = re.search(rf"^{kind}:\s+(\d+)", text, re.MULTILINE)
            assert found is not None, text
            yield f"{word} at rest, {when}: {kind.upper()}, MB", int(found[1]) / _KILOBYTES


def _show(figures: Figures, names: int) -> None:
    table = Table("figure", "median", "least", "most", title=f"a block list of {names:,} names")
    for what, values in figures.items():
        table.add_row(what, *(f"{one:.2f}" for one in (median(values), min(values), max(values))))
    Console().print(table)
