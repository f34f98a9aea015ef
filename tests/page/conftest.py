"""The page in a real browser, on a lab with traffic.

How a test of the page looks::

    def test_a_press_on_a_row_shows_why(tab: OpenTab) -> None:
        page = tab("/log")                                   # signed in as administrator
        page.get_by_role("row").nth(1).click()
        expect(page.get_by_role("dialog")).to_contain_text("Policy")

    def test_the_log_can_be_used_by_everybody(tab: OpenTab) -> None:
        check_access(tab, "/log", ready=lambda page: page.get_by_role("table"))

- One lab for each file (``lab_page``), so that files run beside each other; tests of one file see
  each other's changes. ``lab_page.lab`` has the resolver, the workloads and the files of the lab.
- ``tab(path, theme=, width=, signed_in=)`` opens a new tab. When the test ends, it fails if a tab
  had an error in its console, an uncaught one, or broke the content security policy. A test that
  causes one calls ``tab.watch.allow("part of its text")``.
- ``check_access`` looks at one address in light and dark at 390, 1024 and 1920 pixels: no fault of
  axe-core of any grade, and nothing that is wider than the window. Each page needs one.
- Wait with ``expect`` of Playwright, never for a time. Find by role and name, as a person does.
- Where Chromium or the built page is missing, all of them are skipped with the reason.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.world.lab import Lab
from tests.world.page import (
    PAGE_MILLISECONDS,
    THEMES,
    WIDTHS,
    LabPage,
    Theme,
    Watch,
    chromium,
    faults,
    missing,
    outside,
)

# Pages ask every five seconds, and the machine may be busy.
expect.set_options(timeout=PAGE_MILLISECONDS)


class OpenTab:
    """Opens tabs on the page of the lab, and closes them with the test."""

    def __init__(self, lab_page: LabPage) -> None:
        self.lab_page = lab_page
        self.watch = Watch()
        self._open: list[BrowserContext] = []

    def __call__(
        self,
        path: str = "/",
        *,
        theme: Theme = "light",
        width: int = 1024,
        signed_in: bool = True,
    ) -> Page:
        """A new tab at this address."""
        make = self.lab_page.signed_in if signed_in else self.lab_page.context
        context = make(theme, width)
        self._open.append(context)
        page = context.new_page()
        self.watch.follow(page)
        page.goto(path)
        return page

    def close(self) -> None:
        """Closes all tabs, and fails if one had an error."""
        for context in self._open:
            context.close()
        self.watch.check()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for the tests of one file: while it runs, no other event loop of this thread can."""
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def lab_page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabPage]:
    """A lab for the tests of one file."""
    if why := missing():
        pytest.skip(why)
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield LabPage(lab, browser)
    finally:
        lab.program.stop()


@pytest.fixture
def tab(lab_page: LabPage) -> Iterator[OpenTab]:
    """Opens tabs; see above."""
    opener = OpenTab(lab_page)
    yield opener
    opener.close()


def check_access(
    tab: OpenTab, path: str, ready: Callable[[Page], Locator], *, signed_in: bool = True
) -> None:
    """Checks one address in both themes at all widths; ``ready`` is visible when all is there."""
    page = tab(path, theme=THEMES[0], width=WIDTHS[0], signed_in=signed_in)
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            expect(ready(page)).to_be_visible()
            where = f"{path}, {theme}, {width} pixels"
            assert not outside(page), f"wider than the window: {where}:\n{outside(page)}"
            found = faults(page)
            assert not found, f"{where}:\n" + "\n".join(found)
