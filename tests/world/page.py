"""A browser on the page of a lab: signed in, watched for errors, checked for layout and access."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from keyhole.api.page import BUILT
from tests.world.lab import Lab
from tests.world.waiting import until

WEB = Path(__file__).parents[2] / "web"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (390, 1024, 1920)
THEMES: tuple["Theme", ...] = ("light", "dark")
PASSWORD = "a fine long password"
PAGE_MILLISECONDS = 60_000
"""How long a tab may take for what it is asked or expected to do."""
# A browser reports each response of these as an error; the page shows them to the person.
_SHOWN = ("401", "403", "404", "409", "412", "422", "428", "429")
_ELEMENTS_OUTSIDE = """() => {
  const inside = (one) => {
    // What holds the page cuts what is too wide; nothing scrolls there.
    for (let at = one.parentElement; at && !at.matches('main'); at = at.parentElement)
      if (getComputedStyle(at).overflowX !== 'visible') return true;
    return false;
  };
  const right = (one) => one.getBoundingClientRect().right;
  const wide = document.documentElement.clientWidth + 0.5;
  const leaves = (one) => right(one) > right(one.parentElement) + 0.5 &&
    getComputedStyle(one.parentElement).overflowX === 'visible' &&
    !['absolute', 'fixed'].includes(getComputedStyle(one).position);
  const isPart = (one) => one.matches('table, select, button, textarea');
  return [...document.body.querySelectorAll('*')]
    .filter((one) => (right(one) > wide && !inside(one)) || (isPart(one) && leaves(one)))
    .map((one) => one.outerHTML.slice(0, 120));
}"""
_FAULTS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.map((one) =>
    `${one.impact}: ${one.id}: ${one.help}\\n` +
    one.nodes.map((node) => `  ${node.html.slice(0, 160)}\\n  ${node.failureSummary}`).join('\\n'));
}"""

Theme = Literal["light", "dark"]


def missing() -> str | None:
    """Why no page can be tested here, if so."""
    if browser_program() is None:
        return "chromium is not installed; ./dev test installs it when run as root on Debian"
    if not (BUILT / "index.html").is_file() or not AXE.is_file():
        return "the page is not built; ./dev setup builds it where Node 20.19 or newer is installed"
    return None


def browser_program() -> str | None:
    """Chromium without the parts of a desktop, where it is installed. The same engine draws a page
    for half of the processor time: no window with bars and menus of its own is made for each tab.
    """
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


@contextmanager
def chromium(program: str | None = None) -> Iterator[Browser]:
    """Debian's Chromium, without a window; ``program`` is another one than `browser_program`."""
    if why := missing():
        pytest.skip(why)
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        path = program or browser_program()
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watch:
    """The errors of a tab; `allow` names a part of those that a test causes."""

    errors: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Listens from now on."""
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (event) => console.error("
            "`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`))"
        )
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))

    def allow(self, part: str) -> None:
        """Errors with this text are none, before and from now on."""
        self.allowed.append(part)

    def check(self) -> None:
        """Fails with all errors."""
        left = [one for one in self.errors if not any(part in one for part in self.allowed)]
        assert not left, "errors in the console:\n" + "\n".join(left)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        where = message.location.get("url", "")
        is_answer = message.text.startswith("Failed to load resource")
        if is_answer and "/api/v1/" in where and any(one in message.text for one in _SHOWN):
            return
        self.errors.append(f"{message.text} ({where})")


class LabPage:
    """A running lab and its page, with a password for ``admin``."""

    def __init__(self, lab: Lab, browser: Browser) -> None:
        self.lab = lab
        self.url: str = lab.ready["api"]
        self._browser = browser
        self._cookies: Any = None

    def context(self, theme: Theme = "light", width: int = 1024, **more: Any) -> BrowserContext:
        """A new browser without a session."""
        size = {"width": width, "height": 900}
        context = self._browser.new_context(
            base_url=self.url,
            viewport=size,  # type: ignore[arg-type]
            color_scheme=theme,
            locale="en-US",
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
            **more,
        )
        context.set_default_timeout(PAGE_MILLISECONDS)
        return context

    def signed_in(self, theme: Theme = "light", width: int = 1024) -> BrowserContext:
        """A browser with the session of the administrator."""
        if self._cookies is None:
            with self.context() as first:
                self._sign_in(first)
                self.keep_session(first)
        context = self.context(theme, width)
        context.add_cookies(self._cookies)
        return context

    def first_password(self) -> str:
        """The one-time password that the lab shows."""

        def shown() -> list[str]:
            return [one for one in self.lab.program.output.splitlines() if _FIRST in one]

        until(lambda: bool(shown()), "a password is shown")
        return shown()[0].rpartition(_FIRST)[2].split()[0]

    def keep_session(self, context: BrowserContext) -> None:
        """Makes the session of this browser that of `signed_in`."""
        self._cookies = context.cookies()

    def _sign_in(self, context: BrowserContext) -> None:
        headers = {"x-keyhole-request": "test", "origin": self.url}
        body = {"name": "admin", "password": self.first_password()}
        answer = context.request.post("/api/v1/session", data=body, headers=headers)
        assert answer.ok, answer.text()
        fresh = {"current": None, "new": PASSWORD}
        answer = context.request.put("/api/v1/session/password", data=fresh, headers=headers)
        assert answer.ok, answer.text()


_FIRST = "log in as admin with "


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong, of any grade."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(_FAULTS)
    return found


def outside(page: Page) -> list[str]:
    """Elements that are wider than the window and can only be reached by scrolling the page, and
    tables, choices and buttons that are wider than what they are in."""
    found: list[str] = page.evaluate(_ELEMENTS_OUTSIDE)
    return found


def expect_path(page: Page, wanted: str) -> None:
    """Waits until the address has this path with these parameters, and nothing else: what is shown
    and the address do not change at the same moment."""
    expect(page).to_have_url(re.compile(rf"^[a-z]+://[^/]+{re.escape(wanted)}$"))


def expect_in_address(page: Page, part: str) -> None:
    """Waits until the address has this part."""
    expect(page).to_have_url(re.compile(re.escape(part)))
