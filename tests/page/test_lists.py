"""Lists on the page: look at one before it is added, add it, and find a name in all of them."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.list_server import ListServer
from tests.world.page import LabPage, outside
from tests.world.page_documents import ask_api, store
from tests.world.waiting import until

_HOSTILE = "<img src=x onerror=document.title='hit'>"
_REASON = "speaks of a URL or a port, and DNS sees only the name"
_TEXT = f"0.0.0.0 ads.shop.example\n||tracker.shop.example^\n{_HOSTILE} is no entry\n"
_POLICY = """\
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: office}
spec:
  subjects: ["cidr:127.0.0.1/32"]
  default: allow
  lists: [ads]  # more to come
"""


@pytest.fixture
def server() -> Iterator[ListServer]:
    """A list server on this machine."""
    with ListServer() as one:
        yield one


@pytest.fixture(scope="module")
def stored_policy(lab_page: LabPage) -> None:
    """A stored policy for this machine."""
    store(lab_page, _POLICY)


@pytest.fixture(scope="module")
def own(lab_page: LabPage, stored_policy: None) -> None:
    """A list whose entries stand in its document, with one that is none."""
    text = (
        "apiVersion: keyhole.dev/v1\nkind: List\nmetadata: {name: own}\nspec:\n  entries: |\n"
        f"    ||own.shop.example^\n    {_HOSTILE} is no entry\n"
    )
    store(lab_page, f"{text}---\n{_POLICY.replace('[ads]', '[ads, own]')}")


def test_a_list_names_each_policy_once_while_a_client_has_a_decision(
    tab: OpenTab, lab_page: LabPage, stored_policy: None
) -> None:
    asked = {"action": "allow", "name": "once.example", "client": "127.0.0.1", "seconds": 600}
    made = ask_api(lab_page, "POST", "/decisions", **asked)["decision"]
    try:
        page = tab("/lists?name=ads")
        used = page.get_by_role("region", name="Used by")
        expect(used.get_by_role("link", name="office")).to_have_count(1)
        policies = ask_api(lab_page, "GET", "/lists/ads")["policies"]
        assert sorted(set(policies)) == policies
    finally:
        ask_api(lab_page, "DELETE", f"/decisions/{made['number']}")


def _code(lab_page: LabPage, name: str) -> str:
    return lab_page.lab.server.ask(name, "A", "tcp").rcode


def test_a_list_by_url_is_looked_at_and_added_and_blocks(
    tab: OpenTab, lab_page: LabPage, server: ListServer, stored_policy: None
) -> None:
    page = tab("/lists")
    page.get_by_role("button", name="Add a list").click()
    page.get_by_role("link", name="By URL").click()
    page.get_by_label("URL", exact=True).fill(server.serve(_TEXT, "/shop.txt"))
    expect(page.get_by_label("Name", exact=True)).to_have_value("shop")
    page.get_by_role("button", name="Preview").click()
    preview = page.get_by_role("region", name="Preview")
    expect(preview).to_contain_text("Entries 2")
    expect(preview).to_contain_text("Left out 1")
    expect(page.get_by_text("||tracker.shop.example^")).to_be_visible()
    page.locator("summary").filter(has_text=_REASON).click()
    expect(page.get_by_text(f"{_HOSTILE} is no entry")).to_be_visible()
    assert _code(lab_page, "ads.shop.example") == "NOERROR"
    page.get_by_label("Add to Use it in").select_option("office")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Add the list").click()
    expect(page.get_by_role("heading", name="shop", exact=True)).to_be_visible()
    until(lambda: _code(lab_page, "ads.shop.example") == "NXDOMAIN", "the list blocks")
    expect(page.get_by_text("In force", exact=True)).to_be_visible()
    expect(page.get_by_text(server.url("/shop.txt")).first).to_be_visible()
    assert "# more to come" in ask_api(lab_page, "GET", "/documents/Policy/office")["text"]
    assert page.title() != "hit"


def test_a_url_that_is_no_list_says_why(tab: OpenTab, server: ListServer) -> None:
    tab.watch.allow("400 (Bad Request)")
    page = tab("/lists?add=url")
    page.get_by_label("URL", exact=True).fill(server.serve("<html>Sign in</html>"))
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_contain_text("it is a web page, not a list")


def test_a_file_becomes_a_list_with_its_entries_in_the_document(
    tab: OpenTab, lab_page: LabPage, stored_policy: None
) -> None:
    page = tab("/lists?add=file")
    content = b"0.0.0.0 filed.shop.example\r\n! a comment\r\n"
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "My List.txt", "mimeType": "text/plain", "buffer": content}
    )
    expect(page.get_by_label("Entries")).to_have_value(content.decode().replace("\r", ""))
    expect(page.get_by_label("Name", exact=True)).to_have_value("my-list")
    page.get_by_role("button", name="Add the list").click()
    expect(page.get_by_role("heading", name="my-list")).to_be_visible()
    stored = ask_api(lab_page, "GET", "/documents/List/my-list")["text"]
    assert "  entries: |\n    0.0.0.0 filed.shop.example\n    ! a comment\n" in stored
    page.get_by_label("Use it in policy").select_option("office")
    page.get_by_role("button", name="Add to the policy").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("my-list")
    dialog.get_by_role("button", name="Add to the policy").click()
    expect(page.get_by_role("link", name="office")).to_be_visible()
    until(lambda: _code(lab_page, "filed.shop.example") == "NXDOMAIN", "the list blocks")


def test_a_policy_that_a_file_declares_uses_a_list_that_is_added_for_it(
    tab: OpenTab, lab_page: LabPage
) -> None:
    """E4: no file is changed; the list names the policy."""
    page = tab("/lists?add=file")
    page.get_by_label("Entries").fill("0.0.0.0 declared.shop.example")
    page.get_by_label("Name", exact=True).fill("for-lab")
    page.get_by_label("Add to Use it in").select_option("lab")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Add the list").click()
    used = page.get_by_role("region", name="Used by")
    expect(used.get_by_role("link", name="lab", exact=True)).to_be_visible()
    stored = ask_api(lab_page, "GET", "/documents/List/for-lab")["text"]
    assert "policies:" in stored
    assert "lab" in ask_api(lab_page, "GET", "/lists/for-lab")["policies"]


def test_a_name_is_searched_in_all_lists(tab: OpenTab, own: None) -> None:
    page = tab("/lists")
    page.get_by_label("Search a name in all lists").fill("www.own.shop.example")
    page.keyboard.press("Enter")
    found = page.get_by_role("list", name="Entries for www.own.shop.example")
    expect(found).to_contain_text("||own.shop.example^")
    expect(found).to_contain_text("List/own, line 1")
    page.get_by_label("Search a name in all lists").fill("nothing.example.org")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("No list in force has an entry for nothing")).to_be_visible()
    page.reload()
    expect(page.get_by_text("No list in force has an entry for nothing")).to_be_visible()


def test_the_entries_of_a_list_lead_to_a_search_in_it_alone(tab: OpenTab, own: None) -> None:
    page = tab("/lists?name=own")
    page.get_by_role("link", name="Entries 1").click()
    page.get_by_label("Search a name in own").fill("ads.shop.example")
    page.keyboard.press("Enter")
    expect(page.get_by_text("own has no entry for ads.shop.example.")).to_be_visible()
    page.get_by_label("Search a name in own").fill("a.own.shop.example")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Entries for a.own.shop.example")).to_contain_text("own")
    page.get_by_role("link", name="Search all lists").click()
    expect(page.get_by_label("Search a name in all lists")).to_have_value("a.own.shop.example")


def test_what_was_left_out_of_a_list_is_shown_with_its_reason(tab: OpenTab, own: None) -> None:
    page = tab("/lists?name=own")
    page.locator("summary").filter(has_text=_REASON).click()
    expect(page.get_by_text("List/own, line 2")).to_be_visible()
    expect(page.get_by_text(f"{_HOSTILE} is no entry").first).to_be_visible()
    assert page.title() != "hit"
    assert page.locator("img").count() == 0


def test_a_long_name_widens_no_table_and_no_form(
    tab: OpenTab, lab_page: LabPage, stored_policy: None
) -> None:
    long = "a-name-of-a-list-" * 3 + "at-its-end"
    head = "apiVersion: keyhole.dev/v1\nkind: List\nmetadata:"
    store(lab_page, f"{head} {{name: {long}}}\nspec: {{entries: long.example}}\n")
    page = tab("/lists", width=390)
    for path, there in (
        ("/lists", page.get_by_role("link", name=long)),
        ("/policies?name=office", page.get_by_role("combobox", name="Add to Lists")),
    ):
        page.goto(path)
        for width in (390, 1024):
            page.set_viewport_size({"width": width, "height": 900})
            expect(there).to_be_visible()
            assert not outside(page), f"{path}, {width} pixels: {outside(page)}"


def test_a_declared_list_cannot_be_changed_here(tab: OpenTab) -> None:
    page = tab("/lists?name=ads")
    expect(page.get_by_text("Change that file; it acts within a second.")).to_be_visible()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)


def test_the_catalog_offers_lists_to_look_at(tab: OpenTab) -> None:
    page = tab("/lists?add=catalog")
    page.get_by_label("Search the catalog").fill("OISD small")
    page.get_by_role("button", name="Look at it: OISD small").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("oisd-small")
    expect(page.get_by_label("URL", exact=True)).to_have_value("https://small.oisd.nl")


def _heading(name: str) -> Callable[[Page], Locator]:
    return lambda page: page.get_by_role("heading", name=name, exact=True)


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/lists?search=www.own.shop.example", "Lists"),
        ("/lists?name=own", "Left out"),
        ("/lists?add=catalog", "OISD small"),
        ("/lists?add=file", "Source"),
    ],
)
def test_lists_can_be_used_by_everybody(tab: OpenTab, own: None, path: str, heading: str) -> None:
    check_access(tab, path, _heading(heading))


def test_a_preview_can_be_read_by_everybody(tab: OpenTab, lab_page: LabPage) -> None:
    def ready(page: Page) -> Locator:
        samples = page.get_by_role("heading", name="Some of its entries")
        if not samples.is_visible():
            page.get_by_label("Entries").fill(_TEXT)
            page.get_by_role("button", name="Preview").click()
        return samples

    check_access(tab, "/lists?add=file", ready)
