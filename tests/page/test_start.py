"""The first run: from the first password to a name that is blocked, on a real `keyhole up`."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.certificates import Authority
from tests.world.lab import Lab
from tests.world.page import PASSWORD, LabPage, expect_path, missing
from tests.world.ports import free_port
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS, Upstream

BLOCKED = "ads.example.com"
HOSTILE = "<img/src=x/onerror=alert(1)>"


@pytest.fixture(scope="module")
def fresh(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[tuple[Resolver, str]]:
    """A Keyhole with the documents of a first start, but for its upstream, and its address."""
    if why := missing():
        pytest.skip(why)
    resolver = Resolver(tmp_path_factory.mktemp("first") / "data", authority)
    api = f"127.0.0.1:{free_port()}"
    resolver.configure(api={"listen": [api]})
    policy = document("Policy", "default", default="allow", upstreams=["test"])
    resolver.reset(resolver.upstream(shared_upstream.port), policy)
    resolver.wait_for_api()
    yield resolver, f"http://{api}"
    resolver.stop()


@pytest.fixture(scope="module")
def lab_page(browser: Browser, fresh: tuple[Resolver, str]) -> LabPage:
    """The page of this Keyhole in place of that of a lab."""
    resolver, url = fresh
    return LabPage(
        cast(Lab, SimpleNamespace(ready={"api": url}, program=resolver.program)), browser
    )


def _stored(resolver: Resolver) -> set[str]:
    items: list[dict[str, Any]] = resolver.api("GET", "/documents").json()["items"]
    return {f"{one['kind']}/{one['name']}" for one in items if one["origin"] == "stored"}


def test_a_new_person_is_led_from_the_password_to_a_blocked_name(
    tab: OpenTab, fresh: tuple[Resolver, str]
) -> None:
    resolver, url = fresh
    link = re.findall(r"\S+/#link=\S+", resolver.program.output)[-1].removeprefix(url)
    page = tab(link, signed_in=False)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password, again").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    expect_path(page, "/start")
    tab.lab_page.keep_session(page.context)

    page.get_by_role("button", name="Test test").click()
    expect(page.get_by_text("answered in")).to_be_visible()
    page.get_by_label("Names of your own").fill(BLOCKED)
    page.get_by_role("button", name="Check all", exact=True).click()
    expect(page.get_by_text("Nothing is changed yet.")).to_be_visible()
    assert _stored(resolver) == set(), "a check stores nothing"
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_text("Stored and in force.")).to_be_visible()
    assert _stored(resolver) == {"List/own-names", "Policy/first"}

    shown = page.get_by_role("list", name="What happens to these names").get_by_role("listitem")
    expect(shown.filter(has_text="www.example.org")).to_contain_text("Answered")
    expect(shown.filter(has_text=BLOCKED)).to_contain_text("Blocked")
    assert resolver.server.ask(BLOCKED).rcode == "NXDOMAIN"
    assert resolver.server.ask("www.example.org").addresses == [ADDRESS]
    command = page.get_by_text(f"dig @127.0.0.1 -p {resolver.server.udp} www.example.org")
    expect(command.first).to_be_visible()


def test_the_first_steps_add_to_what_is_there_and_can_be_left_out(
    tab: OpenTab, fresh: tuple[Resolver, str]
) -> None:
    page = tab("/start")
    expect(page.get_by_text("1 list is in use", exact=True)).to_be_visible()
    expect(page.get_by_text("a policy is there")).to_be_visible()
    page.get_by_label("Names of your own").fill("more.example.com")
    page.get_by_role("button", name="Check all", exact=True).click()
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_text("Stored and in force.")).to_be_visible()
    assert fresh[0].server.ask(BLOCKED).rcode == "NXDOMAIN", "what was chosen before stays"
    page.get_by_label("A name that is blocked").fill(HOSTILE)
    expect(page.get_by_role("main")).to_contain_text("<img/src=x/onerror=alert")
    page.get_by_role("link", name="Skip, to the overview").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_wrong_network_is_refused_before_anything_is_stored(
    tab: OpenTab, fresh: tuple[Resolver, str]
) -> None:
    page = tab("/start")
    page.get_by_label("Networks").fill("192.0.2.0/99")
    page.get_by_role("button", name="Check this step: Upstreams").click()
    expect(page.get_by_text("The upstream answers.")).to_be_visible()
    page.get_by_role("button", name="Check this step: For whom").click()
    expect(page.get_by_role("alert")).to_contain_text("192.0.2.0/99")
    page.get_by_label("Networks").fill("192.0.2.0/98")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("button", name="Check all", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("192.0.2.0/98")
    assert _stored(fresh[0]) == {"List/own-names", "Policy/first"}


def test_the_first_steps_can_be_used_by_everybody(tab: OpenTab) -> None:
    check_access(tab, "/start", lambda page: page.get_by_role("heading", name="See that it works"))


def test_a_network_that_is_denied_stays_denied_after_the_first_steps(
    tab: OpenTab, fresh: tuple[Resolver, str]
) -> None:
    resolver = fresh[0]
    # The policy of an earlier run is kept as it is; this is about a new one.
    for label in ("Policy/first", "List/own-names"):
        deleted = resolver.api("DELETE", f"/documents/{label}", headers={"if-match": "*"})
        assert deleted.is_success, deleted.text
    resolver.write(document("Policy", "default", default="deny", log="none", upstreams=["test"]))
    resolver.settle()
    assert resolver.server.ask("www.example.org").rcode == "REFUSED", "the control"

    page = tab("/start")
    page.get_by_label("Names of your own").fill(BLOCKED)
    page.get_by_role("button", name="Check all", exact=True).click()
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_text("Stored and in force.")).to_be_visible()
    assert resolver.server.ask("www.example.org").rcode == "REFUSED"
    stored = resolver.api("GET", "/documents/Policy/first").json()["text"]
    assert "default: deny" in stored
    assert "log: none" in stored

    page.get_by_label("Names of your own").fill("more.example.com")
    expect(page.get_by_text("Stored and in force.")).to_have_count(0)
    page.get_by_role("button", name="Check all", exact=True).click()
    expect(page.get_by_text("Nothing is changed yet.")).to_be_visible()
    expect(page.get_by_text("Stored and in force.")).to_have_count(0)
    expect(page.get_by_role("region", name="What changes in own-names")).to_be_visible()
