"""From a query of the log to a change: explain it, and simulate a change on past queries."""

import json
from collections.abc import Iterator
from typing import Any

import dns.message
import dns.query
import pytest

from tests.world.certificates import Authority
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream
from tests.world.waiting import ANSWER_SECONDS, until

LISTED = "tracker.example.com"
NIGHT = {"from": "00:00", "to": "23:59", "timezone": "UTC"}


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[Resolver]:
    """One resolver for this module; each test asks for names of its own."""
    resolver = Resolver(tmp_path_factory.mktemp("simulated") / "data", authority)
    (resolver.documents / "ads.txt").write_text(f"0.0.0.0 {LISTED}\n")
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document("List", "ads", kind="block", files=["ads.txt"]),
        document("Policy", "home", default="allow", upstreams=["test"], lists=["ads"]),
        document(
            "Policy", "closed", subjects=["cidr:127.0.0.2/32"], default="deny",
            upstreams=["test"], rules=[{"allow": ["open.example.org"]}],
        ),
        document(
            "Policy", "quiet", subjects=["cidr:127.0.0.3/32"], default="deny",
            upstreams=["test"], log="anonymous",
        ),
    )  # fmt: skip
    yield resolver.start()
    resolver.stop()


def _ask(resolver: Resolver, name: str, times: int = 1, source: str = "127.0.0.1") -> None:
    for _ in range(times):
        query = dns.message.make_query(name, "A")
        dns.query.udp(
            query, "127.0.0.1", timeout=ANSWER_SECONDS, port=resolver.server.udp, source=source
        )


def _logged(resolver: Resolver, below: str, count: int) -> list[dict[str, Any]]:
    def found() -> list[dict[str, Any]]:
        params = {"below": below, "limit": "1000"}
        items: list[dict[str, Any]] = resolver.api("GET", "/queries", params=params).json()["items"]
        return items

    resolver.wait_for(lambda: len(found()) >= count, f"{count} queries below {below} are found")
    return found()


def _simulate(resolver: Resolver, **body: Any) -> dict[str, Any]:
    answer = resolver.api("POST", "/simulate", json=body)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def test_the_api_explains_in_the_steps_of_the_command(running: Resolver) -> None:
    for name, words in (
        (LISTED, {}),
        ("www.example.org", {"client": "127.0.0.2", "type": "aaaa"}),
        ("open.example.org", {"client": "127.0.0.2"}),
    ):
        told = running.api("GET", "/explain", params={"name": name, **words}).json()
        who = ["--as", words["client"]] if "client" in words else []
        ran = running.command(
            "explain", name, words.get("type", "A"), *who, "--no-lookup", "--json"
        )
        expected = json.loads(ran.stdout)
        for told_once in (told, expected):
            # The command compiles the next snapshot; the API explains by the one in force.
            del told_once["snapshot"]
        assert told == expected


def test_an_explanation_can_look_up_where_a_name_leads(running: Resolver) -> None:
    params = {"name": "looked.example.org", "lookup": "true"}
    told = running.api("GET", "/explain", params=params).json()
    assert (told["looked_up"], told["outcome"], told["rcode"]) == (True, "answered", 0)


@pytest.mark.parametrize(
    ("params", "status", "why"),
    [
        ({"name": "x" * 64 + ".example"}, 400, "name"),
        ({"name": "a.example", "type": "NONE"}, 400, "type"),
        ({"name": "a.example", "client": "somebody"}, 422, "is no client"),
        ({"name": "a.example", "transport": "pigeon"}, 422, "transport"),
        ({}, 422, "name"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_the_reason(
    running: Resolver, params: dict[str, str], status: int, why: str
) -> None:
    answer = running.api("GET", "/explain", params=params)
    assert answer.status_code == status, answer.text
    assert why in answer.json()["detail"]


def test_a_block_would_change_the_queries_that_the_log_holds(running: Resolver) -> None:
    _ask(running, "a.counted.example.org", 3)
    _ask(running, "b.counted.example.org", 2)
    _ask(running, "counted.example.org")
    _ask(running, "counted.example.org", source="127.0.0.2")
    logged = _logged(running, "counted.example.org", 7)
    decision = {"action": "block", "name": "counted.example.org", "below": True}
    found = _simulate(running, decision=decision)
    answered = [one for one in logged if one["outcome"] == "answered"]
    assert found["by_kind"] == {"newly blocked": len(answered), "other reason": 1}
    assert (found["judged"], found["changed"]) == (7, 7)
    assert (found["names"], found["clients"]) == (3, 2)
    first = found["changes"][0]
    assert (first["name"], first["queries"], first["client"]) == (
        "a.counted.example.org", 3, "127.0.0.1",
    )  # fmt: skip
    assert (first["before"], first["after"]) == ("forwarded", "blocked_by_rule")
    assert running.api("GET", "/decisions").json()["items"] == [], "nothing was decided"
    alone = _simulate(running, decision={**decision, "below": False, "client": "127.0.0.1"})
    assert (alone["judged"], alone["changed"]) == (2, 1), "the other client keeps its policy"


def test_an_allow_would_change_what_a_list_blocked(running: Resolver) -> None:
    _ask(running, LISTED, 4)
    before = len([one for one in _logged(running, LISTED, 4) if one["outcome"] == "blocked"])
    found = _simulate(running, decision={"action": "allow", "name": LISTED})
    assert found["by_kind"] == {"newly allowed": before}
    assert found["changes"][0]["cause"]["cause"] == "rule"


def test_queries_of_a_policy_without_clients_in_the_log_are_not_judged(running: Resolver) -> None:
    _ask(running, "a.quiet.example", 2, source="127.0.0.3")
    _ask(running, "a.quiet.example")
    _logged(running, "quiet.example", 3)
    decision = {"action": "block", "name": "quiet.example", "below": True}
    result = _simulate(running, decision=decision)
    assert (result["judged"], result["changed"]) == (1, 1)
    assert result["not_judged"] == {"client_not_logged": 2}


def test_what_another_change_did_is_not_counted_for_this_one(running: Resolver) -> None:
    name = "twice.example.org"
    _ask(running, name, 2)
    _logged(running, name, 2)
    made = running.api("POST", "/decisions", json={"action": "block", "name": name}).json()
    found = _simulate(running, decision={"action": "block", "name": "other." + name})
    assert found["changed"] == 0
    again = _simulate(running, decision={"action": "block", "name": name})
    assert again["changed"] == 0, "it is blocked already"
    undone = _simulate(running, decision={"action": "allow", "name": name})
    assert undone["changed"] == 0, "they were answered, and would be again"
    _ask(running, name, 3)
    _logged(running, name, 5)
    undone = _simulate(running, decision={"action": "allow", "name": name})
    assert undone["by_kind"] == {"newly allowed": 3}
    running.api("DELETE", f"/decisions/{made['decision']['number']}")


def test_a_draft_of_documents_is_simulated_on_the_history(running: Resolver) -> None:
    _ask(running, "drafted.example.net", 5)
    _logged(running, "drafted.example.net", 5)
    draft = document(
        "Policy", "drafted", subjects=["cidr:127.0.0.1/32"], default="allow", upstreams=["test"],
        lists=["ads"], rules=[{"block": ["drafted.example.net"], "when": NIGHT}],
    )  # fmt: skip
    found = _simulate(running, text=json.dumps(draft), limit=1)
    ours = [one for one in found["changes"] if one["name"] == "drafted.example.net"]
    assert found["by_kind"]["newly blocked"] in (0, 5), "the rule rests for a minute of the day"
    assert found["changed"] == 0 or ours[0]["queries"] == 5
    wrong = document("Policy", "drafted", subjects=["cidr:127.0.0.1/32"], lists=["none"])
    answer = running.api("POST", "/simulate", json={"text": json.dumps(wrong)})
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("documents_not_valid")
    assert running.api("GET", "/documents/Policy/drafted").status_code == 404, "nothing was stored"


def test_only_the_queries_of_the_span_are_judged(running: Resolver) -> None:
    name = "span.example.org"
    _ask(running, name, 2)
    logged = _logged(running, name, 2)
    decision = {"action": "block", "name": name}
    newest = max(one["time"] for one in logged)
    found = _simulate(running, decision=decision, since=newest)
    assert found["changed"] == 1
    assert found["since"] == newest


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "either text or decision"),
        ({"text": "kind: Policy", "decision": {"action": "block", "name": "a"}}, "either text"),
        ({"decision": {"action": "block", "name": "a..b"}}, "a..b"),
        ({"decision": {"action": "block", "name": "a", "client": "token:none"}}, "token:none"),
        (
            {
                "decision": {"action": "block", "name": "a"},
                "since": "2026-01-02T00:00Z",
                "until": "2026-01-01T00:00Z",
            },
            "since must be before until",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_the_reason(
    running: Resolver, body: dict[str, Any], why: str
) -> None:
    answer = running.api("POST", "/simulate", json=body)
    assert answer.status_code == 422, answer.text
    assert why in answer.text


def test_a_search_says_how_each_query_was_protected(running: Resolver) -> None:
    running.server.ask("locked.example.org", "A", "dot")
    _ask(running, "locked.example.org")
    _ask(running, LISTED)
    found = {one["transport"]: one for one in _logged(running, "locked.example.org", 2)}
    # The port of the test accepts anybody, so nothing proves who asked.
    assert [one["reason"] for one in found["dot"]["lock_in"]["reasons"]] == ["network_only"]
    cleartext = [one["reason"] for one in found["udp"]["lock_in"]["reasons"]]
    assert cleartext == ["cleartext", "network_only"]
    assert found["udp"]["lock_out"] is None, "it came from the cache"
    assert found["dot"]["lock_out"] == {"closed": True, "how": "certificate", "reasons": []}
    blocked = _logged(running, LISTED, 1)[0]
    assert blocked["lock_out"] is None, "it was not sent on"


def test_counts_by_api_agree_with_the_search(running: Resolver) -> None:
    _ask(running, "x.many.example.net", 3)
    _ask(running, "y.many.example.net", 2)
    logged = _logged(running, "many.example.net", 5)
    params = {"below": "many.example.net"}
    bars = running.api("GET", "/queries/histogram", params=params).json()
    assert bars["total"] == 5
    assert sum(bar["by_outcome"]["answered"] for bar in bars["items"]) == 5
    top = running.api("GET", "/queries/top/domain", params=params).json()["items"]
    assert [(one["value"], one["total"], one["withheld"]) for one in top] == [("example.net", 5, 0)]
    assert top[0]["last"] == logged[0]["time"]
    assert running.api("GET", "/queries/top/nothing").status_code == 422


def test_pages_lead_in_both_directions(running: Resolver) -> None:
    _ask(running, "paged.example.org", 6)
    logged = _logged(running, "paged.example.org", 6)
    params = {"name": "paged.example.org", "limit": "2"}
    first = running.api("GET", "/queries", params=params).json()
    second = running.api("GET", "/queries", params={**params, "cursor": first["next"]}).json()
    assert first["items"] + second["items"] == logged[:4]
    back = {**params, "cursor": second["previous"], "order": "oldest"}
    assert running.api("GET", "/queries", params=back).json()["items"] == first["items"][::-1]
    oldest = running.api("GET", "/queries", params={**params, "order": "oldest"}).json()
    assert oldest["items"] == logged[::-1][:2]


def test_live_queries_are_those_that_match(running: Resolver) -> None:
    answer = running.api("GET", "/queries/live", params={"expression": "("})
    assert answer.status_code == 400
    heard: list[dict[str, Any]] = []
    with running.api_client() as client:
        params = {"outcome": "blocked", "below": "example.com"}
        with client.stream("GET", "/queries/live", params=params) as answer:
            lines = answer.iter_lines()
            assert next(lines) == ": listening"
            # Before anything is read, the listener may not have begun: ask until it hears.
            for text in lines:
                _ask(running, "loud.example.org")
                _ask(running, LISTED)
                if text.startswith("data: "):
                    heard.append(json.loads(text.removeprefix("data: ")))
                if len(heard) == 3:
                    break
    assert {one["name"] for one in heard} == {LISTED}
    assert heard[0]["lock_in"]["closed"] is False
    until(lambda: running.api("GET", "/queries").status_code == 200, "the API answers on")
