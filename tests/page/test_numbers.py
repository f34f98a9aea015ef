"""The numbers of one client are the same wherever the page shows them, and each can be pressed."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.page.conftest import OpenTab
from tests.world.page import LabPage, expect_in_address, expect_path
from tests.world.waiting import until

WEB = "spiffe://keyhole.lab/ns/shop/sa/web"
NUMBER = re.compile(r"[0-9][0-9,]*")


def _number(place: Locator) -> int:
    expect(place).to_contain_text(NUMBER)
    found = NUMBER.search(place.inner_text())
    assert found
    return int(found[0].replace(",", ""))


@pytest.fixture(scope="module")
def span(lab_page: LabPage) -> str:
    """A time that has ended, with queries of everybody, as parameters of an address."""
    context = lab_page.signed_in()
    begin = datetime.now(UTC) - timedelta(minutes=30)
    end = begin

    def have_asked() -> bool:
        nonlocal end
        # The engine writes its log in groups: what came before this is there.
        end = datetime.now(UTC) - timedelta(seconds=2)
        return all(
            _count(context, end, client, kind) > 1
            for client, kind in ((WEB, "identity"), ("127.0.0.1", "address"))
        )

    until(have_asked, "a workload and the printer ask", 120)
    context.close()
    return f"since={_iso(begin)}&until={_iso(end)}"


def _count(context: BrowserContext, end: datetime, client: str, kind: str) -> int:
    params: dict[str, str | float | bool] = {
        "client": client,
        "client_kind": kind,
        "until": end.isoformat(),
    }
    answer = context.request.get("/api/v1/queries/histogram", params=params)
    assert answer.ok, answer.text()
    return int(answer.json()["total"])


def _iso(moment: datetime) -> str:
    return quote(moment.isoformat(timespec="seconds").replace("+00:00", "Z"), safe="")


def _expect_total(page: Page, number: int) -> None:
    """Waits until the log says so: the numbers of the page before may stand for a moment."""
    _expect_number(page.get_by_role("status").filter(has_text="quer"), number)


def _expect_number(place: Locator, number: int) -> None:
    expect(place).to_contain_text(re.compile(rf"^[^0-9]*{number:,}(?![0-9,])"))


@pytest.mark.parametrize(
    ("label", "known_by"),
    [
        ("shop/web", "certificate"),
        # It asks the forwarder of the lab too, which is in the graph, and has a log of its own.
        ("127.0.0.1", "network alone"),
    ],
)
def test_a_client_has_the_same_number_on_each_page(
    tab: OpenTab, span: str, label: str, known_by: str
) -> None:
    page = tab(f"/?{span}")
    row = (
        page.get_by_role("region", name="Clients")
        .get_by_role("listitem")
        .filter(has=page.get_by_role("link", name=label, exact=True))
    )
    number = _number(row.locator(".count"))
    row.get_by_role("link").click()
    _expect_total(page, number)

    page.get_by_role("link", name="Clients", exact=True).click()
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=f"{label} {known_by}"))
    _expect_number(row.get_by_role("cell").nth(2), number)
    row.get_by_role("link").click()
    figure = page.get_by_role("link", name=re.compile("^Queries"))
    _expect_number(figure, number)
    figure.click()
    _expect_total(page, number)

    page.get_by_role("button", name="Group by").click()
    page.get_by_role("menuitemradio", name="client", exact=True).click()
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=label, exact=True))
    _expect_number(row.get_by_role("cell").nth(1), number)


def test_the_address_of_all_workloads_counts_none_of_them(tab: OpenTab, span: str) -> None:
    page = tab(f"/log?{span}&group=client")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="127.0.0.1", exact=True))
    number = _number(row.get_by_role("cell").nth(1))
    row.get_by_role("link").click()
    _expect_total(page, number)
    expect_in_address(page, "client_kind=address")


def test_the_shares_of_a_client_lead_to_what_was_not_protected(tab: OpenTab, span: str) -> None:
    page = tab(f"/clients?client=127.0.0.1&{span}")
    queries = _number(page.get_by_role("link", name=re.compile("^Queries")))
    page.get_by_role("link", name=re.compile("^Authenticated")).click()
    expect(page.get_by_role("list", name="Filters")).to_contain_text("unauthenticated")
    _expect_total(page, queries)


def test_addresses_and_versions_of_tls_lead_to_as_many_queries(tab: OpenTab, span: str) -> None:
    page = tab(f"/clients?client={quote(WEB, safe='')}&{span}")
    row = page.get_by_role("region", name="Credentials").get_by_role("listitem")
    address = row.filter(has=page.get_by_role("link", name="127.0.0.1", exact=True))
    number = _number(address.locator(".queries"))
    address.get_by_role("link").click()
    _expect_total(page, number)
    drawn = page.request.get(f"/api/v1/graph?{span}").json()
    (web,) = [
        one["id"]
        for one in drawn["nodes"]
        if (one["kind"], one["label"]) == ("workload", "shop/web")
    ]
    (edge,) = [one["id"] for one in drawn["edges"] if one["source"] == web]
    page.goto(f"/graph?{span}&view=picture&edge={quote(edge, safe='')}")
    version = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="TLS 1.3"))
    number = _number(version.locator("span").last)
    version.get_by_role("link").click()
    expect(page.get_by_role("list", name="Filters")).to_contain_text("1.3")
    _expect_total(page, number)


def test_why_a_client_is_in_the_clear_leads_to_these_queries(tab: OpenTab, span: str) -> None:
    page = tab(f"/clients?client=127.0.0.1&{span}")
    why = page.get_by_role("region", name="Activity").get_by_role("link", name="not encrypted")
    number = _number(why)
    why.click()
    expect_in_address(page, "protection=unencrypted")
    _expect_total(page, number)


def test_the_open_queries_of_three_pages_are_the_same(tab: OpenTab, span: str) -> None:
    page = tab(f"/clear?{span}")
    figure = page.get_by_role("link", name=re.compile("^Open queries"))
    number = _number(figure.locator(".value"))
    figure.click()
    _expect_total(page, number)
    page.goto(f"/?{span}")
    notice = page.get_by_role("region", name="Needs attention").get_by_role("link")
    _expect_number(notice.filter(has_text="in the clear"), number)
    page.get_by_role("link", name="Encrypted and authenticated").click()
    _expect_total(page, number)


def test_a_live_graph_leads_to_the_minute_that_it_shows(tab: OpenTab) -> None:
    page = tab("/graph", width=1920)
    figure = page.locator("[data-figure=queries] a")
    expect(figure).to_have_attribute("href", "/log?range=1m")


def test_the_chosen_time_goes_along_to_the_other_pages(tab: OpenTab) -> None:
    page = tab("/?range=24h")
    page.get_by_role("link", name="Clients", exact=True).click()
    expect(page.get_by_role("button", name="Last 24 hours")).to_be_visible()
    page.get_by_role("link", name="Policies", exact=True).click()
    expect(page.get_by_role("table", name="Policies")).to_be_visible()
    page.get_by_role("link", name="In the clear", exact=True).click()
    expect(page.get_by_role("button", name="Last 24 hours")).to_be_visible()
    expect_path(page, "/clear?range=24h")


def test_pages_without_a_chosen_time_show_the_same_one(tab: OpenTab) -> None:
    page = tab("/")
    for path in ("/", "/log", "/clear", "/clients", "/findings"):
        page.goto(path)
        expect(page.get_by_role("button", name="Last hour")).to_be_visible()
