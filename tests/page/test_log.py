"""The log: it follows, filters, explains, and changes what it shows, with hostile names in it."""

import csv
import io
import json
import re
import socket
import struct
from collections.abc import Callable
from typing import Any

import dns.message
import dns.query
import dns.rcode
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.page import LabPage
from tests.world.page_documents import ask_api
from tests.world.waiting import until

HOSTILE = [
    [b"<script>document.title='run'</script>", b"example"],
    [b'"onmouseover=alert(1)', b"example"],
    [b"' or 1=1 --", b"example"],
    [b"a\x1b[31mred", b"example"],
    [b"x" * 63, b"y" * 63, b"z" * 63, b"w" * 53, b"example"],
]
"""Labels of names that no program should trust; the last one has 255 octets in all."""
_IS_HOSTILE = re.compile(r"[<\"'\\]|x{63}")


def _ask(lab_page: LabPage, name: str, times: int = 1) -> None:
    for _ in range(times):
        query = dns.message.make_query(name, "A")
        dns.query.udp(query, "127.0.0.1", timeout=20, port=lab_page.lab.server.udp)


def _ask_labels(lab_page: LabPage, labels: list[bytes]) -> None:
    """Sends a query as octets, and waits for the answer."""
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    message = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.sendto(message, ("127.0.0.1", lab_page.lab.server.udp))
        client.recv(4_096)


def _api(page: Page, path: str, **params: Any) -> Any:
    answer = page.request.get(f"/api/v1{path}", params=params)
    assert answer.status == 200, answer.text()
    return answer.json()


def _logged(page: Page, count: int, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def look() -> bool:
        found[:] = _api(page, "/queries", limit="1000", **params)["items"]
        return len(found) >= count

    until(look, f"{count} queries are found: {params}", 60)
    return found


def _rows(page: Page) -> Locator:
    return page.get_by_role("grid").get_by_role("row").filter(has=page.get_by_role("gridcell"))


def _row(page: Page, name: str) -> Locator:
    return _rows(page).filter(has_text=name)


def test_the_log_moves_as_queries_come(tab: OpenTab, lab_page: LabPage) -> None:
    page = tab("/log?below=moves.example")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    _ask(lab_page, "one.moves.example")
    expect(_row(page, "one.moves.example")).to_have_count(1)
    _ask(lab_page, "two.moves.example")
    expect(_rows(page).first).to_contain_text("two.moves.example")


def test_what_is_read_stays_where_it_is(tab: OpenTab, lab_page: LabPage) -> None:
    _ask(lab_page, "first.stays.example")
    page = tab("/log?below=stays.example")
    expect(_row(page, "first.stays.example")).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    _ask(lab_page, "second.stays.example")
    button = page.get_by_role("button", name="Show 1 new")
    expect(button).to_be_visible()
    expect(_rows(page)).to_have_count(1)
    button.focus()
    page.keyboard.press("Enter")
    expect(_rows(page).first).to_contain_text("second.stays.example")
    expect(_rows(page)).to_have_count(2)
    # Its button is gone, and the keys go on beside it.
    expect(button).to_have_count(0)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_focused()


def test_an_address_finds_its_queries(tab: OpenTab, lab_page: LabPage) -> None:
    page = tab("/log?outcome=blocked&client=spiffe%3A%2F%2Fkeyhole.lab%2Fns%2Fshop%2F*")
    expect(_rows(page).first).to_be_visible()
    expect(page.get_by_role("list", name="Filters")).to_contain_text("blocked")
    texts = _rows(page).all_inner_texts()
    assert all("Blocked" in text and "shop/" in text for text in texts), texts
    box = page.get_by_role("combobox", name="Filter the log")
    expect(box).to_have_value("client:spiffe://keyhole.lab/ns/shop/* outcome:blocked ")
    page.get_by_role("button", name="Remove outcome:blocked").click()
    expect(page).to_have_url(re.compile(r"/log\?client=[^&]*$"))


def test_the_search_box_completes_fields_and_values(tab: OpenTab) -> None:
    page = tab("/log")
    box = page.get_by_role("combobox", name="Filter the log")
    box.press_sequentially("outc")
    expect(page.get_by_role("option", name="outcome:")).to_be_visible()
    box.press("ArrowDown")
    box.press("Enter")
    expect(page.get_by_role("option", name="outcome:blocked")).to_be_visible()
    box.press_sequentially("bl")
    box.press("ArrowDown")
    box.press("Enter")
    expect(page).to_have_url(re.compile(r"outcome=blocked"))
    box.press_sequentially("nothing:here")
    box.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("nothing:here")
    expect(page.get_by_role("alert")).to_contain_text("one of name, below, contains")


def test_the_log_is_filtered_and_grouped_by_protection(tab: OpenTab, lab_page: LabPage) -> None:
    _ask(lab_page, "clear.protection.example", times=2)
    page = tab("/log?below=protection.example")
    expect(_row(page, "clear.protection.example").first).to_be_visible()
    page.get_by_role("button", name="Group by").click()
    page.get_by_role("menuitemradio", name="protection", exact=True).click()
    row = page.get_by_role("row").filter(has_text="Neither encrypted nor authenticated")
    expect(row.get_by_role("cell").nth(1)).to_have_text("2")
    row.get_by_role("link").click()
    expect(page.get_by_role("list", name="Filters")).to_contain_text("neither")
    expect(_rows(page)).to_have_count(2)
    box = page.get_by_role("combobox", name="Filter the log")
    box.fill("below:protection.example protection:prot")
    expect(page.get_by_role("option", name="protection:protected")).to_be_visible()
    box.fill("below:protection.example protection:protected")
    box.press("Enter")
    expect(page.get_by_text("Nothing matches this filter")).to_be_visible()


def test_rows_that_are_on_their_way_have_their_place(tab: OpenTab, lab_page: LabPage) -> None:
    page = tab("about:blank")
    held: list[Route] = []
    page.route("**/api/v1/queries?*", lambda route: held.append(route), times=1)
    with page.expect_request("**/api/v1/queries?*"):
        page.goto(f"{lab_page.url}/log")
    grid = page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-busy", "true")
    expect(grid.locator(".skeleton").first).to_be_visible()
    held[0].continue_()
    expect(_rows(page).first).to_be_visible()
    expect(grid).to_have_attribute("aria-busy", "false")


def test_hostile_names_run_no_script(tab: OpenTab, lab_page: LabPage) -> None:
    for labels in HOSTILE:
        _ask_labels(lab_page, labels)
    page = tab("/log?range=15m")
    hostile: set[str] = set()

    def found() -> bool:
        rows = _api(page, "/queries", transport="udp", limit="1000")["items"]
        hostile.update(row["name"] for row in rows if _IS_HOSTILE.search(row["name"] or ""))
        return len(hostile) == len(HOSTILE)

    until(found, "all hostile names are found", 60)
    for name in hostile:
        page.goto(f"/log?name={_quoted(name)}&range=15m")
        row = _rows(page).first
        expect(row.get_by_text(name, exact=True)).to_be_visible()
        row.click()
        panel = page.get_by_role("dialog")
        expect(panel.get_by_role("heading", level=2)).to_contain_text(name)
        panel.get_by_role("button", name="Block", exact=True).click()
        expect(page.get_by_text("past queries since").first).to_be_visible()
        page.keyboard.press("Escape")
    page.goto("/log?group=name&range=15m&transport=udp")
    expect(page.get_by_role("table", name="Queries by name")).to_contain_text("<script>")
    assert page.title() == "Log · Keyhole"


def _quoted(text: str) -> str:
    return "".join(f"%{octet:02X}" for octet in text.encode())


def test_a_block_changes_as_many_queries_as_the_dry_run_says(
    tab: OpenTab, lab_page: LabPage
) -> None:
    name = "a.dryrun.example"
    _ask(lab_page, name, 3)
    _ask(lab_page, "b.dryrun.example", 2)
    page = tab("/log?below=dryrun.example")
    answered = _logged(page, 5, below="dryrun.example")
    assert {row["outcome"] for row in answered} == {"answered"}
    expect(_row(page, name).first).to_be_visible()
    _row(page, name).first.click()
    page.get_by_role("button", name="Block", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("3 of 3 past queries")).to_be_visible()
    dialog.get_by_role("radio", name="dryrun.example and all below it", exact=True).check()
    expect(dialog.get_by_text(f"{len(answered)} of {len(answered)} past queries")).to_be_visible()
    dialog.get_by_role("radio", name="one hour from now").check()
    dialog.get_by_label("Comment").fill("not from here")
    dialog.get_by_role("button", name="Block it").click()
    expect(page.get_by_text("dryrun.example is blocked for all clients, until")).to_be_visible()
    (decision,) = _api(page, "/decisions")["items"]
    assert (decision["name"], decision["below"], decision["why"]) == (
        "dryrun.example", True, "not from here",
    )  # fmt: skip
    assert decision["until"] is not None
    _ask(lab_page, name)
    expect(_row(page, "Blocked").first).to_contain_text(name)
    _row(page, "Blocked").first.click()
    page.get_by_role("dialog").get_by_role("link", name=f"decision {decision['number']}").click()
    decisions = page.get_by_role("table", name="Decisions in force")
    expect(decisions).to_contain_text("dryrun.example and below")
    expect(decisions).to_contain_text("all clients")
    expect(decisions).to_contain_text(" minutes")
    decisions.get_by_role("button", name="Remove the decision about dryrun.example").click()
    expect(page.get_by_text("No decision is in force")).to_be_visible()
    expect(page.get_by_role("link", name="All policies")).to_be_focused()
    assert _api(page, "/decisions")["items"] == []


def test_an_allow_is_for_the_client_of_the_row_and_ends(tab: OpenTab) -> None:
    page = tab("/log?outcome=blocked&policy=ci")
    _rows(page).first.click()
    page.get_by_role("button", name="Allow", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name="only build/ci")).to_be_checked()
    expect(dialog.get_by_role("radio", name="one hour from now")).to_be_checked()
    dialog.get_by_role("radio", name="all clients").check()
    expect(dialog.get_by_role("alert")).to_contain_text("build/ci stays blocked: its policy ci")


def test_decisions_can_be_used_by_everybody(tab: OpenTab, lab_page: LabPage) -> None:
    asked = {"action": "block", "name": "decided.example", "below": True, "why": "a test"}
    made = ask_api(lab_page, "POST", "/decisions", **asked)["decision"]
    table = "Decisions in force"
    try:
        check_access(tab, "/decisions", lambda page: page.get_by_role("table", name=table))
    finally:
        ask_api(lab_page, "DELETE", f"/decisions/{made['number']}")


def test_a_query_is_told_in_full(tab: OpenTab) -> None:
    # What would happen now can be said of a client that the log shows.
    page = tab("/log?reason=blocked_by_list&client_kind=identity")
    _rows(page).first.click()
    panel = page.get_by_role("dialog")
    for words in ("Who", "Why", "How protected", "What would happen now", "ads"):
        expect(panel.get_by_text(words).first).to_be_visible()
    expect(panel.get_by_text(re.compile(r"line \d+"))).to_be_visible()
    expect(panel.get_by_text("The log keeps no answers of upstreams.")).to_be_visible()
    expect(panel.get_by_role("listitem").filter(has_text="lists").first).to_be_visible()


def test_the_log_can_be_read_by_keyboard_alone(tab: OpenTab) -> None:
    page = tab("/log?outcome=blocked")
    expect(_rows(page).nth(2)).to_be_visible()
    grid = page.get_by_role("grid")
    grid.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    chosen = grid.get_attribute("aria-activedescendant")
    assert chosen is not None
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog")
    expect(panel).to_be_visible()
    title = panel.get_by_role("heading", level=2).inner_text()
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    name = title.rsplit(" ", 1)[0]
    expect(page.locator(f"[id='{chosen}']")).to_contain_text(name)


def test_the_histogram_zooms_by_keyboard_and_by_dragging(tab: OpenTab) -> None:
    page = tab("/log")
    bars = page.get_by_role("slider")
    expect(_rows(page).first).to_be_visible()
    expect(bars.locator("rect").first).to_be_attached()
    bars.focus()
    page.keyboard.press("End")
    page.keyboard.press("Shift+ArrowLeft")
    expect(bars).to_have_attribute("aria-valuetext", re.compile(r"to .*:"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"since=.*until="))
    page.go_back()
    expect(page).to_have_url(re.compile(r"/log$"))
    box = bars.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 20, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"since=.*until="))


def test_queries_are_grouped_by_domain(tab: OpenTab, lab_page: LabPage) -> None:
    _ask(lab_page, "x.grouped.example", 2)
    _ask(lab_page, "y.grouped.example")
    page = tab("/log")
    _logged(page, 3, below="grouped.example")
    page.get_by_role("button", name="Group by").click()
    page.get_by_role("menuitemradio", name="domain").click()
    row = page.get_by_role("row").filter(has_text="grouped.example")
    expect(row).to_contain_text("3")
    row.get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"below=grouped\.example"))
    expect(_rows(page)).to_have_count(3)


@pytest.mark.parametrize("menu", ["Time range", "Group by", "Columns"])
def test_nothing_lies_above_the_entries_of_a_menu(tab: OpenTab, menu: str) -> None:
    page = tab("/log", width=1440)
    expect(_rows(page).first).to_be_visible()
    page.get_by_role("button", name=menu).click()
    entries = page.get_by_role("menuitemradio")
    expect(entries.first).to_be_visible()
    for entry in entries.all():
        entry.click(trial=True)


def test_the_export_has_what_the_search_finds(tab: OpenTab, lab_page: LabPage) -> None:
    _ask(lab_page, "exported.example", 2)
    page = tab("/log?name=exported.example")
    _logged(page, 2, name="exported.example")
    readers: dict[str, Callable[[str], list[str]]] = {
        "CSV": lambda text: [row["name"] for row in csv.DictReader(io.StringIO(text))],
        "JSON": lambda text: [json.loads(line)["name"] for line in text.splitlines()],
    }
    for form, names in readers.items():
        page.get_by_role("button", name="Export", exact=True).click()
        with page.expect_download() as loading:
            page.get_by_role("menuitem", name=re.compile(f"^{form}")).click()
        text = loading.value.path().read_text()
        assert names(text) == ["exported.example"] * 2


def test_a_search_can_be_named_and_found_again(tab: OpenTab) -> None:
    page = tab("/log?outcome=blocked")
    page.get_by_role("button", name="Saved filters").click()
    page.get_by_role("menuitem", name=re.compile("^Save this filter")).click()
    page.get_by_role("dialog").get_by_label("Name").fill("what is blocked")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto("/log")
    page.get_by_role("button", name="Saved filters").click()
    page.get_by_role("menuitemradio", name="what is blocked").click()
    expect(page).to_have_url(re.compile(r"outcome=blocked"))


def test_columns_stay_chosen(tab: OpenTab) -> None:
    page = tab("/log", width=1920)
    expect(page.get_by_role("columnheader", name="Upstream")).to_be_visible()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("menuitemradio", name="Upstream", exact=True).click()
    expect(page.get_by_role("columnheader", name="Upstream")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("columnheader", name="Reason")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Upstream")).to_have_count(0)


def test_a_search_that_finds_nothing_says_what_to_do(tab: OpenTab) -> None:
    page = tab("/log?name=never.asked.example")
    expect(page.get_by_text("Nothing matches this filter")).to_be_visible()
    expect(page.get_by_role("button", name="Show everything")).to_be_visible()


def test_the_log_can_be_used_by_everybody(tab: OpenTab) -> None:
    check_access(tab, "/log", ready=lambda page: _rows(page).first)


def test_the_groups_can_be_used_by_everybody(tab: OpenTab) -> None:
    check_access(
        tab, "/log?group=domain", ready=lambda page: page.get_by_role("link", name="shop.example")
    )


def test_a_rule_for_a_name_is_checked_on_past_queries_and_then_stored(
    tab: OpenTab, lab_page: LabPage
) -> None:
    name, port, source = "ruled.example.net", lab_page.lab.server.udp, "127.0.0.9"
    policy = {
        "apiVersion": "keyhole.dev/v1",
        "kind": "Policy",
        "metadata": {"name": "mine"},
        "spec": {"subjects": [f"cidr:{source}/32"], "default": "allow"},
    }
    ask_api(lab_page, "POST", "/documents", text=json.dumps(policy))

    def code() -> int:
        query = dns.message.make_query(name, "A")
        return int(dns.query.udp(query, "127.0.0.1", port=port, source=source, timeout=10).rcode())

    until(lambda: code() == dns.rcode.NOERROR, "it is answered")
    page = tab(f"/log?name={name}&range=1h")
    page.get_by_role("row").filter(has_text=name).first.click()
    page.get_by_role("button", name="Make a rule").click()
    dialog = page.get_by_role("dialog", name="Make a rule")
    expect(dialog.get_by_text("newly blocked").first).to_be_visible()
    dialog.get_by_role("button", name="Add the rule").click()
    expect(dialog).to_contain_text("The rule is stored and in force.")
    assert code() == dns.rcode.NXDOMAIN
    text = ask_api(lab_page, "GET", "/documents/Policy/mine")["text"]
    assert name in text


def test_a_name_is_no_longer_logged_after_a_dry_run_has_counted_it(
    tab: OpenTab, lab_page: LabPage
) -> None:
    name = "www.clinic.example"
    _ask(lab_page, name, 3)
    page = tab(f"/log?name={name}&range=1h")
    _logged(page, 3, name=name)
    page.reload()
    _row(page, name).first.click()
    page.get_by_role("button", name="Stop logging this name").click()
    dialog = page.get_by_role("dialog", name="Stop logging a name")
    expect(dialog.get_by_text("3 past queries")).to_be_visible()
    dialog.get_by_role("radio", name="clinic.example and all below it").nth(1).check()
    expect(dialog.get_by_text("3 past queries")).to_be_visible()
    dialog.get_by_role("button", name="Stop logging it").click()
    expect(dialog).to_contain_text("no longer logged")
    _ask(lab_page, name, 2)
    _ask(lab_page, "after.clinic-shop.example")
    _logged(page, 1, name="after.clinic-shop.example")
    assert len(_logged(page, 3, name=name)) == 3
    dialog.get_by_role("link", name="All names that are not logged").click()
    expect(page.get_by_role("textbox", name="YAML")).to_contain_text("*.clinic.example")
