"""Clients: enrolled through the wizard, seen, explained, and revoked with every engine's word."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dns.message
from playwright.sync_api import Dialog, Locator, Page, Route, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.callers import Caller, line
from tests.world.page import PASSWORD, LabPage, expect_path
from tests.world.process import run_keyhole
from tests.world.tools import needs, run

ID = "spiffe://keyhole.lab/ns/shop/sa/"
HOSTILE = "<img src=x onerror=alert(1)>.example.org"


def _row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name))


def _kdig(lab_page: LabPage, folder: Path, name: str) -> str:
    """What kdig says with the certificate of a client."""
    asked = run(
        "kdig",
        "@127.0.0.1",
        "-p",
        str(lab_page.lab.server.dot),
        "+tls",
        f"+tls-certfile={folder / 'svid.pem'}",
        f"+tls-keyfile={folder / 'svid-key.pem'}",
        "+retry=0",
        name,
    )
    return asked.stdout + asked.stderr


def _redeem(page: Page, out: Path) -> None:
    """Runs the command of the page with the token of the page."""
    token = page.locator("code", has_text="khe1.").inner_text()
    command = page.locator("code", has_text="keyhole enroll redeem").inner_text().split()
    assert command == ["keyhole", "enroll", "redeem", "--out", "/etc/keyhole"]
    done = run_keyhole(*command[1:-1], str(out), given=token)
    assert done.returncode == 0, done.stderr


@needs("kdig")
def test_a_client_is_enrolled_by_the_wizard_seen_revoked_and_refused(
    tab: OpenTab, lab_page: LabPage, tmp_path: Path
) -> None:
    page = tab("/clients")
    page.get_by_role("link", name="Add a client").click()
    page.get_by_role("radio", name="A server, workload or container").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Name").fill("shop/till")
    expect(page.get_by_text(f"{ID}till")).to_be_visible()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Enroll shop/till")).to_be_focused()
    expect(page.get_by_text("Waiting for its first query")).to_be_visible()
    _redeem(page, tmp_path / "till")
    expect(page.get_by_text("It has its certificate. Now it has to ask.")).to_be_visible()
    assert "NOERROR" in _kdig(lab_page, tmp_path / "till", "www.example.org")
    expect(page.get_by_role("status").get_by_text("It has asked")).to_be_visible()
    page.get_by_role("link", name="Show this client").click()
    expect(page.get_by_role("heading", name="shop/till")).to_be_visible()
    expect(page.get_by_text("it lies below spiffe://keyhole.lab/*")).to_be_visible()
    expect(page.get_by_role("table", name="Certificates")).to_contain_text("Good")

    page.get_by_role("button", name="Revoke", exact=True).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("it was stolen")
    dialog.get_by_role("button", name="Revoke").click()
    expect(dialog.get_by_role("listitem")).to_have_text("local has the change")
    assert "NOERROR" not in _kdig(lab_page, tmp_path / "till", "www.example.org")
    dialog.get_by_role("button", name="Close").last.click()
    expect(page.get_by_text("Revoked").first).to_be_visible()
    expect(page.get_by_role("table", name="Certificates")).to_contain_text("Revoked")

    page.get_by_role("button", name="Take the revocation back").click()
    page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_text("local has the change")
    assert "NOERROR" in _kdig(lab_page, tmp_path / "till", "www.example.org")


def test_everybody_who_asks_is_listed_with_the_policy_that_applies(tab: OpenTab) -> None:
    page = tab("/clients?range=1h")
    table = page.get_by_role("table", name="Clients")
    expect(_row(page, "shop/payments certificate")).to_contain_text("payments")
    expect(_row(page, "shop/payments certificate")).to_contain_text("Encrypted and authenticated")
    expect(_row(page, "127.0.0.1")).to_contain_text("network alone")
    expect(_row(page, "127.0.0.1")).to_contain_text("Not protected")
    expect(table).to_contain_text("anonymous (tv)")
    page.get_by_label("Find a client").fill("payments")
    # Its head is the one row that is left without the text.
    expect(table.get_by_role("row").filter(has_not_text="payments")).to_have_count(1)
    expect_path(page, "/clients?range=1h&contains=payments")
    page.get_by_role("link", name="shop/payments certificate").click()
    expect(page.get_by_role("heading", name="shop/payments")).to_be_visible()
    expect(page.get_by_text(f"the policy names {ID}payments itself")).to_be_visible()
    expect(page.get_by_role("link", name="payments", exact=True)).to_have_attribute(
        "href", "/policies?name=payments"
    )
    log = f"/log?client={quote(f'{ID}payments', safe='')}&client_kind=identity&range=1h"
    expect(page.get_by_role("link", name="Queries").first).to_have_attribute("href", log)


def test_the_wizard_needs_no_mouse_and_gives_a_device_its_profile(tab: OpenTab) -> None:
    page = tab("/clients/enroll")
    expect(page.get_by_role("radio", name="iPhone, iPad or Mac")).to_be_enabled()
    expect(page.get_by_role("radio", name="Android 9 or newer")).to_be_disabled()
    expect(page.get_by_text("Android asks at port 853 alone")).to_be_visible()
    page.get_by_role("radio", name="A server, workload or container").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="iPhone, iPad or Mac")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What is it called?")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("kitchen-tablet")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Set up kitchen-tablet")).to_be_focused()
    page.keyboard.press("Tab")
    save = page.get_by_role("button", name="Download keyhole.mobileconfig")
    expect(save).to_be_focused()
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    profile = Path(waiting.value.path()).read_text()
    address = page.locator("code", has_text="https://").first.inner_text()
    assert waiting.value.suggested_filename == "keyhole.mobileconfig"
    assert address in profile
    # This device takes the profile: it has no field for the address alone.
    expect(page.get_by_role("button", name="Show the address as QR code")).to_be_hidden()


def test_a_token_is_refused_once_it_is_revoked(tab: OpenTab, lab_page: LabPage) -> None:
    page = tab("/clients/enroll")
    page.get_by_role("radio", name="Another device or program").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Name").fill("guest-phone")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("button", name="Show the address as QR code").press("Enter")
    expect(page.get_by_role("img", name="DoH address as a QR code")).to_be_visible()
    address = page.locator("code", has_text="https://").first.inner_text()
    expect(page.get_by_text("No policy applies: every query is refused.")).to_be_visible()
    wanted = "/policies?new=1&for=token%3Aguest-phone"
    expect(page.get_by_role("link", name="Make a policy for it")).to_have_attribute("href", wanted)
    phone = Caller(token=address.rpartition("/")[2])
    assert _ask(lab_page, phone) == "REFUSED"
    page.goto(f"/clients?client={quote('token:guest-phone')}")
    page.get_by_role("button", name="Revoke the token").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_text("local has the change")
    assert _ask(lab_page, phone) == "REFUSED"
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    credentials = page.get_by_role("region", name="Credentials")
    expect(credentials).to_contain_text("Revoked")
    expect(page.get_by_role("button", name="Revoke the token")).to_be_hidden()
    page.get_by_role("link", name="Make a policy for it").click()
    expect(page.get_by_role("textbox", name="YAML")).to_contain_text("token:guest-phone")


def _ask(lab_page: LabPage, who: Caller) -> str:
    with line(lab_page.lab.server, "doh2", who) as ask:
        return ask(dns.message.make_query("www.example.org", "A", use_edns=0)).rcode


def test_a_name_that_is_taken_is_said_at_its_place_and_can_be_replaced(tab: OpenTab) -> None:
    page = tab("/clients/enroll")
    _create(page, "shop/twice")
    expect(page.get_by_role("heading", name="Enroll shop/twice")).to_be_visible()
    page.get_by_role("button", name="Add another one").click()
    _create(page, "shop/twice")
    expect(_problem(page)).to_contain_text("waiting already")
    page.get_by_label("Replace the one that is there").check()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Enroll shop/twice")).to_be_visible()
    page.goto("/clients")
    page.get_by_role("button", name="Cancel the enrollment of shop/twice").click()
    expect(page.get_by_text("shop/twice")).to_be_hidden()


def _create(page: Page, name: str) -> None:
    page.get_by_role("radio", name="A server, workload or container").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create").click()


def _problem(page: Page) -> Locator:
    return page.get_by_role("alert")


def test_no_secret_is_in_an_address_or_kept_when_the_wizard_is_left(tab: OpenTab) -> None:
    page = tab("/clients/enroll")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("radio", name="Another device or program").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Name").fill("quiet-phone")
    page.get_by_role("button", name="Create").click()
    secret = page.locator("code", has_text="https://").first.inner_text().rpartition("/")[2]
    assert len(secret) == 32
    # It cannot be shown again, and nothing has used it: the page asks first.
    questions: list[str] = []

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.message)
        (dialog.accept if len(questions) == 2 else dialog.dismiss)()

    page.on("dialog", answer)
    page.get_by_role("link", name="All clients").click()
    expect(page.locator("code", has_text=secret).first).to_be_visible()
    page.get_by_role("link", name="All clients").click()
    expect(page.get_by_role("table", name="Clients")).to_contain_text("quiet-phone")
    assert len(questions) == 2
    assert secret not in page.url
    assert all(secret not in one for one in asked)
    stored = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
    assert secret not in stored
    page.go_back()
    expect(page.get_by_role("heading", name="What is it?")).to_be_visible()
    assert secret not in page.content()


def test_hostile_names_are_text(tab: OpenTab, lab_page: LabPage) -> None:
    lab_page.lab.server.ask(HOSTILE.replace(" ", "\\032").replace("(", "\\(").replace(")", "\\)"))
    page = tab("/clients?client=127.0.0.1&range=15m")
    expect(page.get_by_text("<img", exact=False)).to_be_visible()
    page.get_by_role("link", name="All clients").click()
    page.get_by_label("Find a client").fill("<script>alert(1)</script>")
    expect(page.get_by_text("No client matches")).to_be_visible()
    page.goto(f"/clients?client={quote('<script>alert(1)</script>')}")
    expect(_problem(page)).to_contain_text("is no client")
    page.goto(f"/clients?client={quote('token:<b>bold</b>')}")
    expect(page.get_by_text("there is no such token: refused")).to_be_visible()
    assert page.locator("main b, main img, main script").count() == 0


def _viewer(lab_page: LabPage, tab: OpenTab) -> Page:
    """A tab of somebody who may only look."""
    admin = tab("/clients")
    headers = {"x-keyhole-request": "test", "origin": lab_page.url}

    def send(context: Any, method: str, path: str, body: object) -> Any:
        answer = context.request.fetch(
            f"/api/v1{path}",
            method=method,
            data=json.dumps(body),
            headers={**headers, "content-type": "application/json"},
        )
        assert answer.ok, answer.text()
        return answer.json() if answer.body() else None

    made = send(admin.context, "POST", "/people", {"name": "vera", "role": "viewer"})
    page = tab("/", signed_in=False)
    login = {"name": "vera", "password": made["password"]}
    send(page.context, "POST", "/session", login)
    send(page.context, "PUT", "/session/password", {"current": None, "new": PASSWORD})
    return page


def test_a_viewer_sees_clients_and_nothing_that_changes_them(
    tab: OpenTab, lab_page: LabPage
) -> None:
    page = _viewer(lab_page, tab)
    page.goto("/clients?range=1h")
    expect(_row(page, "shop/web certificate")).to_be_visible()
    expect(page.get_by_role("link", name="Add a client")).to_be_hidden()
    page.get_by_role("link", name="shop/web certificate").click()
    expect(page.get_by_role("table", name="Certificates")).to_be_visible()
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
    page.goto("/clients/enroll")
    expect(page.get_by_text("This needs the role administrator.")).to_be_visible()


def test_the_list_can_be_used_by_everybody(tab: OpenTab) -> None:
    check_access(tab, "/clients?range=1h", lambda page: _row(page, "shop/web certificate"))


def test_one_client_can_be_used_by_everybody(tab: OpenTab) -> None:
    path = f"/clients?client={quote(f'{ID}web', safe='')}&range=1h"
    check_access(tab, path, lambda page: page.get_by_role("table", name="Certificates"))


def test_the_wizard_can_be_used_by_everybody(tab: OpenTab) -> None:
    ready = "iPhone, iPad or Mac"
    check_access(tab, "/clients/enroll", lambda page: page.get_by_role("radio", name=ready))


def test_a_client_is_put_in_quarantine_with_a_reason_and_let_out(
    tab: OpenTab, lab_page: LabPage
) -> None:
    page = tab(f"/clients?client={quote(ID + 'web')}")
    page.get_by_role("button", name="Put in quarantine").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Put in quarantine").click()
    expect(dialog).to_contain_text("Give a reason")
    dialog.get_by_role("radio", name="7 days").check()
    dialog.get_by_label("Reason").fill("names full of data")
    dialog.get_by_role("button", name="Put in quarantine").click()
    expect(dialog).to_contain_text("Every engine refuses it.")
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    note = page.get_by_role("region", name="In quarantine")
    expect(note).to_contain_text("names full of data")

    page.goto("/clients")
    expect(_row(page, "shop/web").filter(has_text="Quarantine")).to_be_visible()
    check_access(tab, "/clients", lambda page: page.get_by_role("table", name="In quarantine"))

    page.goto("/findings")
    held = page.get_by_role("table", name="In quarantine")
    expect(held.get_by_role("row").last).to_contain_text("names full of data")
    held.get_by_role("button", name="Lift the quarantine of shop/web").click()
    dialog.get_by_role("button", name="Lift the quarantine").click()
    expect(dialog).to_contain_text("Lifted, in every engine.")
    expect(held).to_have_count(0)
    data = str(Path(lab_page.lab.ready["data"]) / "resolver")
    assert not json.loads(run_keyhole("quarantine", "list", "--json", "--data", data).stdout)


def test_a_revocation_under_way_keeps_its_dialog(tab: OpenTab) -> None:
    page = tab(f"/clients?client={quote(ID + 'payments')}")
    held: list[Route] = []
    page.route("**/api/v1/identities/revoke", lambda route: held.append(route))
    page.get_by_role("button", name="Revoke", exact=True).first.click()
    dialog = page.get_by_role("dialog")
    with page.expect_request("**/api/v1/identities/revoke"):
        dialog.get_by_role("button", name="Revoke", exact=True).click()
    page.keyboard.press("Escape")
    expect(dialog.get_by_role("status")).to_contain_text("It is under way.")
    held[0].fulfill(json={"changed": 0, "notes": [], "engines": []})
    expect(dialog).to_contain_text("nothing changed")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
