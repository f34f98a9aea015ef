"""The overview: figures, rankings, and where each leads."""

import re

from playwright.sync_api import Page, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.page import expect_in_address, expect_path

NUMBER = re.compile(r"[0-9]")


def _ready(page: Page) -> None:
    expect(page.get_by_role("link", name="Encrypted and authenticated")).to_contain_text(NUMBER)
    expect(page.get_by_role("link", name="Queries per second")).to_contain_text(NUMBER)


def test_the_figures_are_those_of_the_traffic(tab: OpenTab) -> None:
    tab.lab_page.lab.server.ask(tab.lab_page.lab.ready["blocked_example"])
    page = tab("/")
    _ready(page)
    for label in ("Blocked", "From the cache", "Wait for an upstream, median"):
        expect(page.get_by_role("link", name=label).first).to_contain_text(NUMBER)
    names = page.get_by_role("region", name="Blocked or refused")
    expect(names.get_by_role("link").first).to_be_visible()
    upstreams = page.get_by_role("region", name="Upstreams")
    expect(upstreams.get_by_text("Healthy")).to_have_count(2)
    page.set_viewport_size({"width": 1920, "height": 900})
    end = upstreams.get_by_role("link", name=re.compile("^ends in"))
    expect(end.first).to_have_attribute("href", re.compile("^/upstreams[?]name=forwarder-"))
    expect(end.first).to_have_attribute("title", re.compile("until .*, pin "))
    # It is a way of its own, in a row that leads to the log.
    end.first.click()
    expect(page.get_by_role("heading", name=re.compile("^forwarder-"), level=1)).to_be_visible()


def test_each_figure_leads_to_the_log_narrowed_down_to_it(tab: OpenTab) -> None:
    page = tab("/?range=15m")
    _ready(page)
    leads = {
        "Queries per second": "/log",
        "Encrypted and authenticated": "/log?range=15m&protection=open",
        "From the cache": "/log?range=15m&reason=cached",
    }
    for label, where in leads.items():
        assert page.get_by_role("link", name=label).get_attribute("href") == where
    clients = page.get_by_role("region", name="Clients")
    expect(clients.get_by_role("link", name="shop/web", exact=True)).to_have_attribute(
        "href",
        "/log?range=15m&client=spiffe%3A%2F%2Fkeyhole.lab%2Fns%2Fshop%2Fsa%2Fweb&client_kind=identity",
    )


def test_what_is_in_the_clear_needs_attention(tab: OpenTab) -> None:
    tab.lab_page.lab.server.ask("www.example.org", transport="udp")
    page = tab("/")
    notice = page.get_by_role("region", name="Needs attention").get_by_role("link")
    expect(notice.filter(has_text="in the clear")).to_be_visible()


def test_the_time_range_is_kept_in_the_address(tab: OpenTab) -> None:
    page = tab("/")
    page.get_by_role("button", name="Time range").click()
    page.get_by_role("menuitemradio", name="Last 7 days").click()
    expect(page.get_by_role("button", name="Last 7 days")).to_be_visible()
    expect_path(page, "/?range=7d")
    page.go_back()
    expect(page.get_by_role("button", name="Last hour")).to_be_visible()
    page.get_by_role("button", name="Time range").click()
    page.get_by_role("menuitemradio", name="From").click()
    page.get_by_label("From").fill("2026-01-02T03:04:05")
    page.get_by_label("To", exact=True).fill("2026-01-01T00:00:00")
    expect(page.get_by_text("The start must be before the end.")).to_be_visible()
    page.get_by_label("To", exact=True).fill("2026-01-03T00:00:00")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("No name was asked for in this time.")).to_be_visible()
    expect_in_address(page, "since=2026-01-02T02%3A04%3A05.000Z&until=2026-01-02T23%3A00%3A00.000Z")


_HIDE = """(hidden) => {
  const state = hidden ? 'hidden' : 'visible';
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}"""


def test_a_hidden_tab_asks_nothing(tab: OpenTab) -> None:
    page = tab("about:blank")
    page.clock.install()
    page.goto(f"{tab.lab_page.url}/")
    _ready(page)
    page.evaluate(_HIDE, True)
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(120_000)
    assert asked == []
    page.evaluate(_HIDE, False)
    with page.expect_request("**/api/v1/status"):
        page.clock.run_for(10_000)


def test_the_overview_can_be_used_by_everybody(tab: OpenTab) -> None:
    figure = re.compile(r"Encrypted and authenticated [0-9>]")
    check_access(tab, "/", lambda page: page.get_by_role("link", name=figure))
