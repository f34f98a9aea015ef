"""`./dev bench page`: the page in Chromium, on a lab whose history has millions of queries."""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import expect
from rich.console import Console
from rich.table import Table

from bench.log import make
from bench.page_memory import hidden, keep_open, open_pages
from keyhole.control.data_folder import DataFolder
from tests.world.lab import Lab
from tests.world.page import LabPage, chromium

# The paints of the first figure and of all: the page sets each in the same task as its text.
_FIGURES = """() => new Promise((done) => {
  let first;
  const look = () => {
    const values = [...document.querySelectorAll('main a.figure .value')];
    const isThere = (one) => /[0-9]|\\u2013/.test(one.textContent);
    const isLoading = document.querySelector('main .skeleton');
    const isWhole = !isLoading && values.length && values.every(isThere);
    const next = () => {
      if (values.some(isThere)) first ??= performance.now();
      if (isWhole) done([first, performance.now()]);
      else look();
    };
    requestAnimationFrame(next);
  };
  look();
})"""
# Frames of a scroll: the milliseconds between them, and whether a row was in the middle of each.
_SCROLL = """([pixels, frames]) => new Promise((done) => {
  const rows = document.querySelector('[role=grid]');
  const box = rows.getBoundingClientRect();
  const waits = []; let empty = 0; let left = frames; let before = performance.now();
  const step = (now) => {
    waits.push(now - before); before = now;
    const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    if (!at || !at.closest('[role=row]')) empty += 1;
    if ((left -= 1) === 0) return done({ waits: waits.slice(1), empty });
    rows.scrollTop += pixels;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""
_WAIT = 120_000
"""Milliseconds for a page to show its first rows; the machine may be busy."""
_FRAMES = 600
_STEPS = {"slow, 120 pixels a frame": 120, "fast, 900 pixels a frame": 900}


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    found: str


def main(arguments: list[str]) -> int:
    """Makes the lab, measures and prints."""
    expect.set_options(timeout=_WAIT)
    parser = argparse.ArgumentParser(prog="./dev bench page", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="how many queries")
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=list(_PARTS), help="these")
    parser.add_argument("--minutes", type=float, default=2, help="how long pages stay open")
    parser.add_argument("--every", type=float, default=5, help="minutes between looks at memory")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="keyhole-bench-page-", dir="/var/tmp") as place:
        begin = time.monotonic()
        make(DataFolder(Path(place) / "data" / "resolver").history, options.rows)
        figures = [Figure("making the queries", f"{time.monotonic() - begin:.0f} s")]
        lab = Lab(Path(place))
        try:
            # The browser of people, with all of its parts, where it is installed.
            with chromium(shutil.which("chromium")) as browser:
                lab_page = LabPage(lab, browser)
                for name in options.only:
                    for one in _PARTS[name](lab_page, options):
                        figures.append(one)
                        print(f"{one.what}: {one.found}", flush=True)
        finally:
            lab.program.stop()
    table = Table("what", "measured", title=f"the page, {options.rows:,} queries in the history")
    for one in figures:
        table.add_row(one.what, one.found)
    Console().print(table)
    return 0


def _first_paints(lab_page: LabPage, _: argparse.Namespace) -> list[Figure]:
    """Milliseconds from the start of the navigation to figures; five new browsers, two tabs each:
    one as at the first visit, one as at every other."""
    found: dict[str, list[tuple[float, float]]] = {"nothing cached": [], "files cached": []}
    for _round in range(5):
        context = lab_page.signed_in()
        for times in found.values():
            page = context.new_page()
            page.goto("/", wait_until="commit")
            first, whole = page.evaluate(_FIGURES)
            times.append((first, whole))
            page.close()
        context.close()
    return [
        Figure(f"{what}, {how}", _milliseconds([one[part] for one in times]))
        for how, times in found.items()
        for part, what in enumerate(("first paint with data", "all figures"))
    ]


def _milliseconds(values: list[float]) -> str:
    return f"median {statistics.median(values):.0f} ms, longest {max(values):.0f} ms"


def _scrolls(lab_page: LabPage, _: argparse.Namespace) -> list[Figure]:
    """Frames while all rows of the log are scrolled."""
    page = lab_page.signed_in(width=1920).new_page()
    page.goto("/log?range=30d")
    expect(page.get_by_role("row").nth(5)).to_be_visible()
    figures = []
    for speed, pixels in _STEPS.items():
        found = page.evaluate(_SCROLL, [pixels, _FRAMES])
        waits = sorted(found["waits"])
        late = sum(1 for one in waits if one > 50)
        p50, p99 = (waits[len(waits) * share // 100] for share in (50, 99))
        words = f"frame p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {waits[-1]:.0f} ms"
        words += f"; {late} of {_FRAMES} over 50 ms; {found['empty']} without rows"
        figures.append(Figure(f"log scrolled {speed}", words))
    page.context.close()
    return figures


def _long_open(lab_page: LabPage, options: argparse.Namespace) -> Iterator[Figure]:
    """Memory of the script and work of pages that stay open with traffic."""
    pages = open_pages(lab_page)
    for path, samples in keep_open(pages, options.minutes, options.every).items():
        memory = ", ".join(f"{one.mebibytes:.1f}" for one in samples)
        what = f"{path} open for {options.minutes:g} minutes"
        yield Figure(f"{what}: memory of its script", f"{memory} MiB")
        first, last = samples[0].elements, samples[-1].elements
        yield Figure(f"{what}: nodes of its document", f"{first}, then {last}")
    for path, words in hidden(pages).items():
        yield Figure(f"{path} hidden for half a minute", words)


_PARTS: dict[str, Callable[[LabPage, argparse.Namespace], Iterable[Figure]]] = {
    "paint": _first_paints,
    "scroll": _scrolls,
    "memory": _long_open,
}
