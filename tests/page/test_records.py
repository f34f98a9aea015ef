"""Records and upstreams on the page."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.page import LabPage, expect_path
from tests.world.page_documents import store
from tests.world.waiting import until

_HOSTILE = "<img src=x onerror=document.title='hit'>"


def test_a_record_is_made_by_its_form_and_answers(tab: OpenTab, lab_page: LabPage) -> None:
    page = tab("/records")
    page.get_by_role("button", name="New record").click()
    page.get_by_label("Name", exact=True).fill("nas")
    page.get_by_label("Name in DNS").fill("nas.shop.example")
    addresses = page.get_by_role("group", name="IPv4 addresses (A)")
    typed = addresses.get_by_label("Add to IPv4 addresses (A)")
    typed.fill("192.0.2.300")
    typed.press("Enter")
    expect(addresses).to_contain_text("192.0.2.300 is not")
    addresses.get_by_role("button", name="Take out 192.0.2.300").click()
    typed.fill("192.0.2.30")
    typed.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Valid")).to_be_visible()
    page.get_by_role("button", name="Review changes").click()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="nas", exact=True)).to_be_visible()
    expect(page.get_by_text("In force.", exact=True)).to_be_visible()

    def addresses_of() -> list[str]:
        return lab_page.lab.server.ask("nas.shop.example", "A", "tcp").addresses

    until(lambda: addresses_of() == ["192.0.2.30"], "the record answers")
    page.get_by_role("link", name="Records").first.click()
    row = page.get_by_role("row").filter(has_text="nas.shop.example")
    expect(row).to_contain_text("192.0.2.30")


def test_texts_of_records_run_no_script(tab: OpenTab, lab_page: LabPage) -> None:
    store(
        lab_page,
        "apiVersion: keyhole.dev/v1\nkind: Record\nmetadata: {name: words}\n"
        f'spec: {{name: words.shop.example, txt: ["{_HOSTILE}"]}}\n',
    )
    page = tab("/records")
    expect(page.get_by_role("row").filter(has_text="words.shop")).to_contain_text(_HOSTILE)
    page.get_by_role("link", name="words.shop.example").click()
    expect(page.get_by_role("group", name="Texts (TXT)")).to_contain_text(_HOSTILE)
    assert page.title() != "hit"
    assert page.locator("img").count() == 0


def test_a_declared_record_cannot_be_changed_here(tab: OpenTab) -> None:
    page = tab("/records?name=printer")
    expect(page.get_by_text("Change that file; it acts within a second.")).to_be_visible()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)


def test_an_upstream_shows_how_it_does_and_in_which_order_it_is_asked(tab: OpenTab) -> None:
    page = tab("/upstreams")
    row = page.get_by_role("row").filter(has_text="forwarder-dot")
    expect(row).to_contain_text("Healthy")
    expect(row).to_contain_text("all other names")
    page.get_by_role("link", name="forwarder-dot").click()
    expect(page.get_by_role("heading", name="Order in policies")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="payments")).to_contain_text("1 of 2")
    expect(page.get_by_role("link", name="Queries")).to_have_attribute(
        "href", "/log?upstream=forwarder-dot"
    )
    proof = page.get_by_role("group", name="File of our client certificate")
    expect(proof).to_contain_text("keyhole-resolver.pem")
    page.get_by_role("link", name="All upstreams").click()
    expect_path(page, "/upstreams")


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/records", "Records"),
        ("/records?name=printer", "Record"),
        ("/records?new=1", "Record"),
        ("/upstreams", "Upstreams"),
        ("/upstreams?name=forwarder-dot", "Order in policies"),
        ("/upstreams?new=1", "Server"),
    ],
)
def test_records_and_upstreams_can_be_used_by_everybody(
    tab: OpenTab, path: str, heading: str
) -> None:
    def ready(page: Page) -> Locator:
        return page.get_by_role("heading", name=heading, exact=True)

    check_access(tab, path, ready)
