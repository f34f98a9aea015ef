"""``python -m tools.observe`` starts a lab with Prometheus (Jaeger, Grafana); ``--write`` writes
the files for Grafana instead, ``--seconds N`` ends it after so long."""

import argparse
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from tools.observe.grafana import FOLDER, files
from tools.observe.stack import ROOT, StackError, grafana, jaeger, lab, prometheus


def main() -> int:
    """The command; gives the exit code."""
    parser = argparse.ArgumentParser(prog="./dev observe", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files for Grafana and end")
    parser.add_argument("--seconds", type=float, help="end after this time")
    given = parser.parse_args()
    if given.write:
        write()
        return 0
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        observe(ended, given.seconds)
    except StackError as error:
        print(f"observe: {error}", file=sys.stderr)
        return 1
    return 0


def write() -> None:
    """Writes the boards and what makes Grafana load them."""
    for path, text in files().items():
        file = ROOT / FOLDER / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def observe(ended: threading.Event, seconds: float | None) -> None:
    """Runs everything until it is told to end, and prints where it is."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyhole-observe-")))
        traces = stack.enter_context(jaeger(folder))
        network = stack.enter_context(lab(folder, traces[0] if traces else None))
        source = stack.enter_context(prometheus(folder, network["metrics"]))
        boards = stack.enter_context(grafana(folder, source))
        print(f"Prometheus  {source}/graph?g0.expr=keyhole%3Aqueries%3Arate5m&g0.tab=0")
        print(f"Alerts      {source}/alerts")
        for job, page in network["metrics"].items():
            print(f"Metrics     {page}  ({job})")
        if traces is None:
            print("Jaeger      is not there; ./dev test-tools builds it")
        else:
            print(f"Jaeger      {traces[1]}/api/traces?service=keyhole-resolver")
        if boards is None:
            print(f"Grafana     is not installed; its boards are in {FOLDER}")
        else:
            print(f"Grafana     {boards}")
        print("Ctrl-C ends it.", flush=True)
        ended.wait(seconds)


if __name__ == "__main__":
    sys.exit(main())
