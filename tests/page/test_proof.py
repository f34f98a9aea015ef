"""Proof: what was tried, what came of it, and a run on demand."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.page import LabPage
from tests.world.process import call_keyhole

_HOSTILE = "<img src=x onerror=alert(1)>"


def _line(check: str, verdict: str) -> dict[str, Any]:
    return {
        "id": check,
        "title": f"The promise of {check} {_HOSTILE}",
        "threat": "surveillance",
        "standards": ["RFC 8996", _HOSTILE],
        "tried": "TLS 1.0",
        "expected": "an alert",
        "seen": f"TLS 1.0 was spoken {_HOSTILE}",
        "verdict": verdict,
        "seconds": 0.5,
    }


def _tell(lab_page: LabPage, **verdicts: str) -> None:
    lines = [_line(check.replace("_", "-"), verdict) for check, verdict in verdicts.items()]
    body = {"target": f"outside {_HOSTILE}", "started": datetime.now(UTC).isoformat()}
    given = json.dumps({**body, "lines": lines})
    data = str(Path(lab_page.lab.ready["data"]) / "resolver")
    told = call_keyhole("proof", "add", "-", "--data", data, given=given)
    assert told.returncode == 0, told.stderr


def test_without_a_report_the_page_says_how_to_get_one(tab: OpenTab) -> None:
    page = tab("/proof")
    expect(page.get_by_text("Nothing has been proved yet")).to_be_visible()
    expect(page.get_by_text("keyhole verify on another machine")).to_be_visible()


def test_what_is_wrong_comes_first_and_opens_with_what_was_seen(
    tab: OpenTab, lab_page: LabPage
) -> None:
    _tell(lab_page, one="pass", two="skip", three="error", old_tls="fail")
    page = tab("/proof")
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("old-tls")
    verdicts = ["Broken", "Not tried", "Left out", "Holds"]
    for number, word in enumerate(verdicts, 1):
        expect(rows.nth(number)).to_contain_text(word)
    rows.nth(1).get_by_role("link").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"TLS 1.0 was spoken {_HOSTILE}")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.goto("/findings")
    expect(page.get_by_text(re.compile("the promise old-tls is broken"))).to_be_visible()
    _tell(lab_page, one="pass", old_tls="pass")


def test_a_run_is_shown_while_it_goes_on_and_when_it_gave_nothing(tab: OpenTab) -> None:
    run = {"started": datetime.now(UTC).isoformat(), "by": "ada", "is_running": True, "why": None}
    begun: list[dict[str, Any]] = []

    def proof(route: Route) -> None:
        route.fulfill(json={"run": begun[0] if begun else None, "reports": []})

    def start(route: Route) -> None:
        begun.append(run)
        route.fulfill(status=202, json=run)

    page = tab("/proof")
    page.route("**/api/v1/proof", proof)
    page.route("**/api/v1/proof/run", start)
    page.get_by_role("button", name="Prove it now").click()
    expect(page.get_by_role("status")).to_contain_text("A proof is under way")
    expect(page.get_by_role("button", name="Prove it now")).to_have_attribute("aria-busy", "true")
    run |= {"is_running": False, "why": "the lab did not start"}
    expect(page.get_by_role("status")).to_contain_text("the lab did not start")
    expect(page.get_by_role("button", name="Prove it now")).to_have_attribute("aria-busy", "false")


def test_it_can_be_used_by_everybody(tab: OpenTab, lab_page: LabPage) -> None:
    _tell(lab_page, one="pass", old_tls="fail")

    def row(page: Page) -> Any:
        return page.get_by_role("link", name=re.compile("old-tls")).filter(visible=True).first

    check_access(tab, "/proof", row)
    _tell(lab_page, one="pass", old_tls="pass")
