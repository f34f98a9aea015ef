"""What surrounds every page: signing in, navigation, search, pause, theme, a lost connection."""

import json
import re
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.page import PASSWORD, LabPage, expect_path
from tests.world.process import run_keyhole


def _sign_in(page: Page, password: str) -> None:
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def _panel_link(lab_page: LabPage) -> str:
    output = lab_page.lab.program.output
    found: list[str] = re.findall(r"\S+/#link=\S+", output)
    assert len(set(found)) == 1, "a second link would end the first one"
    return found[0].removeprefix(lab_page.url)


def test_the_link_in_the_panel_of_the_lab_signs_in_once(tab: OpenTab) -> None:
    link = _panel_link(tab.lab_page)
    asked: list[str] = []
    page = tab("about:blank", signed_in=False)
    page.on("request", lambda request: asked.append(request.url + str(request.headers)))
    page.goto(f"{tab.lab_page.url}{link}")
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    expect(page.get_by_label("New password", exact=True)).to_be_focused()
    expect_path(page, "/")
    assert "#" not in page.url
    secret = link.partition("=")[2]
    assert not [one for one in asked if secret in one], "only the body of one request has it"
    again = tab(link, signed_in=False)
    expect(again.get_by_role("heading", name="This link does not sign in")).to_be_visible()
    expect(again.get_by_role("alert")).to_contain_text("this link was used before")
    again.get_by_role("button", name="Sign in with a password").click()
    expect(again.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_first_sign_in_asks_for_a_password_and_then_shows_the_page(tab: OpenTab) -> None:
    lab_page = tab.lab_page
    page = tab("/?range=1h", signed_in=False)
    expect(page.get_by_label("Name")).to_be_focused()
    _sign_in(page, "wrong wrong wrong")
    expect(page.get_by_role("alert")).to_contain_text("Not authenticated")
    _sign_in(page, lab_page.first_password())
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_label("New password, again").fill("short")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("At least 12 characters.")).to_be_visible()
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password, again").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect_path(page, "/?range=1h")
    lab_page.keep_session(page.context)


def test_a_link_still_asks_for_the_second_factor(tab: OpenTab, lab_page: LabPage) -> None:
    ask = tab("/").context.request
    headers = {"x-keyhole-request": "test", "origin": lab_page.url}

    def post(path: str, **data: str) -> Any:
        answer = ask.post(f"/api/v1/session/second-factor{path}", data=data, headers=headers)
        assert answer.ok, answer.text()
        return answer.json() if answer.body() else None

    secret = post("", password=PASSWORD)["secret"]
    codes = post("/confirm", code=pyotp.TOTP(secret).now())["recovery_codes"]
    data = str(Path(lab_page.lab.ready["data"]) / "resolver")
    made = json.loads(run_keyhole("people", "link", "admin", "--json", "--data", data).stdout)
    page = tab(made["url"].removeprefix(lab_page.url), signed_in=False)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    expect(page.get_by_label("Code")).to_be_focused()
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    post("/disable", password=PASSWORD, code=codes[1])


def test_signing_out_ends_the_session_in_control_too(tab: OpenTab) -> None:
    page = tab("/", signed_in=False)
    _sign_in(page, PASSWORD)
    cookies = page.context.cookies()
    page.get_by_role("button", name="Account of admin").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_signing_in_can_be_done_by_everybody(tab: OpenTab) -> None:
    check_access(
        tab, "/", lambda page: page.get_by_role("heading", name="Sign in"), signed_in=False
    )


def test_a_refused_link_can_be_read_by_everybody(tab: OpenTab) -> None:
    check_access(
        tab,
        "/#link=wrong",
        lambda page: page.get_by_text("there is no such link"),
        signed_in=False,
    )


def test_an_address_that_leads_nowhere_says_so(tab: OpenTab) -> None:
    page = tab("/no/such/page")
    expect(page.get_by_text("There is no such page")).to_be_visible()
    page.get_by_role("link", name="To the overview").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_the_theme_is_kept_and_has_no_flash_of_the_other_one(tab: OpenTab) -> None:
    page = tab("/")
    page.get_by_role("button", name="Account of admin").click()
    page.get_by_role("menuitemradio", name="Dark").click()
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(ground) == "rgb(14, 17, 21)"
    page.reload(wait_until="commit")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_blocking_is_paused_and_resumed_in_the_header(tab: OpenTab) -> None:
    page = tab("/")
    page.get_by_role("button", name="Blocking is on").click()
    page.get_by_role("menuitem", name="5 minutes").click()
    paused = page.get_by_role("button", name="Paused until")
    expect(paused).to_be_visible()
    paused.click()
    page.get_by_role("menuitem", name="Resume now").click()
    expect(page.get_by_role("button", name="Blocking is on")).to_be_visible()


def test_pages_are_found_by_keyboard(tab: OpenTab) -> None:
    page = tab("/no/such/page")
    expect(page.get_by_role("button", name="Search")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("overv")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_the_search_finds_clients_rules_lists_and_names_in_groups(tab: OpenTab) -> None:
    page = tab("/no/such/page")
    expect(page.get_by_role("button", name="Search")).to_be_visible()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox")

    def found(group: str) -> Locator:
        return page.get_by_role("group", name=group).get_by_role("option")

    for typed, group, label in (
        ("shop/pay", "Clients", "shop/payments"),
        ("gateway", "Rules", "gateway.payments.example"),
        ("ads", "Lists", "ads"),
        ("printer", "Records", "printer"),
        ("forw", "Upstreams", "forwarder"),
        ("polic", "Pages", "Policies"),
        ("second factor", "Settings", "Account"),
    ):
        field.fill(typed)
        expect(found(group).filter(has_text=label).first).to_be_visible()
    field.fill("<b>x</b>")
    expect(found("Names")).to_have_text(["Queries for <b>x</b> in the log"])
    field.fill("tracker.example.net")
    expect(found("Names")).to_have_count(2)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Lists", exact=True)).to_be_visible()
    expect_path(page, "/lists?search=tracker.example.net")


def test_a_lost_connection_is_said_and_comes_back_by_itself(
    tab: OpenTab, lab_page: LabPage
) -> None:
    tab.watch.allow("ERR_")
    page = tab("/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text("Control does not answer")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("Control does not answer")).to_be_hidden()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    lab_page.lab.program.must_run()


@pytest.mark.parametrize("width", [390, 1024])
def test_the_first_stop_of_the_keyboard_leads_to_the_content(tab: OpenTab, width: int) -> None:
    page = tab("/", width=width)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_the_first_load_comes_from_this_server_alone(tab: OpenTab) -> None:
    page = tab("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{tab.lab_page.url}/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert asked
    assert all(one.startswith((f"{tab.lab_page.url}/", "data:")) for one in asked)
