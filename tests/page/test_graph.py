"""The graph: every edge with its lock, by mouse, keyboard and as a table, now and in the past."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.page.conftest import OpenTab, check_access
from tests.world.page import LabPage, expect_in_address
from tests.world.waiting import until

Graph = dict[str, Any]
CLOSED = "Encrypted and authenticated"
HOSTILE = "<img/src=x/onerror=alert(1)>.hostile.example"
RESOLVER = "engine:local"
WEB = "workload:spiffe://keyhole.lab/ns/shop/sa/web"
CI = "workload:spiffe://keyhole.lab/ns/build/sa/ci"
LOCKS = (
    "shop/web asks resolver",
    "shop/payments asks resolver",
    "build/ci asks resolver",
    "tools/netshoot asks resolver",
    "resolver forwards to forwarder",
    "forwarder forwards to internet",
)
VERBS = {"asks": "asks", "forwards": "forwards to"}
_PIXELS = "document.querySelector('canvas').toDataURL()"
_FRAMES = """(count) => new Promise((resolve) => {
  const next = (left) => left ? requestAnimationFrame(() => next(left - 1)) : resolve();
  next(count);
})"""


@pytest.fixture(scope="module")
def drawn(lab_page: LabPage) -> Iterator[Graph]:
    """The graph of the API for a time that is over, once everybody has asked, and a hostile name
    as well."""
    since = datetime.now(UTC) - timedelta(minutes=6)
    lab_page.lab.server.ask(HOSTILE)
    context = lab_page.signed_in()

    def ask(begin: datetime, end: datetime, **more: str) -> Graph:
        span = {"since": begin.isoformat(), "until": end.isoformat()}
        answer = context.request.get("/api/v1/graph", params={**span, **more})
        graph: Graph = answer.json() if answer.ok else {"nodes": [], "edges": []}
        return graph

    def has(wanted: set[str], begin: datetime, end: datetime) -> bool:
        graph = ask(begin, end)
        labels = {one["id"]: one["label"] for one in graph["nodes"]}
        found = {
            f"{labels[one['source']]} {VERBS[one['kind']]} {labels[one['target']]}"
            for one in graph["edges"]
        }
        return wanted <= found

    everybody = {*LOCKS, "127.0.0.1 asks resolver"}
    until(lambda: has(everybody, since, datetime.now(UTC)), "everybody has asked", 90)
    end = datetime.now(UTC)
    # The history takes rows in order: once each engine has later ones, none of this time comes.
    later, both = end + timedelta(seconds=2), set(LOCKS[-2:])  # the edges of both engines
    until(lambda: has(both, later, later + timedelta(minutes=2)), "the time is over", 90)
    # The page takes steps of ten seconds for such a time.
    yield ask(since, end, step="10")
    context.close()


def _past(drawn: Graph, **more: str) -> str:
    return "/graph?" + urlencode({"since": drawn["since"], "until": drawn["until"], **more})


def _lock(page: Page, edge: str) -> Locator:
    return page.get_by_role("button", name=f"{edge}, ")


def _node(page: Page, node_id: str) -> Locator:
    """A node of the picture, by its ID in the API."""
    return page.locator(f"[data-spot={json.dumps(f'node {node_id}')}]")


def _edge(drawn: Graph, edge_id: str) -> Graph:
    (found,) = [one for one in drawn["edges"] if one["id"] == edge_id]
    edge: Graph = found
    return edge


def _edge_id(drawn: Graph, source: str, target: str, kind: str) -> str:
    ids = {one["label"]: one["id"] for one in drawn["nodes"]}
    return f"{ids[source]}>{ids[target]}:{kind}"


def test_each_edge_has_its_lock(tab: OpenTab, drawn: Graph) -> None:
    page = tab(_past(drawn, view="picture"))
    for edge in LOCKS:
        expect(_lock(page, edge)).to_be_visible()
        expect(_lock(page, edge)).to_have_accessible_name(re.compile(f"{CLOSED}$"))
    printer = _lock(page, "127.0.0.1 asks resolver")
    expect(printer).to_have_accessible_name(re.compile("Open: .*cleartext"))
    # Not by color alone: the reason is in words beside the sign.
    expect(printer).to_have_text(re.compile("cleartext|network only"))


def test_the_live_picture_stays_where_it_is_while_numbers_change(
    tab: OpenTab, drawn: Graph
) -> None:
    page = tab("/graph?view=picture")
    resolver = _node(page, RESOLVER)
    expect(resolver).to_be_visible()
    places = "[...document.querySelectorAll('[data-spot]')].map((one) => [one.dataset.spot, " + (
        "Math.round(one.getBoundingClientRect().x), Math.round(one.getBoundingClientRect().y)])"
    )
    before = {spot: at for spot, *at in page.evaluate(places)}
    rate = resolver.inner_text()
    for _ in range(40):
        tab.lab_page.lab.server.ask("more.example.org", transport="tcp")
    expect(resolver).not_to_have_text(rate)
    after = {spot: at for spot, *at in page.evaluate(places) if spot.startswith("node ")}
    assert after.keys() >= {spot for spot in before if spot.startswith("node ")}
    assert {spot: before[spot] for spot in after if spot in before} == {
        spot: at for spot, at in after.items() if spot in before
    }


def test_the_panel_of_an_edge_has_the_figures_of_the_api(tab: OpenTab, drawn: Graph) -> None:
    wanted = _edge_id(drawn, "forwarder", "internet", "forwards")
    page = tab(_past(drawn, view="picture", edge=wanted))
    panel = page.get_by_role("complementary", name="Details")
    expect(panel.get_by_role("heading", name="forwarder → internet")).to_be_visible()
    traffic = _edge(drawn, wanted)["traffic"]
    figures = {
        "queries": f"{traffic['queries']:,}",
        "encrypted": "100 %",
        "authenticated": "100 %",
        "p50": _micros(traffic["wait_us"]["p50"]),
        "p95": _micros(traffic["wait_us"]["p95"]),
        "p99": _micros(traffic["wait_us"]["p99"]),
    }
    for name, value in figures.items():
        expect(panel.locator(f"[data-figure={name}]")).to_have_text(value)
    for outcome, count in traffic["by_outcome"].items():
        row = panel.get_by_role("listitem").filter(has_text=outcome.capitalize())
        expect(row.first).to_contain_text(f"{count:,}")
    page.keyboard.press("Escape")
    expect(panel.get_by_role("heading", name="forwarder → internet")).to_be_hidden()


def _micros(value: int) -> str:
    if value < 1_000:
        return f"{value} µs"
    shown, unit = (value / 1_000, "ms") if value < 1_000_000 else (value / 1_000_000, "s")
    return f"{shown:.1f} {unit}" if shown < 10 else f"{round(shown)} {unit}"


def test_a_node_leads_to_its_names_its_certificate_the_log_and_its_policy(
    tab: OpenTab, drawn: Graph
) -> None:
    page = tab(_past(drawn, view="picture"))
    _node(page, WEB).click()
    panel = page.get_by_role("complementary", name="Details")
    expect(panel.get_by_role("heading", name="shop/web")).to_be_visible()
    expect(panel.get_by_text("spiffe://keyhole.lab/ns/shop/sa/web", exact=True)).to_be_visible()
    expect(panel.get_by_role("link", name=re.compile(r"\.example")).first).to_be_visible()
    log = panel.get_by_role("link", name="Queries in the log").get_attribute("href") or ""
    assert log.startswith("/log?")
    assert "client=spiffe%3A%2F%2Fkeyhole.lab%2Fns%2Fshop%2Fsa%2Fweb" in log
    panel.get_by_role("button", name="resolver").click()
    expect(panel.get_by_role("heading", name="shop/web → resolver")).to_be_visible()
    policies = list(_edge(drawn, _edge_id(drawn, "shop/web", "resolver", "asks"))["policies"])
    expect(panel.get_by_role("link", name=policies[0], exact=True)).to_have_attribute(
        "href", f"/policies?name={policies[0]}"
    )


def test_the_picture_can_be_walked_by_keyboard(tab: OpenTab, drawn: Graph) -> None:
    page = tab(_past(drawn, view="picture"))
    expect(_node(page, RESOLVER)).to_be_visible()
    page.get_by_role("checkbox", name="Domains").focus()
    page.keyboard.press("Tab")
    spot = "document.activeElement.dataset.spot"
    assert page.evaluate(spot).startswith("node ")
    assert page.evaluate("document.activeElement.matches(':focus-visible')")
    _node(page, WEB).focus()
    for expected in (
        _edge_id(drawn, "shop/web", "resolver", "asks"),
        "engine:local",
        _edge_id(drawn, "resolver", "forwarder", "forwards"),
        "engine:forwarder",
        _edge_id(drawn, "forwarder", "internet", "forwards"),
        "upstream:internet",
    ):
        page.keyboard.press("ArrowRight")
        assert page.evaluate(spot).partition(" ")[2] == expected
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Details")
    expect(panel.get_by_role("heading", name="internet")).to_be_visible()
    expect_in_address(page, "node=upstream%3Ainternet")
    page.keyboard.press("Escape")
    expect(panel.get_by_role("heading", name="internet")).to_be_hidden()
    assert page.evaluate(spot) == "node upstream:internet"


def test_a_forwarder_is_shown_with_the_certificates_that_it_has_shown(
    tab: OpenTab, drawn: Graph
) -> None:
    page = tab(_past(drawn, node="engine:forwarder"))
    panel = page.get_by_role("complementary", name="Details")
    expect(panel.get_by_role("heading", name="Certificate of forwarder-dot")).to_be_visible()
    pin = panel.get_by_role("button", name="Copy").first
    expect(pin).to_be_visible()
    expect(panel.get_by_text("Valid until").first).to_be_visible()
    expect(panel.get_by_text("has no pins").first).to_be_visible()


def test_the_table_has_each_edge_of_the_api(tab: OpenTab, drawn: Graph) -> None:
    page = tab(_past(drawn, view="table"), width=1920)
    rows = page.get_by_role("row")
    expect(rows).to_have_count(1 + len(drawn["edges"]))
    labels = {one["id"]: one["label"] for one in drawn["nodes"]}
    for at, edge in enumerate(drawn["edges"], 1):
        cells = rows.nth(at).get_by_role("cell")
        traffic = edge["traffic"]
        lock = CLOSED if edge["lock"]["closed"] else edge["lock"]["reasons"][0]["reason"]
        expect(cells.nth(0)).to_contain_text(lock.replace("_", " "))
        expect(cells.nth(1)).to_have_text(labels[edge["source"]])
        expect(cells.nth(2)).to_have_text(
            re.compile(rf"^\s*{VERBS[edge['kind']]}\s+{re.escape(labels[edge['target']])}\s*$")
        )
        expect(cells.nth(3)).to_have_text(f"{traffic['queries']:,}")
        wait = traffic["wait_us"]
        expect(cells.nth(7)).to_have_text(_micros(wait["p95"]) if wait else "\N{EN DASH}")
    rows.nth(1).click()
    expect(page.get_by_role("complementary", name="Details")).to_be_visible()
    page.get_by_role("button", name="Picture").click()
    expect(_node(page, RESOLVER)).to_be_visible()


def test_a_replay_shows_what_each_step_had(tab: OpenTab, drawn: Graph) -> None:
    page = tab(_past(drawn, view="picture"))
    replay = page.get_by_role("group", name="Replay")
    slider = replay.get_by_role("slider", name="Replay")
    expect(slider).to_have_attribute("aria-valuetext", "Whole time")
    asks = [step["total"]["queries"] for step in drawn["intervals"]]
    assert sum(asks) == drawn["traffic"]["queries"], "as the panel counts"
    begin = datetime.fromisoformat(drawn["since"])
    busiest = drawn["intervals"][asks.index(max(asks))]
    at = round((datetime.fromisoformat(busiest["time"]) - begin) / timedelta(seconds=10))
    slider.fill(str(at))
    expect(replay.get_by_text(f"{max(asks):,} queries")).to_be_visible()
    edge = _edge_id(drawn, "shop/web", "resolver", "asks")
    if edge not in busiest["edges"]:
        expect(_lock(page, "shop/web → resolver: No query in this step")).to_be_visible()
    slider.fill("0")
    replay.get_by_role("button", name="Play").click()
    expect(slider).not_to_have_value("0")
    replay.get_by_role("button", name="Pause").click()
    replay.get_by_role("button", name="Whole time").click()
    expect(slider).to_have_attribute("aria-valuetext", "Whole time")


def test_filters_are_in_the_address(tab: OpenTab, drawn: Graph) -> None:
    page = tab(_past(drawn, view="picture"))
    expect(_node(page, CI)).to_be_visible()
    page.get_by_label("Namespace").select_option("shop")
    expect(_node(page, CI)).to_be_hidden()
    expect(_node(page, WEB)).to_be_visible()
    expect_in_address(page, "namespace=shop")
    page.get_by_label("Outcome").select_option("Blocked")
    expect_in_address(page, "verdict=blocked")
    page.get_by_role("button", name="Without filters").click()
    expect(_node(page, CI)).to_be_visible()
    page.get_by_label("Namespace").select_option("tools")
    page.get_by_label("Outcome").select_option("Dropped")
    expect(page.get_by_text("No query matches the filters in this time")).to_be_visible()


def test_a_node_is_found_by_a_part_of_its_name(tab: OpenTab, drawn: Graph) -> None:
    page = tab(_past(drawn, view="picture"))
    expect(_node(page, RESOLVER)).to_be_visible()
    search = page.get_by_role("combobox", name="Find a node")
    search.fill("netsh")
    search.press("Enter")
    panel = page.get_by_role("complementary", name="Details")
    expect(panel.get_by_role("heading", name="tools/netshoot")).to_be_visible()
    search.fill("nobody")
    search.press("Enter")
    expect(page.get_by_text("No node has this name.")).to_be_visible()


def test_a_hostile_name_is_text(tab: OpenTab, drawn: Graph) -> None:
    page = tab(_past(drawn, view="picture", node="engine:local"))
    dialogs: list[str] = []
    page.on("dialog", lambda one: dialogs.append(one.message))
    panel = page.get_by_role("complementary", name="Details")
    names = panel.get_by_role("link", name=re.compile("img"))
    hostile = {"kind": "domain", "group": "domains", "name": HOSTILE, "label": HOSTILE}
    node = {**drawn["nodes"][0], **hostile, "id": f"domain:{HOSTILE}"}
    edge = {**drawn["edges"][0], "id": "x", "source": "engine:local", "target": node["id"]}
    edge |= {
        "kind": "names",
        "lock": {
            "closed": False,
            "state": "open",
            "reasons": [{"reason": HOSTILE, "queries": 1, "text": HOSTILE}],
        },
    }
    body = {**drawn, "nodes": [*drawn["nodes"], node], "edges": [*drawn["edges"], edge]}
    body["groups"] = [*drawn["groups"], {"id": "domains", "label": HOSTILE, "nodes": 1}]
    page.route("**/api/v1/graph?*", lambda route: _answer(route, body))
    page.goto(_past(drawn, view="picture", domains="true", node=node["id"]))
    expect(panel.get_by_role("heading", name=HOSTILE)).to_be_visible()
    expect(_node(page, f"domain:{HOSTILE}")).to_be_visible()
    expect(names).to_have_count(0)
    page.goto(_past(drawn, view="table", domains="true"))
    expect(page.get_by_role("row").filter(has_text=HOSTILE)).to_be_visible()
    assert dialogs == []
    assert page.locator("img").count() == 0


def _answer(route: Route, body: Graph) -> None:
    route.fulfill(status=200, content_type="application/json", body=json.dumps(body))


def test_traffic_moves_unless_the_person_wants_none(tab: OpenTab, drawn: Graph) -> None:
    page = tab(_past(drawn, view="picture"))
    expect(_node(page, RESOLVER)).to_be_visible()
    page.evaluate(_FRAMES, 20)
    still = page.evaluate(_PIXELS)
    page.evaluate(_FRAMES, 20)
    assert page.evaluate(_PIXELS) == still
    page.emulate_media(reduced_motion="no-preference")
    page.evaluate(_FRAMES, 20)
    assert page.evaluate(_PIXELS) != still


def test_ten_thousand_edges_stay_usable(tab: OpenTab, drawn: Graph) -> None:
    page = tab("about:blank")
    page.route("**/api/v1/graph?*", lambda route: _answer(route, _large(drawn)))
    page.goto(f"{tab.lab_page.url}{_past(drawn, view='picture')}")
    expect(page.get_by_text(re.compile("quieter edges are not drawn"))).to_be_visible()
    search = page.get_by_role("combobox", name="Find a node")
    search.fill("engine 3")
    search.press("Enter")
    panel = page.get_by_role("complementary", name="Details")
    expect(panel.get_by_role("heading", name="engine 3", exact=True)).to_be_visible()
    expect(_node(page, "engine:3")).to_be_in_viewport()
    page.get_by_role("button", name="Table").click()
    table = page.get_by_role("table", name="Who asks whom")
    expect(table).to_have_attribute("aria-rowcount", "10000")
    assert table.get_by_role("row").count() < 100


def _large(drawn: Graph) -> Graph:
    """A graph of 150 nodes and 10,000 edges."""
    engine = next(one for one in drawn["nodes"] if one["id"] == "engine:local")
    client = next(one for one in drawn["nodes"] if one["kind"] == "workload")
    edge = drawn["edges"][0]
    engines = [{**engine, "id": f"engine:{n}", "label": f"engine {n}"} for n in range(70)]
    clients = [{**client, "id": f"workload:{n}", "label": f"client {n}"} for n in range(80)]
    pairs = [(one["id"], other["id"]) for other in engines for one in [*clients, *engines]]
    edges = [
        {**edge, "id": f"{one}>{other}:asks", "source": one, "target": other, "kind": "asks"}
        for one, other in pairs
        if one != other
    ]
    return {**drawn, "nodes": [*engines, *clients], "edges": edges[:10_000], "intervals": []}


def test_on_a_phone_the_table_comes_first_and_the_picture_is_a_tap_away(
    tab: OpenTab, drawn: Graph
) -> None:
    page = tab(_past(drawn), width=390)
    expect(page.get_by_role("table", name="Who asks whom")).to_be_visible()
    page.get_by_role("button", name="Picture").click()
    expect(_node(page, RESOLVER)).to_be_visible()


def test_nothing_in_the_past_says_what_to_do(tab: OpenTab) -> None:
    page = tab("/graph?since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z&view=picture")
    expect(page.get_by_text("Take a longer time")).to_be_visible()


@pytest.mark.parametrize("more", [{"view": "picture"}, {"view": "table", "node": "engine:local"}])
def test_the_graph_can_be_used_by_everybody(
    tab: OpenTab, drawn: Graph, more: dict[str, str]
) -> None:
    shown = "[data-spot], [role=table]"
    check_access(tab, _past(drawn, **more), lambda page: page.locator(shown).first)
