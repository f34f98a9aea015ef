"""Settings of administrators: people, tokens, the audit trail, and documents out and in."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.page import PASSWORD, expect_path
from tests.world.page_documents import ask_api, store
from tests.world.page_people import sign_in, tab_of

HOSTILE = "<img src=x onerror=document.title='hit'>"


def _record(name: str, address: str) -> str:
    return (
        f"apiVersion: keyhole.dev/v1\nkind: Record\nmetadata:\n  name: {name}\nspec:\n"
        f"  name: {name}.example.org\n  a: [{address}]\n"
    )


def _row(page: Page, table: str, name: str) -> Locator:
    return (
        page.get_by_role("table", name=table, exact=True).get_by_role("row").filter(has_text=name)
    )


def _pick(page: Page, name: str, action: str) -> None:
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name=action, exact=True).click()


def test_a_person_is_added_signs_in_changes_role_and_is_removed(tab: OpenTab) -> None:
    tab.watch.allow("status of 400")
    page = tab("/settings/people")
    page.get_by_role("button", name="Add a person").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("<img src=x>")
    dialog.get_by_role("button", name="Add a person").click()
    expect(dialog).to_contain_text("'<img src=x>' is not a valid name")
    dialog.get_by_label("Name").fill("anna")
    dialog.get_by_role("radio", name="Operator").check()
    dialog.get_by_role("button", name="Add a person").click()
    once = page.get_by_role("region", name="One-time password of anna")
    password = once.locator("code").inner_text()
    once.get_by_role("button", name="Put it away").click()
    expect(_row(page, "People", "anna")).to_contain_text("one-time password")
    assert password not in page.content()

    other = tab("/settings/account", signed_in=False)
    sign_in(other, "anna", password)
    other.get_by_label("New password", exact=True).fill(PASSWORD)
    other.get_by_label("New password, again").fill(PASSWORD)
    other.get_by_role("button", name="Set the password").click()
    expect(other.get_by_role("region", name="You", exact=True)).to_contain_text("Operator")

    _pick(page, "anna", "Change the role")
    dialog.get_by_role("radio", name="Viewer").check()
    dialog.get_by_role("button", name="Change the role").click()
    expect(_row(page, "People", "anna")).to_contain_text("Viewer")
    expect(_row(page, "Sessions", "anna")).to_contain_text("127.0.0.1")
    _pick(page, "anna", "Remove")
    dialog.get_by_role("button", name="Remove").click()
    expect(_row(page, "People", "anna")).to_have_count(0)
    other.reload()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_last_administrator_stays_and_the_question_says_why(tab: OpenTab) -> None:
    page = tab("/settings/people")
    _pick(page, "admin", "Disable")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Disable").click()
    expect(dialog.get_by_role("alert")).to_contain_text("administrator")
    page.keyboard.press("Escape")
    expect(_row(page, "People", "admin")).not_to_contain_text("disabled")


def test_a_token_works_for_a_program_until_it_is_revoked(tab: OpenTab) -> None:
    page = tab("/settings/tokens")
    expect(page.get_by_text("No API tokens yet")).to_be_visible()
    page.get_by_role("button", name="Create a token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("backup")
    dialog.get_by_label("Networks").fill("127.0.0.1/33")
    dialog.get_by_role("button", name="Create a token").click()
    networks = dialog.get_by_label("Networks")
    expect(networks).to_have_attribute("aria-invalid", "true")
    networks.fill("127.0.0.0/8, ::1/128")
    dialog.get_by_role("button", name="Create a token").click()
    once = page.get_by_role("region", name="Token backup")
    secret = once.locator("code").inner_text()
    assert secret.startswith("khp_")
    program = tab("about:blank", signed_in=False).context.request
    headers = {"authorization": f"Bearer {secret}"}
    status = f"{tab.lab_page.url}/api/v1/status"
    assert program.get(status, headers=headers).status == 200

    page.reload()
    assert secret not in page.content()
    row = _row(page, "Tokens", "backup")
    expect(row).to_contain_text("Viewer")
    row.get_by_role("button", name="Revoke the token backup").click()
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No API tokens yet")).to_be_visible()
    assert program.get(status, headers=headers).status == 401


def test_a_viewer_sees_the_own_account_and_no_administration(tab: OpenTab) -> None:
    page = tab_of(tab, "vera", "viewer")
    pages = page.get_by_role("navigation", name="Settings")
    expect(pages.get_by_role("link", name="Account")).to_be_visible()
    expect(pages.get_by_role("link", name="People")).to_have_count(0)
    page.goto("/settings/people")
    expect(page.get_by_text("This page needs the role administrator.")).to_be_visible()


def test_the_audit_trail_shows_what_was_done_and_its_chain_is_verified(tab: OpenTab) -> None:
    store(tab.lab_page, _record("shop", "192.0.2.1"), "the first")
    store(tab.lab_page, _record("shop", "192.0.2.2"), HOSTILE)
    page = tab("/settings/audit")
    table = page.get_by_role("table", name="Audit trail")
    newest = table.get_by_role("row").nth(1)
    expect(newest).to_contain_text("Record/shop")
    expect(newest).to_contain_text(HOSTILE)
    newest.get_by_role("link").click()
    dialog = page.get_by_role("dialog", name="Documents applied")
    expect(dialog).to_contain_text(HOSTILE)
    difference = dialog.get_by_role("region", name="Difference")
    expect(difference).to_contain_text("-  a: [192.0.2.1]")
    expect(difference).to_contain_text("+  a: [192.0.2.2]")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("combobox", name="Action").select_option("Login")
    expect(table).not_to_contain_text("Record/shop")
    expect_path(page, "/settings/audit?action=login")
    page.get_by_role("searchbox", name="Name, exactly").fill(HOSTILE)
    page.keyboard.press("Enter")
    expect(page.get_by_text("No entry matches")).to_be_visible()
    page.get_by_role("button", name="Verify the chain").click()
    expect(page.get_by_text("entries are intact.")).to_be_visible()
    assert page.locator("main img").count() == 0


def test_documents_are_exported_and_imported_with_a_preview(tab: OpenTab) -> None:
    store(tab.lab_page, _record("till", "192.0.2.1"))
    page = tab("/settings/documents")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Export all documents").click()
    exported = Path(waiting.value.path()).read_text()
    assert waiting.value.suggested_filename == "keyhole-documents.yaml"
    assert "name: till" in exported

    text = page.get_by_label("Or paste YAML")
    look = page.get_by_role("button", name="Show what would change")
    text.fill(_record("till", "192.0.2.999"))
    look.click()
    errors = page.get_by_role("region", name="Errors")
    expect(errors).to_contain_text("192.0.2.999")
    expect(errors).to_contain_text("Record/till")
    errors.get_by_role("button", name="Line").click()
    expect(text).to_be_focused()
    expect(page.get_by_role("button", name="Apply")).to_have_count(0)

    changed = exported.replace("192.0.2.1]", "192.0.2.2]") + "---\n" + _record("new", "192.0.2.3")
    file = {"name": "all.yaml", "mimeType": "application/yaml", "buffer": changed.encode()}
    page.get_by_label("File", exact=True).set_input_files(file)  # type: ignore[arg-type]
    look.click()
    preview = page.get_by_role("list", name="What would change")
    expect(preview.get_by_role("listitem").filter(has_text="Record/new")).to_contain_text("new")
    expect(page.get_by_text("because a file of this Keyhole declares the same")).to_be_visible()
    preview.get_by_text("Record/till").click()
    expect(page.get_by_role("region", name="Record/till")).to_contain_text("192.0.2.2")
    versions = "/documents/Record/till/versions"
    assert len(ask_api(tab.lab_page, "GET", versions)["items"]) == 1
    page.get_by_label("Why").fill("from a file")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Applied and in force.")).to_be_visible()
    page.get_by_role("link", name="See it in the audit trail").click()
    expect(page.get_by_role("dialog")).to_contain_text("from a file")
    assert len(ask_api(tab.lab_page, "GET", versions)["items"]) == 2


def test_the_settings_of_adguard_home_are_looked_at_and_then_imported(tab: OpenTab) -> None:
    page = tab("/settings/documents")
    look = page.get_by_role("button", name="Show what becomes of it")
    page.get_by_label("Product").select_option("AdGuard Home")
    wrong = {"name": "a.yaml", "mimeType": "application/yaml", "buffer": b"<script>"}
    page.get_by_label("Its file").set_input_files(wrong)  # type: ignore[arg-type]
    look.click()
    expect(page.get_by_role("alert")).to_contain_text("a.yaml")
    content = b"""
dns: {upstream_dns: [8.8.8.8]}
user_rules: ["||ads.moved.example^", "/<img src=x onerror=alert(1)>(/"]
"""
    moved = {**wrong, "name": "AdGuardHome.yaml", "buffer": content}
    page.get_by_label("Its file").set_input_files(moved)  # type: ignore[arg-type]
    look.click()
    report = page.get_by_role("status").filter(has_text="settings of AdGuard Home")
    expect(report).to_contain_text("8.8.8.8 (Line 2)")
    expect(report).to_contain_text("<img src=x onerror=alert(1)>")
    expect(report).to_contain_text("None of its upstreams is encrypted")
    page.get_by_role("button", name="Go on with these documents").click()
    preview = page.get_by_role("list", name="What would change")
    expect(preview).to_contain_text("Policy/everybody-else")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Applied and in force.")).to_be_visible()
    stored = [
        one["text"] for one in ask_api(tab.lab_page, "GET", "/documents?kind=Policy")["items"]
    ]
    assert any("*.ads.moved.example" in text for text in stored)


@pytest.mark.parametrize(
    ("path", "ready"),
    [
        ("people", "Actions for admin"),
        ("tokens", "Create a token"),
        ("audit", "Verify the chain"),
        ("documents", "Show what would change"),
    ],
)
def test_they_can_be_used_by_everybody(tab: OpenTab, path: str, ready: str) -> None:
    check_access(
        tab, f"/settings/{path}", lambda page: page.get_by_role("button", name=ready).first
    )
