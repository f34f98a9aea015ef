"""Policies on the page: an editor that says what is wrong where, and every version to go back."""

import re

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.page import LabPage
from tests.world.page_documents import ask_api, store, write_yaml, yaml_of
from tests.world.waiting import until

_FIRST_VERSION = re.compile(r"^Version 1 ")
_HOSTILE = "<img src=x onerror=document.title='hit'>"


def _policy(name: str, *, rule: str = "") -> str:
    rules = f"  rules:\n    - block: [{rule}]\n" if rule else ""
    return (
        f"apiVersion: keyhole.dev/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n"
        f"  # a room of its own\n  subjects:\n    - spiffe://keyhole.lab/ns/{name}/*  # the desk\n"
        f"  default: allow\n  upstreams: [forwarder-dot, forwarder-doh]\n{rules}"
    )


@pytest.fixture(scope="module")
def shop(lab_page: LabPage) -> None:
    """A stored policy in two versions."""
    store(lab_page, _policy("shop", rule="one.example.com"), "the first")
    store(lab_page, _policy("shop", rule="two.example.com"), f"the second {_HOSTILE}")


def _code(lab_page: LabPage, name: str) -> str:
    return lab_page.lab.server.ask(name, "A", "tcp").rcode


def _apply(page: Page, why: str) -> None:
    page.get_by_role("button", name="Review changes").click()
    page.get_by_label("Why", exact=True).fill(why)
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("In force.", exact=True)).to_be_visible()


def test_an_error_is_at_its_line_and_at_its_field_and_what_is_right_acts(
    tab: OpenTab, lab_page: LabPage
) -> None:
    page = tab("/policies")
    page.get_by_role("button", name="New policy").click()
    page.get_by_label("Name", exact=True).fill("desk")
    subjects = page.get_by_role("group", name="Subjects")
    typed = subjects.get_by_label("Add to Subjects")
    typed.fill("cidr:127.0.0.1/33")
    typed.press("Enter")
    why = "127.0.0.1/33 is not a network"
    expect(subjects).to_contain_text(why)
    error = page.get_by_role("button", name="spec.subjects[0]")
    expect(error).to_contain_text("Line 8")
    expect(error).to_contain_text(why)
    error.click()
    expect(yaml_of(page)).to_be_focused()
    expect(page.get_by_role("button", name="Review changes")).to_be_disabled()

    subjects.get_by_role("button", name="Take out cidr:127.0.0.1/33").click()
    typed.fill("cidr:127.0.0.1/32")
    typed.press("Enter")
    page.get_by_role("button", name="Block names").click()
    names = page.get_by_role("article", name="Rule 1").get_by_label("Add to Names")
    names.fill("desk.example.com")
    names.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Valid")).to_be_visible()
    assert _code(lab_page, "desk.example.com") == "NOERROR"
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("region", name="What changes in the document")).to_contain_text(
        "desk.example.com"
    )
    expect(page.get_by_text("past queries would end in another way")).to_be_visible()
    page.get_by_label("Why", exact=True).fill("a quiet desk")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="desk", exact=True)).to_be_visible()
    expect(page.get_by_text("a quiet desk")).to_be_visible()
    until(lambda: _code(lab_page, "desk.example.com") == "NXDOMAIN", "the rule acts")
    stored = ask_api(lab_page, "GET", "/documents/Policy/desk")
    assert stored["last_change"]["message"] == "a quiet desk"


def test_form_and_yaml_say_the_same_and_keep_comments(
    tab: OpenTab, lab_page: LabPage, shop: None
) -> None:
    page = tab("/policies?name=shop", width=1920)
    expect(yaml_of(page)).to_contain_text("# the desk")
    page.get_by_role("radio", name="deny").check()
    expect(yaml_of(page)).to_contain_text("default: deny")
    expect(yaml_of(page)).to_contain_text("# a room of its own")
    write_yaml(page, _policy("shop", rule="three.example.com").replace("allow", "deny"))
    rule = page.get_by_role("article", name="Rule 1")
    expect(rule.get_by_text("three.example.com")).to_be_visible()
    expect(page.get_by_role("radio", name="deny")).to_be_checked()
    write_yaml(page, "kind: [")
    expect(page.get_by_text("The form comes back when the YAML can be read.")).to_be_visible()
    page.get_by_role("button", name="Take back").click()
    expect(rule.get_by_text("two.example.com")).to_be_visible()


def test_the_editor_completes_and_explains_keys_of_the_schema(tab: OpenTab, shop: None) -> None:
    page = tab("/policies?name=shop", width=1920)
    editor = yaml_of(page)
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("  blockedT")
    page.get_by_role("option", name="blockedTtl").click()
    page.keyboard.type("5m")
    expect(editor).to_contain_text("blockedTtl: 5m")
    expect(page.get_by_role("status").filter(has_text="Valid")).to_be_visible()
    editor.get_by_text("upstreams", exact=True).hover()
    expect(page.get_by_text("Names of upstreams, preferred first")).to_be_visible()


def test_a_policy_goes_back_to_an_earlier_version(
    tab: OpenTab, lab_page: LabPage, shop: None
) -> None:
    page = tab("/policies?name=shop&view=history")
    page.get_by_role("button", name=_FIRST_VERSION).click()
    difference = page.get_by_role("region", name="From version 1 to what is in force")
    expect(difference).to_contain_text("two.example.com")
    page.get_by_role("button", name="Roll back to version 1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("one.example.com")
    dialog.get_by_role("button", name="Roll back to version 1").click()
    expect(page.get_by_role("button", name="Version 3 ")).to_contain_text("back to version 1")
    assert "one.example.com" in ask_api(lab_page, "GET", "/documents/Policy/shop")["text"]
    store(lab_page, _policy("shop", rule="two.example.com"))


def test_somebody_elses_change_is_told_and_nothing_is_overwritten(
    tab: OpenTab, lab_page: LabPage
) -> None:
    store(lab_page, _policy("both", rule="one.example.com"))
    page = tab("/policies?name=both", width=1920)
    write_yaml(page, _policy("both", rule="mine.example.com"))
    expect(page.get_by_role("status").filter(has_text="Valid")).to_be_visible()
    store(lab_page, _policy("both", rule="theirs.example.com"))
    expect(page.get_by_text("Somebody else has changed this document")).to_be_visible()
    page.get_by_role("button", name="Compare with theirs").click()
    page.get_by_role("button", name="Review changes").click()
    difference = page.get_by_role("region", name="What changes in the document")
    expect(difference).to_contain_text("theirs.example.com")
    expect(difference).to_contain_text("mine.example.com")


def test_a_declared_policy_shows_its_file_and_cannot_be_changed(tab: OpenTab) -> None:
    page = tab("/policies?name=ci", width=1920)
    expect(page.get_by_text("Read-only here: a file declares this document")).to_be_visible()
    expect(page.get_by_text("Change that file; it acts within a second.")).to_be_visible()
    expect(page.get_by_role("button", name="Copy file")).to_be_visible()
    expect(yaml_of(page)).to_have_attribute("aria-readonly", "true")
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    expect(page.get_by_role("button", name="Review changes")).to_have_count(0)
    week = page.get_by_role("figure", name="Rule 2, Europe/Berlin")
    expect(week.get_by_text("Sat all day")).to_be_attached()
    expect(page.get_by_role("group", name="Default", exact=True)).to_contain_text("deny")
    rule = page.get_by_role("article", name="Rule 2")
    expect(rule.get_by_role("group", name="Only at times")).to_contain_text("Europe/Berlin")
    # Nothing that looks as if it could be changed, but the YAML, which says that it cannot.
    for role in ("radio", "checkbox", "combobox"):
        expect(page.locator("main").get_by_role(role)).to_have_count(0)
    expect(page.locator("main").get_by_role("textbox")).to_have_count(1)


def test_a_policy_is_deleted_after_a_question_and_can_come_back(
    tab: OpenTab, lab_page: LabPage
) -> None:
    store(lab_page, _policy("gone"))
    page = tab("/policies?name=gone")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Policy gone is deleted")).to_be_visible()

    def versions() -> list[bool]:
        found = ask_api(lab_page, "GET", "/documents/Policy/gone/versions")["items"]
        return [one["is_deleted"] for one in found]

    assert versions() == [True, False]
    back = "Roll back to version 1"
    page.get_by_role("button", name=back).click()
    page.get_by_role("dialog").get_by_role("button", name=back).click()
    expect(yaml_of(page)).to_contain_text("# the desk")
    assert versions() == [False, True, False]


def test_what_is_typed_is_not_lost_by_a_press_beside_it(tab: OpenTab, lab_page: LabPage) -> None:
    store(lab_page, _policy("typed"))
    page = tab("/policies?name=typed")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_role("radio", name="deny").check()
    for name in ("Log", "Policies"):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        expect(page.get_by_role("radio", name="deny")).to_be_checked()
    assert asked == ["Your changes are not applied. Leave the page and lose them?"] * 2
    page.get_by_role("button", name="Review changes").click()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("In force.", exact=True)).to_be_visible()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Log").click()
    expect(page.get_by_role("heading", name="Log")).to_be_visible()
    assert len(asked) == 2


def test_words_that_people_wrote_run_no_script(tab: OpenTab, lab_page: LabPage) -> None:
    text = _policy("words").replace("# a room of its own", f"# {_HOSTILE}")
    store(lab_page, text, _HOSTILE)
    page = tab("/policies?name=words", width=1920)
    expect(yaml_of(page)).to_contain_text(_HOSTILE)
    expect(page.get_by_text(_HOSTILE).first).to_be_visible()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("button", name=_FIRST_VERSION)).to_contain_text(_HOSTILE)
    assert page.title() != "hit"
    assert page.locator("img").count() == 0


def test_a_policy_is_changed_by_keyboard_alone(tab: OpenTab, lab_page: LabPage) -> None:
    store(lab_page, _policy("keys"))
    page = tab("/policies")
    page.get_by_role("link", name="keys").focus()
    page.keyboard.press("Enter")
    expect(yaml_of(page)).to_be_visible()
    page.get_by_role("radio", name="allow").focus()
    page.keyboard.press("ArrowRight")
    expect(yaml_of(page)).to_contain_text("default: deny")
    yaml_of(page).focus()
    page.keyboard.press("Tab")
    expect(yaml_of(page)).not_to_be_focused()
    expect(page.get_by_role("status").filter(has_text="Valid")).to_be_visible()
    page.get_by_role("button", name="Review changes").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Why", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("In force.", exact=True)).to_be_visible()
    assert "default: deny" in ask_api(lab_page, "GET", "/documents/Policy/keys")["text"]


@pytest.mark.parametrize(
    "path", ["/policies", "/policies?name=shop", "/policies?name=ci", "/policies?new=1"]
)
def test_policies_can_be_used_by_everybody(tab: OpenTab, shop: None, path: str) -> None:
    def ready(page: Page) -> Locator:
        if path == "/policies":
            return page.get_by_role("link", name="shop")
        return page.get_by_role("heading", name="Who", exact=True)

    check_access(tab, path, ready)


def test_versions_can_be_read_by_everybody(tab: OpenTab, shop: None) -> None:
    path = "/policies?name=shop&view=history"
    check_access(tab, path, lambda page: page.get_by_role("button", name=_FIRST_VERSION))


def test_what_nobody_has_filled_in_yet_is_no_error_before_it_is_left_or_applied(
    tab: OpenTab, shop: None
) -> None:
    page = tab("/policies?name=shop")
    expect(page.get_by_role("article", name="Rule 1")).to_be_visible()
    page.get_by_role("button", name="Allow names").click()
    status = page.get_by_role("status")
    expect(status.filter(has_text="Not finished")).to_be_visible()
    rule = page.get_by_role("article", name="Rule 2")
    expect(rule).not_to_contain_text("give at least one")
    rule.get_by_label("Add to Names").click()
    page.get_by_role("heading", name="shop").click()
    expect(rule).to_contain_text("empty; give at least one")
    expect(status.filter(has_text="1 error")).to_be_visible()
    page.get_by_role("button", name="Take out Rule 2").click()
    page.get_by_role("button", name="Allow names").click()
    expect(status.filter(has_text="Not finished")).to_be_visible()
    page.get_by_role("button", name="Review changes").click()
    expect(rule).to_contain_text("empty; give at least one")


def test_services_search_dnssec_and_quarantine_have_fields_beside_the_yaml(
    tab: OpenTab, shop: None
) -> None:
    page = tab("/policies?name=shop", width=1920)
    services = page.get_by_role("group", name="Services to block")
    box = services.get_by_label("Add to Services to block")
    wanted = box.get_by_role("option").nth(3).inner_text()
    box.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Tab", "Enter"):
        page.keyboard.press(key)
    search = page.get_by_role("group", name="Safe search")
    search.get_by_label("Add to Safe search").select_option("all")
    search.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("group", name="YouTube").get_by_role("radio", name="strict").check()
    page.get_by_role("group", name="DNSSEC validation").get_by_role("radio", name="log").check()
    expect(page.get_by_label("Quarantine")).to_have_count(0)
    page.get_by_role("group", name="Tunnels").get_by_role("radio", name="enforce").check()
    page.get_by_label("Quarantine").fill("1d")
    for line in (f"services: [{wanted}]", "safeSearch: [all]", "youtube: strict", "quarantine: 1d"):
        expect(yaml_of(page)).to_contain_text(line)
    expect(yaml_of(page)).to_contain_text("validate: log")
    rule = page.get_by_role("article", name="Rule 1")
    rule.get_by_label("Add the names of a service").select_option("roblox")
    rule.get_by_role("button", name="Add", exact=True).click()
    expect(rule.get_by_text("*.roblox.com")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Valid")).to_be_visible()


def test_advice_calls_a_document_by_kind_and_name(tab: OpenTab, shop: None) -> None:
    page = tab("/policies?new=1&view=review")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Name", exact=True).fill("kids")
    subjects = page.get_by_label("Add to Subjects")
    subjects.fill("spiffe://keyhole.lab/ns/shop/*")
    subjects.press("Enter")
    page.get_by_label("Name", exact=True).click()
    there = page.get_by_role("listitem").filter(has_text="one subject has one policy")
    expect(there.first).to_be_visible()
    expect(page.get_by_role("main")).not_to_contain_text("stored/")
