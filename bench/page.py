"""`./dev bench page`: the page in Chromium, on a lab whose history has millions of queries."""

import argparse
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, Request, expect
from rich.console import Console
from rich.table import Table

from bench.log import make
from keyhole.control.data_folder import DataFolder
from tests.world.lab import Lab
from tests.world.page import LabPage, chromium

# The paint of the first figure: the page sets it in the same task as the text.
_FIGURE = """() => new Promise((done) => {
  const shown = () => [...document.querySelectorAll('main a')].some((one) =>
    /Queries per second/.test(one.textContent) && /[0-9]/.test(one.textContent));
  const look = () => shown()
    ? requestAnimationFrame(() => done(performance.now())) : requestAnimationFrame(look);
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
_HIDE = """(isHidden) => {
  const state = isHidden ? 'hidden' : 'visible';
  Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
  Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}"""
_WAIT = 120_000
"""Milliseconds for a page to show its first rows; the machine may be busy."""
_FRAMES = 600
_SETTLE = 15
_HIDDEN = 30
"""Seconds."""
_STEPS = {"slow, 120 pixels a frame": 120, "fast, 900 pixels a frame": 900}
_MEBIBYTE = 2**20


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
    parser.add_argument("--minutes", type=float, default=2, help="how long pages stay open")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="keyhole-bench-page-", dir="/var/tmp") as place:
        begin = time.monotonic()
        make(DataFolder(Path(place) / "data" / "resolver").history, options.rows)
        figures = [Figure("making the queries", f"{time.monotonic() - begin:.0f} s")]
        lab = Lab(Path(place))
        try:
            with chromium() as browser:
                lab_page = LabPage(lab, browser)
                for part in (_first_paints, _scrolls, partial(_long_open, options.minutes)):
                    for one in part(lab_page):
                        figures.append(one)
                        print(f"{one.what}: {one.found}", flush=True)
        finally:
            lab.program.stop()
    table = Table("what", "measured", title=f"the page, {options.rows:,} queries in the history")
    for one in figures:
        table.add_row(one.what, one.found)
    Console().print(table)
    return 0


def _first_paints(lab_page: LabPage) -> list[Figure]:
    """Milliseconds from the start of the navigation to the first figure; five new tabs each."""
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(5):
        context = lab_page.signed_in()
        for found in (cold, warm):
            page = context.new_page()
            page.goto("/", wait_until="commit")
            found.append(page.evaluate(_FIGURE))
            page.close()
        context.close()
    return [
        Figure("first paint with data, nothing cached", _milliseconds(cold)),
        Figure("first paint with data, files cached", _milliseconds(warm)),
    ]


def _milliseconds(values: list[float]) -> str:
    return f"median {statistics.median(values):.0f} ms, longest {max(values):.0f} ms"


def _scrolls(lab_page: LabPage) -> list[Figure]:
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


def _long_open(minutes: float, lab_page: LabPage) -> list[Figure]:
    """Memory of the script and work of pages that stay open with traffic."""
    pages = {}
    for path in ("/", "/log", "/graph"):
        page = lab_page.signed_in().new_page()
        page.goto(path)
        pages[path] = (page, page.context.new_cdp_session(page))
    time.sleep(_SETTLE)  # What is loaded late is there before the first measurement.
    before = {path: _heap(session) for path, (_, session) in pages.items()}
    time.sleep(minutes * 60)
    figures = [
        Figure(
            f"{path} open for {minutes:g} minutes: memory of its script",
            f"{before[path]:.1f} MiB, then {_heap(session):.1f} MiB",
        )
        for path, (_, session) in pages.items()
    ]
    return figures + _hidden(pages)


def _heap(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    return float(_metrics(session)["JSHeapUsedSize"]) / _MEBIBYTE


def _metrics(session: CDPSession) -> dict[str, Any]:
    session.send("Performance.enable")
    found = session.send("Performance.getMetrics")["metrics"]
    return {one["name"]: one["value"] for one in found}


def _count(asked: Counter[str], path: str, _: Request) -> None:
    asked[path] += 1


def _hidden(pages: dict[str, tuple[Page, CDPSession]]) -> list[Figure]:
    """What pages ask and do while all of them are hidden."""
    asked: Counter[str] = Counter()
    before = {}
    for path, (page, session) in pages.items():
        page.on("request", partial(_count, asked, path))
        page.evaluate(_HIDE, True)
        before[path] = float(_metrics(session)["TaskDuration"])
    asked.clear()
    for page, _ in pages.values():
        page.wait_for_timeout(_HIDDEN * 1_000 / len(pages))
    figures = []
    for path, (_, session) in pages.items():
        used = (float(_metrics(session)["TaskDuration"]) - before[path]) * 1_000
        words = f"{asked[path]} requests, {used:.0f} ms of work"
        figures.append(Figure(f"{path} hidden for {_HIDDEN} s", words))
    return figures
