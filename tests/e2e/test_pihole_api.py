"""Dashboards and home automation that know Pi-hole 6 find what they look for, and no more."""

from collections.abc import Iterator

import httpx2
import pytest

from keyhole.api.application import ALL_ROUTES, API_ROUTES
from keyhole.api.pihole import is_pihole
from tests.world.dashboards import Homarr, HomeAssistant, Homepage
from tests.world.no_tls import NO_TLS
from tests.world.pihole_house import House
from tests.world.ports import free_port
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream

CLIENTS = [HomeAssistant, Homepage, Homarr]
DAY = 86_400


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, authority: object, shared_upstream: Upstream
) -> Iterator[House]:
    """One for all tests that do not stop it."""
    from tests.world.certificates import Authority

    assert isinstance(authority, Authority)
    resolver = Resolver(tmp_path_factory.mktemp("pihole") / "data", authority)
    (resolver.documents / "ads.txt").write_text("ads.example.com\nmore.example.com\n")
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document("List", "ads", files=["ads.txt"]),
        document("Policy", "home", default="allow", upstreams=["test"], lists=["ads"]),
    )
    try:
        yield House(resolver)
    finally:
        resolver.stop()


@pytest.fixture(params=CLIENTS)
def client(house: House, request: pytest.FixtureRequest) -> Iterator[HomeAssistant]:
    """Each client, logged in."""
    one = request.param(house.url, house.token()[1])
    assert one.log_in().status_code == 200
    yield one
    one.close()


def test_a_client_logs_in_with_a_token_in_place_of_the_password(client: HomeAssistant) -> None:
    session = client.get("/auth")["session"]
    assert (session["valid"], session["totp"], session["validity"]) == (True, False, 1800)
    assert client.ask("DELETE", "/auth").status_code == 204
    gone = client.ask("GET", "/auth")
    assert (gone.status_code, gone.json()["session"]["valid"]) == (401, False)
    refused = client.ask("GET", "/stats/summary")
    assert refused.status_code == 401
    assert refused.json()["error"]["key"] == "unauthorized"


def test_the_summary_counts_what_was_asked(client: HomeAssistant, house: House) -> None:
    server = house.resolver.server
    name = f"{type(client).__name__.lower()}.example.org"
    before = client.get("/stats/summary")["queries"]
    server.ask(name)
    server.ask(name)
    server.ask(name, "AAAA")
    server.ask("ads.example.com")

    def counted() -> bool:
        now = client.get("/stats/summary")["queries"]
        return bool(
            now["blocked"] > before["blocked"] and now["forwarded"] >= before["forwarded"] + 2
        ) and bool(now["total"] >= before["total"] + 4)

    house.resolver.wait_for(counted, "all are counted")
    found = client.get("/stats/summary")
    now = found["queries"]
    assert now["blocked"] - before["blocked"] == 1
    assert now["status"]["GRAVITY"] - before["status"]["GRAVITY"] == 1
    assert now["cached"] - before["cached"] >= 1
    assert now["forwarded"] - before["forwarded"] == 2
    assert now["types"]["AAAA"] - before["types"]["AAAA"] == 1
    assert now["percent_blocked"] == pytest.approx(100 * now["blocked"] / now["total"])
    assert sum(now["status"].values()) == sum(now["replies"].values()) == now["total"]
    assert now["unique_domains"] >= 2
    assert found["clients"] == {"active": 1, "total": 1}
    assert found["gravity"]["domains_being_blocked"] == 2
    assert found["gravity"]["last_update"] > 0
    assert found["took"] >= 0


def test_tops_upstreams_types_and_activity_say_the_same(
    client: HomeAssistant, house: House
) -> None:
    before = client.get("/stats/summary")["queries"]["blocked"]
    for _ in range(3):
        house.resolver.server.ask("more.example.com")
    house.resolver.wait_for(
        lambda: client.get("/stats/summary")["queries"]["blocked"] == before + 3, "all are counted"
    )
    summary = client.get("/stats/summary")["queries"]
    blocked = client.get("/stats/top_domains", blocked="true")
    counts = {one["domain"]: one["count"] for one in blocked["domains"]}
    assert counts["more.example.com"] >= 3
    assert sum(counts.values()) == blocked["blocked_queries"] == summary["blocked"]
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    assert len(client.get("/stats/top_domains", blocked="true", count=1)["domains"]) == 1
    passed = client.get("/stats/top_domains", blocked="false", count=100)["domains"]
    assert not {"ads.example.com", "more.example.com"} & {one["domain"] for one in passed}
    clients = client.get("/stats/top_clients", blocked="false")
    assert [one["ip"] for one in clients["clients"]] == ["127.0.0.1"]
    upstreams = client.get("/stats/upstreams")
    by_name = {one["name"]: one["count"] for one in upstreams["upstreams"]}
    assert by_name["blocklist"] == summary["blocked"]
    assert by_name["cache"] == summary["cached"]
    assert by_name["test"] == upstreams["forwarded_queries"] == summary["forwarded"]
    assert client.get("/stats/query_types")["types"] == summary["types"]
    assert client.get("/stats/recent_blocked")["blocked"] == ["more.example.com"]
    history = client.get("/history")["history"]
    assert sum(one["total"] for one in history) == summary["total"]
    assert sum(one["blocked"] for one in history) == summary["blocked"]


def test_blocking_is_paused_with_and_without_a_timer_and_resumed(
    client: HomeAssistant, house: House
) -> None:
    server = house.resolver.server
    assert client.get("/dns/blocking")["blocking"] == "enabled"
    off = client.switch({"blocking": False, "timer": 300})
    assert off.status_code == 200, off.text
    assert (off.json()["blocking"], 200 <= off.json()["timer"] <= 300) == ("disabled", True)
    assert server.ask("ads.example.com").rcode == "NOERROR"
    longest = client.switch({"blocking": False, "timer": None}).json()
    assert DAY - 60 <= longest["timer"] <= DAY
    on = client.switch({"blocking": True, "timer": None})
    assert on.json()["blocking"] == "enabled"
    assert on.json()["timer"] is None
    assert server.ask("ads.example.com").rcode == "NXDOMAIN"
    said = house.resolver.command("audit").stdout
    assert "token:panel-" in said, "the record says which token it was"


def test_the_button_of_homarr_pauses_though_it_says_a_timer_of_nothing(house: House) -> None:
    client = Homarr(house.url, house.token()[1])
    client.log_in()
    off = client.push_the_button()
    assert off.status_code == 200, off.text
    assert off.json()["blocking"] == "disabled"
    assert DAY - 60 <= off.json()["timer"] <= DAY
    on = client.switch({"blocking": True, "timer": 0})
    assert on.json()["blocking"] == "enabled"


@pytest.mark.parametrize(
    "body",
    [
        {"blocking": True, "timer": 60},
        {"blocking": "no"},
        {"blocking": False, "timer": DAY + 1},
        {"blocking": False, "timer": 10**400},
        {"blocking": False, "timer": "60"},
        {"blocking": False, "timer": True},
        {},
    ],
)
def test_what_cannot_be_done_is_refused_as_pihole_does(
    client: HomeAssistant, body: dict[str, object]
) -> None:
    answer = client.switch(body)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"key", "message", "hint"}
    assert client.get("/dns/blocking")["blocking"] == "enabled"


def test_queries_are_told_page_by_page_and_filtered(client: HomeAssistant, house: House) -> None:
    below = f"{type(client).__name__.lower()}.example.org"
    names = [f"p{number}.{below}" for number in range(7)]
    for name in names:
        house.resolver.server.ask(name)
    wanted = {"domain": f"*.{below}", "length": 3}

    def seen() -> bool:
        return bool(client.get("/queries", domain=names[-1])["queries"])

    house.resolver.wait_for(seen, "the last one is found")
    found, cursor = [], None
    while True:
        more: dict[str, int] = {} if cursor is None else {"cursor": cursor}
        page = client.get("/queries", **wanted, **more)
        found += [(one["domain"], one["time"]) for one in page["queries"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert sorted(set(found)) == sorted(found), "nothing comes twice"
    assert {name for name, _ in found} == set(names)
    assert found == sorted(found, key=lambda one: -one[1])
    (first,) = client.get("/queries", domain=names[0], length=1)["queries"]
    assert (first["status"], first["type"]) == ("FORWARDED", "A")
    assert first["client"]["ip"] == "127.0.0.1"
    blocked = client.get("/queries", status="GRAVITY")["queries"]
    assert {one["domain"] for one in blocked} <= {"ads.example.com", "more.example.com"}
    assert client.get("/queries", status="RETRIED")["queries"] == []
    assert client.ask("GET", "/queries", params={"status": "nonsense"}).status_code == 400


def test_kinds_of_answers_have_as_many_queries_as_are_counted(
    client: HomeAssistant, house: House
) -> None:
    server = house.resolver.server
    before = client.get("/stats/summary")["queries"]["total"]
    for name in ("twice.example.org", "twice.example.org", "more.example.com"):
        server.ask(name)
    house.resolver.wait_for(
        lambda: client.get("/stats/summary")["queries"]["total"] == before + 3, "all are counted"
    )
    counted = client.get("/stats/summary")["queries"]

    def listed(**wanted: str) -> int:
        return len(client.get("/queries", length=1_000, **wanted)["queries"])

    for status in ("CACHE", "DENYLIST", "GRAVITY", "FORWARDED", "UNKNOWN", "SPECIAL_DOMAIN"):
        assert listed(status=status) == counted["status"][status], status
    assert listed(upstream="cache") == counted["cached"] > 0
    assert listed(upstream="blocklist") == counted["blocked"] > 0
    assert listed(upstream="permitted") == counted["total"] - counted["blocked"]
    assert listed(upstream="cache", status="CACHE") == counted["status"]["CACHE"]
    assert listed(upstream="blocklist", status="CACHE") == 0


def test_the_version_says_that_nothing_newer_is_there(client: HomeAssistant) -> None:
    parts = client.get("/info/version")["version"]
    for part in ("core", "web", "ftl"):
        assert parts[part]["local"]["version"] == parts[part]["remote"]["version"]


def test_a_wrong_token_gets_no_session(house: House) -> None:
    for password in ("", "wrong", "x" * 600):
        answer = HomeAssistant(house.url, password).log_in()
        assert answer.status_code == 401
        assert answer.json()["session"]["valid"] is False
    nonsense = httpx2.post(f"{house.url}/api/auth", content=b"{", trust_env=False, verify=NO_TLS)
    assert (nonsense.status_code, nonsense.json()["error"]["key"]) == (400, "bad_request")


def test_a_session_ends_with_its_token(house: House) -> None:
    name, secret = house.token()
    client = HomeAssistant(house.url, secret)
    client.log_in()
    assert client.ask("GET", "/dns/blocking").status_code == 200
    assert house.resolver.api("DELETE", f"/tokens/{name}").status_code < 300
    assert client.ask("GET", "/dns/blocking").status_code == 401
    assert client.log_in().status_code == 401


def test_a_viewer_sees_and_does_not_switch(house: House) -> None:
    client = HomeAssistant(house.url, house.token("viewer")[1])
    client.log_in()
    assert client.get("/dns/blocking")["blocking"] == "enabled"
    refused = client.switch({"blocking": False, "timer": 60})
    assert (refused.status_code, refused.json()["error"]["key"]) == (403, "forbidden")
    assert client.get("/dns/blocking")["blocking"] == "enabled"


def test_a_page_of_another_site_gets_nothing(client: HomeAssistant) -> None:
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = client.ask("POST", "/dns/blocking", json={"blocking": False}, headers={**headers})
        assert answer.status_code == 403
    rebound = client.ask("GET", "/dns/blocking", headers={"host": "evil.example"})
    assert rebound.status_code == 421


def test_a_pihole_session_and_a_session_of_the_api_open_only_their_own_routes(
    client: HomeAssistant, house: House
) -> None:
    ours = f"{house.url}/api/v1/status"
    headers = {client.HEADER: client.sid}
    assert httpx2.get(ours, headers=headers, trust_env=False, verify=NO_TLS).status_code == 401
    bearer = {"authorization": f"Bearer {house.token()[1]}"}
    assert httpx2.get(ours, headers=bearer, trust_env=False, verify=NO_TLS).status_code == 200
    there = f"{house.url}/api/stats/summary"
    assert httpx2.get(there, headers=bearer, trust_env=False, verify=NO_TLS).status_code == 401


def test_whatever_is_wrong_is_said_as_pihole_says_it(client: HomeAssistant) -> None:
    evil = {"origin": "https://evil.example"}
    wrong = {
        "unauthorized": client.ask("GET", "/stats/summary", headers={client.HEADER: "wrong"}),
        "forbidden": client.ask("POST", "/dns/blocking", json={}, headers=evil),
        "host_not_known": client.ask("GET", "/auth", headers={"host": "evil.example"}),
        "not_found": client.ask("GET", "/no/such/path"),
        "method_not_allowed": client.ask("PUT", "/dns/blocking", json={}),
        "too_large": client.ask("POST", "/dns/blocking", content=b" " * (2 << 20)),
        "bad_request": client.ask("POST", "/dns/blocking", content=b"[" * 50),
    }
    for key, answer in wrong.items():
        said = answer.json()
        assert set(said) == {"error", "took"}, key
        assert set(said["error"]) == {"key", "message", "hint"}, key
        assert said["error"]["key"] == key
        assert answer.headers["content-type"] == "application/json"
        assert "www-authenticate" not in answer.headers, "a browser would ask for a password"


def test_our_own_api_still_says_it_as_a_problem(house: House) -> None:
    ours = httpx2.get(f"{house.url}/api/v1/status", trust_env=False, verify=NO_TLS)
    assert ours.headers["content-type"] == "application/problem+json"
    assert "www-authenticate" in ours.headers


def test_who_is_anonymous_stays_so(resolver: Resolver, shared_upstream: Upstream) -> None:
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document("Policy", "home", default="allow", upstreams=["test"], log="anonymous"),
    )
    house = House(resolver)
    client = HomeAssistant(house.url, house.token("viewer")[1])
    client.log_in()
    resolver.server.ask("private.example.org")
    resolver.wait_for(
        lambda: client.get("/queries", domain="private.example.org")["queries"], "it is found"
    )
    (found,) = client.get("/queries", domain="private.example.org")["queries"]
    assert found["client"] == {"ip": "", "name": None}
    assert client.get("/queries", client_ip="127.0.0.1")["queries"] == []
    assert client.get("/stats/summary")["clients"] == {"active": 0, "total": 0}
    for blocked in ("true", "false"):
        assert client.get("/stats/top_clients", blocked=blocked)["clients"] == []


def test_where_it_is_off_no_path_of_it_is_there(resolver: Resolver) -> None:
    port = free_port()
    resolver.configure(api={"listen": [f"127.0.0.1:{port}"]})
    resolver.start()
    resolver.wait_for_api()
    made = resolver.api("POST", "/tokens", json={"name": "panel", "role": "administrator"})
    bearer = {"authorization": f"Bearer {made.json()['secret']}"}
    places = [route.endpoint for route in ALL_ROUTES.all if route not in API_ROUTES.all]
    places = [place for place in places if is_pihole(place[1])]
    assert len(places) > 10
    for method, path in places:
        url = f"http://127.0.0.1:{port}{path}"
        known = httpx2.request(method, url, headers=bearer, json={}, trust_env=False, verify=NO_TLS)
        assert known.status_code == 404, path
        stranger = httpx2.request(
            method, url, json={"password": "x"}, trust_env=False, verify=NO_TLS
        )
        nowhere = httpx2.request(
            method,
            f"http://127.0.0.1:{port}/api/no/such/path",
            json={},
            trust_env=False,
            verify=NO_TLS,
        )
        assert stranger.status_code == nowhere.status_code, path
        assert stranger.json() == nowhere.json(), "as little is told as of any other path"
