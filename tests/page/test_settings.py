"""Settings of a person, and those of the file: password, second factor, sessions, network, log."""

import pytest
from playwright.sync_api import Page, expect

from keyhole import __version__
from tests.page.conftest import OpenTab, check_access
from tests.world.page import PASSWORD, LabPage
from tests.world.page_people import code_of, sign_in, tab_of

HOSTILE = "<img src=x onerror=document.title='hit'>"
FRESH = "another fine long password"


def _change_password(page: Page, current: str, fresh: str, again: str) -> None:
    page.get_by_label("Current password").fill(current)
    page.get_by_label("New password", exact=True).fill(fresh)
    page.get_by_label("New password, again").fill(again)
    page.get_by_role("button", name="Change the password").click()


def test_the_account_menu_leads_to_the_own_account(tab: OpenTab) -> None:
    page = tab("/")
    page.get_by_role("button", name="Account of admin").click()
    page.get_by_role("menuitem", name="Password and second factor").click()
    expect(page.get_by_role("heading", name="Account")).to_be_visible()
    expect(page.get_by_role("region", name="You", exact=True)).to_contain_text("Administrator")
    expect(page.get_by_role("table", name="Your sessions")).to_contain_text("this one")


def test_a_refused_password_is_explained_at_its_field_and_a_good_one_counts(
    tab: OpenTab,
) -> None:
    tab.watch.allow("status of 400")
    page = tab_of(tab, "paula", "viewer")
    fresh = page.get_by_label("New password", exact=True)
    _change_password(page, "not the password", FRESH, FRESH)
    current = page.get_by_label("Current password")
    expect(current).to_have_accessible_description("The current password is wrong.")
    _change_password(page, PASSWORD, FRESH, "something else")
    again = page.get_by_label("New password, again")
    expect(again).to_have_accessible_description("The two differ.")
    _change_password(page, PASSWORD, "I am paula, the fine one", "I am paula, the fine one")
    expect(fresh).to_have_accessible_description(
        "The password contains the name of the account; take another one."
    )
    _change_password(page, PASSWORD, "short", "short")
    expect(fresh).to_have_accessible_description(
        "The password is too short; take at least 12 characters."
    )
    _change_password(page, PASSWORD, FRESH, FRESH)
    expect(page.get_by_text("Changed. All other sessions have ended.")).to_be_visible()
    other = tab("/settings", signed_in=False)
    sign_in(other, "paula", FRESH)
    expect(other.get_by_role("heading", name="Account")).to_be_visible()


def test_a_second_factor_is_turned_on_and_needed_to_sign_in(tab: OpenTab) -> None:
    page = tab_of(tab, "fay", "operator")
    panel = page.get_by_role("region", name="Second factor")
    panel.get_by_role("button", name="Turn on").click()
    panel.get_by_label("Password").fill("not the password")
    panel.get_by_role("button", name="Next").click()
    expect(panel.get_by_label("Password")).to_have_accessible_description("The password is wrong.")
    panel.get_by_label("Password").fill(PASSWORD)
    panel.get_by_role("button", name="Next").click()
    expect(panel.get_by_role("img", name="as a QR code")).to_be_visible()
    secret = panel.locator("code").inner_text()
    panel.get_by_label("Code").fill("000000")
    panel.get_by_role("button", name="Confirm").click()
    expect(panel.get_by_label("Code")).to_have_accessible_description(
        "The code is wrong. Check the clock of the device."
    )
    panel.get_by_label("Code").fill(code_of(secret))
    panel.get_by_role("button", name="Confirm").click()
    codes = panel.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    expect(codes).to_have_count(10)
    recovery = codes.first.inner_text()
    expect(panel.get_by_role("heading", name="Keep these recovery codes")).to_be_focused()
    panel.get_by_role("button", name="I have kept them").click()
    expect(panel).to_contain_text("Signing in needs your password and a code")
    assert secret not in page.content()

    other = tab("/settings", signed_in=False)
    sign_in(other, "fay", PASSWORD)
    other.get_by_label("Code").fill(code_of(secret, later=1))
    other.get_by_role("button", name="Sign in").click()
    panel = other.get_by_role("region", name="Second factor")
    panel.get_by_role("button", name="Turn off").click()
    panel.get_by_label("Password").fill(PASSWORD)
    panel.get_by_label("Code").fill("000000")
    panel.get_by_role("button", name="Turn off").click()
    expect(panel.get_by_label("Code")).to_have_accessible_description(
        "The code is wrong, or was used before."
    )
    panel.get_by_label("Code").fill(recovery)
    panel.get_by_role("button", name="Turn off").click()
    expect(panel.get_by_role("button", name="Turn on")).to_be_visible()


def test_a_session_elsewhere_is_ended_and_its_program_is_text(
    tab: OpenTab, lab_page: LabPage
) -> None:
    page = tab_of(tab, "sina", "viewer")
    with lab_page.context(user_agent=HOSTILE) as context:
        other = context.new_page()
        other.goto("/")
        sign_in(other, "sina", PASSWORD)
        expect(other.get_by_role("heading", name="Overview")).to_be_visible()
        page.reload()
        row = page.get_by_role("row").filter(has_text=HOSTILE)
        expect(row).to_contain_text("127.0.0.1")
        row.get_by_role("button", name="End").click()
        page.get_by_role("dialog").get_by_role("button", name="End").click()
        expect(row).to_have_count(0)
        other.reload()
        expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.locator("main img").count() == 0


def test_settings_of_the_file_are_shown_with_what_to_write(tab: OpenTab) -> None:
    page = tab("/settings/network-and-log")
    reach = page.get_by_role("region", name="Who may reach this page", exact=True)
    setting = reach.locator(".setting").filter(has_text="api.clients")
    expect(setting).to_contain_text("Networks that may use the API")
    expect(setting).to_contain_text("127.0.0.0/8")
    log = page.get_by_role("region", name="Query log and history", exact=True)
    log.get_by_text("As it is written in the file").click()
    expect(log.get_by_role("region")).to_contain_text("retention: ")
    expect(page.get_by_role("region", name="What policies log")).to_contain_text("tv")


def test_about_says_the_version_and_gives_a_text_for_a_report(tab: OpenTab) -> None:
    page = tab("/settings/about")
    expect(page.get_by_role("region", name="This Keyhole")).to_contain_text(
        f"Keyhole {__version__}"
    )
    expect(page.get_by_role("table", name="Engines")).to_contain_text("in force")
    expect(page.get_by_role("region", name="The text to copy")).to_contain_text("engine: local")
    page.goto("/settings/nothing")
    expect(page.get_by_text("There is no such page")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "ready"),
    [
        ("account", "this one"),
        ("network-and-log", "api.clients"),
        ("unlogged", "Every name is logged"),
        ("about", "in force"),
    ],
)
def test_they_can_be_used_by_everybody(tab: OpenTab, path: str, ready: str) -> None:
    check_access(tab, f"/settings/{path}", lambda page: page.get_by_text(ready, exact=True).first)
