"""Pages that stay open on a lab with traffic: the memory of each, and what a hidden one does."""

import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Any

from playwright.sync_api import CDPSession, Page, Request

from tests.world.page import LabPage

PATHS = ("/", "/log", "/graph")
"""The overview, the log that follows new queries, and the graph with its moving traffic."""
_SETTLE = 15
_HIDDEN = 30
_BREATH = 5
"""Seconds."""
_MEBIBYTE = 2**20
_HIDE = """(isHidden) => {
  const state = isHidden ? 'hidden' : 'visible';
  Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
  Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}"""


@dataclass(frozen=True)
class Sample:
    """One look at an open page, after all garbage was collected."""

    minute: float
    mebibytes: float
    elements: int
    listeners: int

    def __str__(self) -> str:
        figures = f"{self.mebibytes:.1f} MiB, {self.elements} nodes, {self.listeners} listeners"
        return f"minute {self.minute:.0f}: {figures}"


@dataclass(frozen=True)
class OpenPage:
    """A page that somebody looks at."""

    path: str
    page: Page
    session: CDPSession

    def sample(self, minute: float) -> Sample:
        """Its memory now; nothing that is no longer used counts."""
        self.session.send("HeapProfiler.collectGarbage")
        used = float(self.session.send("Runtime.getHeapUsage")["usedSize"]) / _MEBIBYTE
        found = self.session.send("Memory.getDOMCounters")
        return Sample(minute, used, found["nodes"], found["jsEventListeners"])

    def work(self) -> float:
        """Milliseconds that its main thread has worked so far."""
        self.session.send("Performance.enable")
        found = self.session.send("Performance.getMetrics")["metrics"]
        return {one["name"]: float(one["value"]) for one in found}["TaskDuration"] * 1_000


def open_pages(lab_page: LabPage) -> list[OpenPage]:
    """All of `PATHS`, each with what it loads late; traffic moves in the graph."""
    pages = []
    for path in PATHS:
        page = lab_page.signed_in().new_page()
        page.emulate_media(reduced_motion="no-preference")
        page.goto(path)
        pages.append(OpenPage(path, page, page.context.new_cdp_session(page)))
    _wait(pages, _SETTLE)
    return pages


def keep_open(pages: list[OpenPage], minutes: float, every: float) -> dict[str, list[Sample]]:
    """Looks at all pages at the begin, each ``every`` minutes, and at the end; prints each look."""
    begin = time.monotonic()
    found: dict[str, list[Sample]] = {one.path: [] for one in pages}
    wanted = 0.0
    while True:
        minute = (time.monotonic() - begin) / 60
        for one in pages:
            sample = one.sample(minute)
            found[one.path].append(sample)
            print(f"{one.path} {sample}", flush=True)
        if wanted >= minutes:
            return found
        wanted = min(minutes, wanted + every)
        _wait(pages, wanted * 60 - (time.monotonic() - begin))


def hidden(pages: list[OpenPage]) -> dict[str, str]:
    """What pages ask and do while all of them are hidden."""
    asked: Counter[str] = Counter()
    for one in pages:
        one.page.on("request", partial(_count, asked, one.path))
        one.page.evaluate(_HIDE, True)
    before = {one.path: one.work() for one in pages}
    asked.clear()
    _wait(pages, _HIDDEN)
    return {
        one.path: f"{asked[one.path]} requests, {one.work() - before[one.path]:.0f} ms of work"
        for one in pages
    }


def _wait(pages: list[OpenPage], seconds: float) -> None:
    """Lets time pass; what the browser reports meanwhile is taken, so that it does not pile up."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        pages[0].page.wait_for_timeout(min(left, _BREATH) * 1_000)


def _count(asked: Counter[str], path: str, _: Request) -> Any:
    asked[path] += 1
