"""Findings: what was refused and what needs attention, each with its way to the log."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.page import LabPage


def _row(page: Page, what: str) -> Locator:
    return page.get_by_role("row").filter(has_text=what)


def test_a_client_of_an_unknown_authority_is_found_and_leads_to_the_log(tab: OpenTab) -> None:
    page = tab("/findings?range=1h")
    row = _row(page, "No trusted authority has issued the certificate")
    expect(row).to_contain_text("certificate_untrusted")
    expect(row.get_by_role("link")).to_have_attribute(
        "href", "/log?reason=certificate_untrusted&range=1h"
    )
    expect(page.get_by_role("table", name="Refused handshakes")).to_contain_text("DNS")


def test_a_tunnel_type_is_found(tab: OpenTab, lab_page: LabPage) -> None:
    page = tab("/findings?range=1h")
    expect(page.get_by_text("No query looked like a tunnel.")).to_be_visible()
    assert lab_page.lab.server.ask("www.example.org", "NULL").rcode == "REFUSED"
    row = _row(page, "The type carries arbitrary bytes")
    expect(row.get_by_role("link")).to_have_attribute("href", "/log?reason=tunnel_type&range=1h")


def test_what_works_is_said(tab: OpenTab) -> None:
    page = tab("/findings")
    expect(page.get_by_text("Every part of Keyhole works.")).to_be_visible()
    expect(page.get_by_text("Nobody used more than their share.")).to_be_visible()


def test_a_client_that_tunnels_is_shown_with_its_names_and_can_be_muted(
    tab: OpenTab, lab_page: LabPage
) -> None:
    for number in range(20):
        lab_page.lab.server.ask(f"{number:060}.tunnel.example", "A")
    page = tab("/findings?range=1h")
    row = page.get_by_role("table", name="Clients to look at").get_by_role("row")
    row.filter(has_text="tunnel.example").get_by_role("link").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("tunneling.alert")
    expect(dialog.get_by_role("listitem").first).to_contain_text("tunnel.example")
    log = dialog.get_by_role("link", name="Its queries in the log")
    expect(log).to_have_attribute("href", re.compile(r"/log\?.*below=tunnel\.example"))
    dialog.get_by_label("Reason").fill("a test")
    dialog.get_by_role("button", name="Mute").click()
    expect(dialog.get_by_role("button", name="Open again")).to_be_visible()
    expect(dialog).to_contain_text("a test")


def test_they_can_be_used_by_everybody(tab: OpenTab, lab_page: LabPage) -> None:
    for number in range(20):
        lab_page.lab.server.ask(f"{number:060}.channel.example", "A")
    check_access(
        tab,
        "/findings?range=1h",
        lambda page: page.get_by_role("link", name="127.0.0.1").filter(visible=True).first,
    )


def test_findings_that_cannot_be_read_are_not_none(tab: OpenTab) -> None:
    page = tab("/findings")
    problem = {
        "title": "Not possible now",
        "status": 503,
        "code": "not_possible_now",
        "detail": "the database cannot be used",
    }

    def failing(route: Route) -> None:
        route.fulfill(
            response=route.fetch(),
            status=503,
            content_type="application/problem+json",
            body=json.dumps(problem),
        )

    tab.watch.allow("503")
    page.route("**/api/v1/findings", failing)
    page.goto("/findings")
    expect(page.get_by_text("the database cannot be used")).to_be_visible()
    expect(page.get_by_role("table", name="Clients to look at")).to_have_count(0)
    expect(page.get_by_text("No client sent so much data")).to_have_count(0)
    page.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize(
    ("number", "said"),
    [(None, "Nobody looks for clients that tunnel"), (1, "1 client to look at")],
)
def test_the_overview_says_how_many_clients_are_to_be_looked_at_and_where_nobody_looks(
    tab: OpenTab, number: int | None, said: str
) -> None:
    page = tab("/findings")

    def changed(route: Route) -> None:
        answer = route.fetch()
        body: dict[str, Any] = {**answer.json(), "open_findings": number}
        route.fulfill(response=answer, body=json.dumps(body))

    page.route("**/api/v1/status", changed)
    page.goto("/")
    expect(page.get_by_text(said, exact=True)).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")
