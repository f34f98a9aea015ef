"""Findings: what was refused and what needs attention, each with its way to the log."""

from playwright.sync_api import Locator, Page, expect

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


def test_they_can_be_used_by_everybody(tab: OpenTab) -> None:
    row = "No trusted authority has issued the certificate"
    check_access(tab, "/findings?range=1h", lambda page: _row(page, row))
