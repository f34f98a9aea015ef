"""``python -m tools.screenshots`` takes the pictures of the page in the README, from a lab with
traffic, in light and dark; ``--seconds N`` is how long the lab runs before."""

import argparse
import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tools.observe.stack import ROOT, StackError, lab

FOLDER = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1440, 900
MAX_OCTETS = 200_000
QUALITY = 82
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def _nothing(_: Page) -> None:
    pass


def _open_blocked(page: Page) -> None:
    """Opens the side panel of a blocked query."""
    page.get_by_role("row").filter(has_text="adnetwork").first.click()
    expect(page.get_by_text("authorize lists")).to_be_visible(timeout=60_000)


@dataclass(frozen=True)
class Shot:
    """A picture: its file, the address, what must be there, and what is pressed before."""

    name: str
    path: str
    ready: str
    then: Callable[[Page], None] = _nothing


SHOTS = (
    Shot("graph", "/graph?range=15m", "internet"),
    Shot("overview", "/?range=15m", "adnetwork"),
    Shot("log", "/log?outcome=blocked", "adnetwork", _open_blocked),
    Shot("policies", "/policies", "payments"),
    Shot("clients", "/clients", "payments"),
    Shot("clear", "/clear?range=15m", "127.0.0.1"),
)


def main() -> int:
    """The command; gives the exit code."""
    parser = argparse.ArgumentParser(prog="./dev screenshots", description=__doc__)
    parser.add_argument("--seconds", type=float, default=240, help="how long the lab runs before")
    given = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        print(
            "screenshots: chromium is not installed: on Debian, install chromium", file=sys.stderr
        )
        return 1
    with tempfile.TemporaryDirectory(prefix="keyhole-") as folder:
        try:
            with lab(Path(folder), None) as ready:
                time.sleep(given.seconds)  # The traffic of a lab fills the charts.
                take(ready, chromium)
        except StackError as error:
            print(f"screenshots: {error}", file=sys.stderr)
            return 1
    return 0


def take(ready: dict[str, Any], chromium: str) -> None:
    """Takes all pictures of a running lab."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        session = _sign_in(browser.new_context(base_url=ready["api"]), ready)
        for theme in THEMES:
            context = browser.new_context(
                base_url=ready["api"],
                storage_state=session,
                viewport={"width": WIDTH, "height": HEIGHT},
                color_scheme=theme,
                locale="en-US",
                timezone_id="Europe/Berlin",
                reduced_motion="reduce",
            )
            for shot in SHOTS:
                _take_one(context, shot, FOLDER / f"{shot.name}-{theme}.webp")
            context.close()
        browser.close()


def _sign_in(context: BrowserContext, ready: dict[str, Any]) -> Any:
    """Signs in with a one-time link, and chooses a password; gives the session."""
    data = str(Path(ready["data"]) / "resolver")
    words = [sys.executable, "-m", "keyhole", "people", "link", "admin", "--json", "--data", data]
    made = subprocess.run(words, capture_output=True, check=True, text=True)
    page = context.new_page()
    page.goto(json.loads(made.stdout)["url"])
    password = secrets.token_urlsafe(16)
    page.get_by_label("New password", exact=True).fill(password)
    page.get_by_label("New password, again").fill(password)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible(timeout=60_000)
    return context.storage_state()


def _take_one(context: BrowserContext, shot: Shot, file: Path) -> None:
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(shot.path)
    expect(page.get_by_role("main")).to_contain_text(shot.ready, timeout=60_000)
    shot.then(page)
    # Charts and the graph are drawn after their data are here.
    page.wait_for_timeout(2_500)
    client = context.new_cdp_session(page)
    wanted = {"format": "webp", "quality": QUALITY}
    octets = base64.b64decode(client.send("Page.captureScreenshot", wanted)["data"])
    if len(octets) > MAX_OCTETS:
        raise StackError(f"{file.name} has {len(octets)} octets, more than {MAX_OCTETS}")
    file.write_bytes(octets)
    print(f"{file.relative_to(ROOT)}  {len(octets) // 1000} kB")
    page.close()


if __name__ == "__main__":
    sys.exit(main())
