"""Signing in by an identity provider: from the page, and back to what the person wanted."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest
from playwright.sync_api import Browser, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.certificates import Authority
from tests.world.lab import Lab
from tests.world.page import LabPage, expect_path, missing
from tests.world.ports import free_port
from tests.world.provider import CLIENT, SECRET, Provider
from tests.world.resolver import Resolver, document

BUTTON = "Sign in with your identity provider"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as one:
        yield one


@pytest.fixture(scope="module")
def lab_page(
    browser: Browser,
    provider: Provider,
    tmp_path_factory: pytest.TempPathFactory,
    authority: Authority,
) -> Iterator[LabPage]:
    """A Keyhole with an identity provider in place of a lab."""
    if why := missing():
        pytest.skip(why)
    resolver = Resolver(tmp_path_factory.mktemp("oidc") / "data", authority)
    (resolver.folder / "oidc.secret").write_text(f"{SECRET}\n")
    # Two sites, as in life: the page at localhost, the provider at 127.0.0.1.
    port = free_port()
    resolver.configure(
        api={
            "listen": [f"127.0.0.1:{port}"],
            "hosts": ["localhost"],
            "oidc": {
                "issuer": provider.issuer,
                "client_id": CLIENT,
                "client_secret_file": "oidc.secret",
                "roles": {"dns-admins": "operator"},
            },
        }
    )
    resolver.reset(resolver.upstream(9), document("Policy", "default", default="allow"))
    resolver.wait_for_api()
    made = SimpleNamespace(ready={"api": f"http://localhost:{port}"}, program=resolver.program)
    yield LabPage(cast(Lab, made), browser)
    resolver.stop()


@pytest.fixture(autouse=True)
def _fresh(provider: Provider) -> None:
    provider.reset()


def test_a_person_comes_back_to_the_place_they_wanted(tab: OpenTab) -> None:
    page = tab("/log?range=24h&below=shop.example", signed_in=False)
    page.get_by_role("link", name=BUTTON).click()
    expect(page.get_by_role("heading", name="Log")).to_be_visible()
    expect_path(page, "/log?range=24h&below=shop.example")
    page.get_by_role("button", name="Account of").click()
    expect(page.get_by_text("oidc:anna (248289761001)").first).to_be_visible()


def test_a_person_without_a_role_is_told_so_on_the_page(tab: OpenTab, provider: Provider) -> None:
    provider.claims["groups"] = ["strangers"]
    page = tab("/graph", signed_in=False)
    page.get_by_role("link", name=BUTTON).click()
    expect(page.get_by_role("alert")).to_contain_text("did not let you in")
    expect_path(page, "/graph")
    assert "#" not in page.url
    provider.claims["groups"] = ["dns-admins"]
    page.get_by_role("link", name=BUTTON).click()
    expect(page.get_by_role("heading", name="Graph")).to_be_visible()


def test_a_text_in_the_address_is_not_shown(tab: OpenTab) -> None:
    page = tab("/#provider=Call-0900", signed_in=False)
    expect(page.get_by_role("link", name=BUTTON)).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_sign_in_can_be_used_by_everybody(tab: OpenTab) -> None:
    check_access(
        tab,
        "/#provider=refused",
        lambda page: page.get_by_role("link", name=BUTTON),
        signed_in=False,
    )
