"""In the clear: what is still unprotected, with the way to mend it, and nothing when nothing is."""

import json
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import Locator, Page, Route, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.page import expect_path


def _item(page: Page, what: str) -> Locator:
    return page.get_by_role("article").filter(has_text=what)


def test_the_printer_of_the_lab_is_listed_with_the_way_to_mend_it(tab: OpenTab) -> None:
    page = tab("/clear?range=1h")
    printer = _item(page, "127.0.0.1 is known by its network alone")
    expect(printer).to_contain_text("Give it a certificate, or a token where it cannot hold one.")
    expect(printer).to_contain_text("keyhole enroll create NAME")
    expect(printer.get_by_role("link", name="Show this client")).to_have_attribute(
        "href", "/clients?client=127.0.0.1&range=1h"
    )
    printer.get_by_role("link", name="Add a client").click()
    expect(page.get_by_role("heading", name="What is it?")).to_be_visible()


def test_a_plain_listener_says_who_uses_it_and_how_to_close_it(tab: OpenTab) -> None:
    page = tab("/clear?range=1h")
    udp = _item(page, "DNS over UDP")
    expect(udp).to_contain_text("listen: {udp: []}")
    expect(udp.get_by_role("link", name="127.0.0.1")).to_be_visible()
    expect(udp.get_by_role("link", name="quer")).to_have_attribute(
        "href", "/log?transport=udp&range=1h"
    )
    expect(_item(page, "DNS over TCP")).to_be_visible()
    # The lock keeps its size beside words that are broken.
    page.set_viewport_size({"width": 390, "height": 900})
    size = "(sign) => sign.getBoundingClientRect().width"
    assert udp.locator(".lock svg").first.evaluate(size) == 14


def test_the_numbers_are_those_of_the_api(tab: OpenTab) -> None:
    page = tab("/clear")
    report: dict[str, Any] = page.request.get(urljoin(page.url, "/api/v1/clear")).json()
    items = {one["id"]: one for one in report["items"]}
    assert items["listener:udp"]["queries"] == sum(
        one["queries"] for one in items["listener:udp"]["users"]
    )
    assert 0 < report["encrypted_share"] < 1
    assert report["open"] >= items["client:127.0.0.1"]["queries"]


def test_nothing_in_the_clear_is_said_plainly(tab: OpenTab) -> None:
    page = tab("/")

    def emptied(route: Route) -> None:
        answer = route.fetch()
        nothing = {
            "items": [],
            "open": 0,
            "turned_away": 0,
            "unknown": 0,
            "reasons": [],
            "left_out": 0,
        }
        whole = {"encrypted_share": 1.0, "authenticated_share": 1.0}
        route.fulfill(response=answer, body=json.dumps({**answer.json(), **nothing, **whole}))

    page.route("**/api/v1/clear*", emptied)
    page.goto("/clear")
    expect(page.get_by_text("Nothing is in the clear")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(0)
    page.unroute_all(behavior="ignoreErrors")


def test_the_range_is_kept_in_the_address(tab: OpenTab) -> None:
    page = tab("/clear")
    page.get_by_role("button", name="Time range").click()
    page.get_by_role("menuitemradio", name="Last 15 minutes").click()
    expect(_item(page, "DNS over UDP")).to_be_visible()
    expect_path(page, "/clear?range=15m")


def test_it_can_be_used_by_everybody(tab: OpenTab) -> None:
    check_access(tab, "/clear?range=1h", lambda page: _item(page, "DNS over UDP"))
