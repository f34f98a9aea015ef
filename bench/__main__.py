"""`./dev bench`: starts each installed server with the same block list and measures it.

One round measures every server once; a change of the machine's speed then meets all of them alike.
"""

import argparse
import shutil
import sys
import tempfile
import time
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

from bench.authority import authority
from bench.measure import (
    Cost,
    Footprint,
    StartError,
    drive,
    measure,
    memory_megabytes,
    running,
    wait_until_it_answers,
    warm,
)
from bench.peers import PEERS, WITH_LOG, Peer
from bench.receiver import receiver
from bench.report import as_json, show
from bench.setting import Ports, Setting, generate_list, write_queries
from tests.world.certificates import Authority

LOADS = ("cached", "blocked", "mixed")
WHOLE_SECONDS = 40.0
"""Long enough for all that Keyhole does from time to time."""
SETTLE_SECONDS = 8.0
"""What a server does once after its start is no part of the cost of a query."""
_OTHERS = ("log", "documents", "page", "start")
_NEEDED = {"dig": "bind9-dnsutils", "dnsperf": "dnsperf"}


def main() -> int:
    """Measures and prints; exit code 1 if Keyhole itself could not be measured."""
    if sys.argv[1:2] and sys.argv[1] in _OTHERS:
        # Imported here: the servers are measured without DuckDB in our memory.
        code: int = import_module(f"bench.{sys.argv[1]}").main(sys.argv[2:])
        return code
    options = _options()
    for program, package in _NEEDED.items():
        if shutil.which(program) is None:
            print(f"./dev bench: {program} is missing: install {package}", file=sys.stderr)
            return 1
    with tempfile.TemporaryDirectory(prefix="keyhole-bench-") as place:
        folder = Path(place)
        # Servers that give up root must still read their configuration.
        folder.chmod(0o755)
        block_list = options.list or folder / "block.txt"
        if options.list is None:
            generate_list(block_list, options.names)
        pair = Authority(folder / "identity").issue("localhost", "127.0.0.1")
        setting = Setting(folder, Ports(), block_list.resolve(), pair.certificate, pair.key)
        write_queries(setting)
        costs: list[Cost] = []
        footprints: list[Footprint] = []
        with authority(setting), receiver(setting) if options.log else nullcontext():
            commands = {peer: _command(peer, setting) for peer in _selected(options)}
            for number in range(1, options.rounds + 1):
                print(f"round {number} of {options.rounds}", file=sys.stderr)
                for peer in list(commands):
                    try:
                        footprint = _measure_peer(peer, commands[peer], setting, options, costs)
                        footprints.append(footprint)
                    except StartError as error:
                        print(error, file=sys.stderr)
                        del commands[peer]
        if options.json:
            print(as_json(costs, footprints))
        else:
            show(costs, footprints, len(setting.blocked_names()))
    return 0 if any(cost.peer == "keyhole" for cost in costs) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="SERVER", help="these servers alone")
    parser.add_argument(
        "--transports", nargs="+", default=["udp", "tcp", "dot", "doh"], metavar="TRANSPORT"
    )
    parser.add_argument("--loads", nargs="+", default=list(LOADS), choices=LOADS)
    parser.add_argument("--rounds", type=int, default=3, help="how many (default 3)")
    parser.add_argument(
        "--seconds",
        type=float,
        help=f"for each load in a round (default 2; {WHOLE_SECONDS:.0f} with --log, as the history "
        "takes new lines every 30)",
    )
    parser.add_argument(
        "--names", type=int, default=100_000, help="size of the generated block list"
    )
    parser.add_argument("--list", type=Path, help="a block list to use, one name a line")
    parser.add_argument(
        "--log",
        action="store_true",
        help=f"also {WITH_LOG}: Keyhole with log, metrics, traces of 1 %% and all that reads them",
    )
    parser.add_argument("--json", action="store_true", help="all figures for a program")
    options = parser.parse_args()
    if options.seconds is None:
        options.seconds = WHOLE_SECONDS if options.log else 2.0
    return options


def _selected(options: argparse.Namespace) -> list[Peer]:
    only: list[str] | None = options.only
    unknown = set(only or ()) - {peer.name for peer in PEERS}
    if unknown:
        raise SystemExit(f"./dev bench: unknown server {', '.join(sorted(unknown))}")
    named = [peer.name for peer in PEERS if peer.name != WITH_LOG] if only is None else only
    wanted = {*named, *([WITH_LOG] if options.log else [])}
    chosen = [peer for peer in PEERS if peer.name in wanted]
    for peer in chosen:
        if peer.path() is None:
            print(f"{peer.name}: not installed, left out", file=sys.stderr)
    return [peer for peer in chosen if peer.path() is not None]


def _command(peer: Peer, setting: Setting) -> list[str]:
    command = peer.prepare(setting)
    return command if Path(command[0]).is_absolute() else [str(peer.path()), *command]


def _measure_peer(
    peer: Peer,
    command: list[str],
    setting: Setting,
    options: argparse.Namespace,
    costs: list[Cost],
) -> Footprint:
    with running(command, peer.name, setting.folder) as process:
        start = wait_until_it_answers(process, peer.name, setting)
        memory = memory_megabytes(process.pid)
        if options.log:
            time.sleep(SETTLE_SECONDS)
        for transport in options.transports:
            if transport not in peer.transports:
                continue
            warm(setting, transport)
            drive(setting, transport, "cached", min(options.seconds, 2.0))
            for load in options.loads:
                cost = measure(setting, peer.name, process.pid, transport, load, options.seconds)
                costs.append(cost)
                print(
                    f"{cost.peer:14} {transport:4} {load:8} {cost.cpu:7.2f} us "
                    f"{cost.per_second:9.0f}/s lost {cost.lost} {cost.codes}",
                    file=sys.stderr,
                )
        return Footprint(peer.name, start, memory, memory_megabytes(process.pid))


if __name__ == "__main__":
    sys.exit(main())
