"""Credentials and clients by API: issued, used, listed and revoked, with what each engine says."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.message
import pytest

from keyhole.enrollment import JoinToken
from tests.world.ask import Server
from tests.world.callers import Caller, line
from tests.world.certificates import Authority, Pair
from tests.world.enrollment import Site
from tests.world.files import contents
from tests.world.outcome import word
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream
from tests.world.waiting import until

ID = "spiffe://keyhole.internal/ns/shop/sa/"
GOOD = [{"engine": "local", "has_it": True, "why": ""}]


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[Site]:
    """One Keyhole for this module; each test has clients of its own."""
    folder = tmp_path_factory.mktemp("credentials")
    resolver = Resolver(folder / "data", authority)
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document(
            "Policy",
            "home",
            subjects=["spiffe://keyhole.internal/*", "cidr:127.0.0.0/8", "client:tv"],
            default="allow",
            upstreams=["test"],
        ),
        document("Client", "tv", tokens=["office-tv"]),
    )
    try:
        yield Site(resolver, folder / "clients")
    finally:
        resolver.stop()


def _api(site: Site, method: str, path: str, status: int = 200, **request: Any) -> Any:
    answer = site.resolver.api(method, path, **request)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def _enroll(site: Site, name: str) -> Caller:
    """A client that enrolls with a token of the API."""
    wanted = {"name": f"shop/{name}", "why": "a new till"}
    made = _api(site, "POST", "/enrollments", 201, json=wanted)
    assert made["enrollment"]["spiffe"] == ID + name
    assert site.redeem(JoinToken.read(made["token"]), name).returncode == 0
    files = site.folder(name)
    return Caller(certificate=Pair(files.certificate, files.key))


def _server(site: Site) -> Server:
    return site.resolver.server


def _ask(site: Site, who: Caller, name: str) -> str:
    with line(_server(site), "dot", who) as ask:
        return word(ask(dns.message.make_query(name, "A", use_edns=0)))


def _client(site: Site, id_: str, **params: str) -> Any:
    return _api(site, "GET", "/clients/detail", params={"client": id_, **params})


def _audit(site: Site, action: str) -> list[Any]:
    def found() -> list[Any]:
        items = _api(site, "GET", "/audit", params={"limit": "1000"})["items"]
        return [one for one in items if one["action"] == action]

    found_now: list[Any] = []

    def is_there() -> bool:
        found_now[:] = found()
        return bool(found_now)

    site.resolver.wait_for(is_there, f"{action} is in the audit record")
    return found_now


def test_a_client_enrolls_and_is_listed_with_its_certificate_and_its_policy(site: Site) -> None:
    who = _enroll(site, "till")
    assert _ask(site, who, "www.example.org") == "answered"

    def logged() -> Any:
        # Its line is written after its answer was sent.
        found = _client(site, f"{ID}till")
        return found if found["names"] else None

    shown = until(logged, "its query is found")
    client = shown["client"]
    assert (client["queries"], client["encrypted_share"], client["authenticated_share"]) == (
        1,
        1,
        1,
    )
    assert client["reasons"] == []
    assert client["policy"]["name"] == "home"
    assert client["policy"]["subject"] == "spiffe://keyhole.internal/*"
    assert "it lies below" in client["policy"]["why"]
    assert [one["state"] for one in shown["certificates"]] == ["good"]
    assert client["certificate_ends"] == shown["certificates"][0]["ends"]
    assert [one["name"] for one in shown["names"]] == ["www.example.org"]
    assert [one["address"] for one in shown["addresses"]] == ["127.0.0.1"]
    (listed,) = _api(site, "GET", "/clients", params={"contains": "shop/TILL"})["items"]
    assert listed["id"] == f"{ID}till"
    (identity,) = [
        one for one in _api(site, "GET", "/identities")["items"] if one["id"] == f"{ID}till"
    ]
    assert (identity["name"], identity["revoked"], identity["issued"]) == ("shop/till", None, 1)
    assert identity["last_used"] is not None
    (waiting,) = [
        one for one in _api(site, "GET", "/enrollments")["items"] if one["name"] == "shop/till"
    ]
    assert waiting["state"] == "used"


def test_a_revoked_identity_is_refused_when_the_answer_says_that_the_engine_has_it(
    site: Site,
) -> None:
    who = _enroll(site, "lost")
    assert _ask(site, who, "www.example.org") == "answered"
    target = {"identity": "shop/lost", "why": "it was stolen"}
    done = _api(site, "POST", "/identities/revoke", json=target)
    assert (done["changed"], done["identities"], done["engines"]) == (1, [f"{ID}lost"], GOOD)
    with pytest.raises((OSError, EOFError)):
        _ask(site, who, "www.example.org")
    assert _client(site, f"{ID}lost")["client"]["revoked"] is not None
    assert _api(site, "POST", "/identities/revoke", json=target)["changed"] == 0
    entry = _audit(site, "revoke")[-1]
    assert entry["message"] == "it was stolen"
    back = _api(site, "POST", "/identities/unrevoke", json={"identity": f"{ID}lost"})
    assert (back["changed"], back["engines"]) == (1, GOOD)
    assert _ask(site, who, "www.example.org") == "answered"


def test_one_certificate_is_revoked_and_its_identity_may_get_another(site: Site) -> None:
    who = _enroll(site, "worn")
    (certificate,) = _client(site, f"{ID}worn")["certificates"]
    done = _api(site, "POST", "/identities/revoke", json={"serial": certificate["serial"]})
    assert (done["certificates"], done["engines"]) == ([certificate["serial"]], GOOD)
    with pytest.raises((OSError, EOFError)):
        _ask(site, who, "www.example.org")
    (after,) = _client(site, f"{ID}worn")["certificates"]
    assert after["state"] == "revoked"
    assert _ask(site, _enroll_again(site), "www.example.org") == "answered"


def _enroll_again(site: Site) -> Caller:
    made = _api(site, "POST", "/enrollments", 201, json={"name": "shop/worn"})
    assert site.redeem(JoinToken.read(made["token"]), "worn-2").returncode == 0
    files = site.folder("worn-2")
    return Caller(certificate=Pair(files.certificate, files.key))


def test_a_token_is_used_at_once_listed_by_its_client_and_refused_once_revoked(site: Site) -> None:
    made = _api(site, "POST", "/client-tokens", 201, json={"name": "office-tv"})
    assert made["engines"] == GOOD
    assert made["dot"].startswith(f"{made['secret']}.resolver.example.org")
    tv = Caller(token=made["secret"])

    def is_answered() -> bool:
        return _ask(site, tv, "films.example.org") == "answered"

    site.resolver.wait_for(is_answered, "the token is compiled")
    shown = _client(site, "token:office-tv")
    assert (shown["client"]["client"], shown["tokens"]) == ("tv", ["office-tv"])
    assert "the policy names client:tv" in shown["client"]["policy"]["why"]
    again = _api(site, "POST", "/client-tokens", 409, json={"name": "office-tv"})
    assert "there is a token office-tv already" in again["detail"]
    gone = _api(site, "DELETE", "/client-tokens/office-tv", params={"why": "sold"})
    assert gone["engines"] == GOOD
    assert _ask(site, tv, "films.example.org") == "unknown_token"
    assert _audit(site, "revoke_token")[-1]["message"] == "sold"
    _api(site, "DELETE", "/client-tokens/office-tv", 404)


def test_a_profile_holds_the_token_and_the_roots(site: Site) -> None:
    secret = _api(site, "POST", "/client-tokens", 201, json={"name": "phone"})["secret"]
    kinds = {one["kind"]: one for one in _api(site, "GET", "/profiles")["items"]}
    assert kinds["apple"]["why_not"] is None
    assert "853" in kinds["android"]["why_not"]
    wanted = {"kind": "apple", "token": secret}
    made = _api(site, "POST", "/profiles", json=wanted)
    assert secret in made["text"]
    assert made["roots"].startswith("-----BEGIN CERTIFICATE-----")
    unknown = _api(site, "POST", "/profiles", 422, json={**wanted, "token": "a" * 32})
    assert "does not exist" in unknown["detail"]


def test_no_secret_is_kept_or_said_again(site: Site) -> None:
    token = _api(site, "POST", "/client-tokens", 201, json={"name": "quiet"})["secret"]
    join = _api(site, "POST", "/enrollments", 201, json={"name": "shop/quiet"})["token"]
    secret = JoinToken.read(join).secret
    _audit(site, "create_token")
    said = site.resolver.program.output
    for path in ("/audit", "/client-tokens", "/enrollments", "/identities", "/clients"):
        said += json.dumps(_api(site, "GET", path))
    files = list(contents(site.resolver.folder))
    assert files
    for word_ in (token, join, secret):
        assert word_ not in said
        assert all(word_.encode() not in one for one in files)


def test_a_waiting_enrollment_is_canceled_and_its_token_refused(site: Site) -> None:
    made = _api(site, "POST", "/enrollments", 201, json={"name": "shop/early"})
    assert (
        "waiting already"
        in _api(site, "POST", "/enrollments", 409, json={"name": "shop/early"})["detail"]
    )
    _api(site, "POST", "/enrollments/cancel", 204, json={"name": "shop/early"})
    assert site.redeem(JoinToken.read(made["token"]), "early").returncode == 1
    _api(site, "POST", "/enrollments/cancel", 404, json={"name": "shop/early"})
    wrong = _api(site, "POST", "/enrollments", 422, json={"name": "no spaces"})
    assert "is not a name here" in wrong["detail"]


def test_what_is_unknown_is_told_with_what_would_be_right(site: Site) -> None:
    wrong = _api(site, "GET", "/clients/detail", 404, params={"client": "someone"})
    assert "is no client" in wrong["detail"]
    nobody = _api(site, "POST", "/identities/revoke", 404, json={"identity": "shop/nobody"})
    assert "no certificate was issued" in nobody["detail"]
    both = _api(site, "POST", "/identities/revoke", 422, json={"identity": "a", "serial": "b"})
    assert "one of the two" in both["detail"]
    # Who has never asked has a policy, too.
    assert _client(site, "127.0.0.9")["client"]["policy"]["subject"] == "cidr:127.0.0.0/8"
    assert _client(site, "192.0.2.1")["client"]["policy"]["name"] is None


def test_the_command_and_the_api_see_the_same(site: Site) -> None:
    _enroll(site, "both")
    certificates = {one["serial"] for one in site.ask("identity", "list")}
    listed = _api(site, "GET", "/identities", params={"limit": "1000"})["items"]
    good = {c["serial"] for one in listed for c in one["certificates"] if c["state"] == "good"}
    assert {f"{ID}both"} <= {one["id"] for one in listed}
    assert good <= certificates


def test_the_clear_has_the_numbers_of_graph_and_log(site: Site) -> None:
    since = datetime.now(UTC)
    name = "clear.example.org"
    for transport in ("udp", "udp", "tcp", "doh"):
        _server(site).ask(name, "A", transport)
    _ask(site, _enroll(site, "closed"), name)

    def logged() -> bool:
        items = _api(site, "GET", "/queries", params={"name": name})["items"]
        return len(items) == 5

    site.resolver.wait_for(logged, "all queries are found")
    during = {"since": since.isoformat(), "until": datetime.now(UTC).isoformat()}
    report = _api(site, "GET", "/clear", params=during)
    graph = _api(site, "GET", "/graph", params=during)
    asked = [one for one in graph["edges"] if one["kind"] == "asks"]
    for reason in ("cleartext", "network_only"):
        of_graph = sum(
            why["queries"]
            for one in asked
            for why in one["lock"]["reasons"]
            if why["reason"] == reason
        )
        assert {one["reason"]: one["queries"] for one in report["reasons"]}[reason] == of_graph
    items = {one["id"]: one for one in report["items"]}
    for transport in ("udp", "tcp"):
        found = _api(site, "GET", "/queries", params={**during, "transport": transport})["items"]
        assert items[f"listener:{transport}"]["queries"] == len(found)
        assert items[f"listener:{transport}"]["last"] == found[0]["time"]
    home = items["client:127.0.0.1"]
    assert home["queries"] >= 4
    assert home["mend"]
    assert report["queries"] == graph["traffic"]["queries"]
    totals = _api(site, "GET", "/clients", params=during)
    assert totals["queries"] == report["queries"] == sum(one["queries"] for one in totals["items"])


def test_pages_of_clients_lose_none_and_repeat_none(site: Site) -> None:
    end = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    params = {"until": end, "limit": "2"}
    seen: list[str] = []
    while True:
        page = _api(site, "GET", "/clients", params=params)
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert len(seen) == len(set(seen)) == page["total"]


def test_where_enrollment_is_off_the_list_says_how_to_turn_it_on(
    resolver: Resolver, tmp_path: Path
) -> None:
    resolver.start()
    page = resolver.api("GET", "/enrollments").json()
    assert page["url"] is None
    assert "enrollment is off" in page["why_not"]
    refused = resolver.api("POST", "/enrollments", json={"name": "web"})
    assert refused.status_code == 503
    assert call_keyhole("enroll", "list", "--data", str(resolver.folder)).returncode == 0
