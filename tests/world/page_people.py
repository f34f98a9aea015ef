"""People of a lab, as tests of its page need them."""

import json
import time
from typing import Any

import pyotp
from playwright.sync_api import Page

from tests.page.conftest import OpenTab
from tests.world.page import PASSWORD, LabPage
from tests.world.page_documents import ask_api


def add_person(lab_page: LabPage, name: str, role: str) -> str:
    """Creates an account; gives its one-time password."""
    password: str = ask_api(lab_page, "POST", "/people", name=name, role=role)["password"]
    return password


def tab_of(tab: OpenTab, name: str, role: str, path: str = "/settings/account") -> Page:
    """A new person who has chosen `PASSWORD`, in a tab of their own."""
    password = add_person(tab.lab_page, name, role)
    page = tab("about:blank", signed_in=False)
    _send(tab, page, "POST", "/session", {"name": name, "password": password})
    _send(tab, page, "PUT", "/session/password", {"current": None, "new": PASSWORD})
    page.goto(path)
    return page


def sign_in(page: Page, name: str, password: str) -> None:
    """Fills the form of the sign-in."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def code_of(secret: str, later: int = 0) -> str:
    """The code that an authenticator shows now, or some steps later."""
    return pyotp.TOTP(secret.replace(" ", "")).at(int(time.time()) + 30 * later)


def _send(tab: OpenTab, page: Page, method: str, path: str, body: dict[str, Any]) -> None:
    answer = page.context.request.fetch(
        f"{tab.lab_page.url}/api/v1{path}",
        method=method,
        headers={
            "x-keyhole-request": "test",
            "origin": tab.lab_page.url,
            "content-type": "application/json",
        },
        data=json.dumps(body),
    )
    assert answer.ok, answer.text()
