"""A client that sends data out by names is stopped by its budget, and nobody else is."""

import re
from typing import Any

from tests.world.callers import Caller, ask_as
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream

from .test_query_log import events

_BUDGETS = {"alert": "256B", "throttle": "1KiB", "block": "1KiB", "day": "2KiB"}
_NAMES = 24  # of 64 octets each
_FIT = 1024 // 64


def _name(number: int) -> str:
    return f"{number:062}.x.evil.example"


def _start(resolver: Resolver, upstream: Upstream, mode: str, **more: str) -> dict[str, Caller]:
    resolver.write(
        resolver.upstream(upstream.port),
        document("Policy", "home", default="allow", tunneling={"mode": mode, **_BUDGETS, **more}),
    )
    resolver.start()
    resolver.wait_for_api()
    callers = {name: Caller(token=_token(resolver, name)) for name in ("bad", "good")}
    resolver.settle()
    return callers


def _token(resolver: Resolver, name: str) -> str:
    found = re.search(r"\b[a-z2-7]{32}\b", resolver.command("token", "create", name).stdout)
    assert found is not None
    return found[0]


def _tunnel(resolver: Resolver, caller: Caller) -> list[str]:
    """Asks for new names below one domain; gives the reason of each refusal, or nothing."""
    said = []
    for number in range(_NAMES):
        reply = ask_as(resolver.server, "dot", caller, _name(number))
        said.append(reply.errors[0][1] if reply.rcode == "REFUSED" else "")
    return said


def test_a_workload_that_tunnels_is_blocked_and_another_one_is_not_touched(
    resolver: Resolver, upstream: Upstream
) -> None:
    callers = _start(resolver, upstream, "enforce")
    said = _tunnel(resolver, callers["bad"])
    assert said[:_FIT] == [""] * _FIT
    assert all(one.startswith("tunnel_budget") for one in said[_FIT:])
    left = {name for name in upstream.questions if "evil.example" in name}
    assert sum(len(name.removesuffix(".evil.example.")) for name in left) == 1024
    other = ask_as(resolver.server, "dot", callers["good"], _name(_NAMES))
    assert other.rcode != "REFUSED"
    calm = ask_as(resolver.server, "dot", callers["bad"], "www.example.org")
    assert calm.rcode != "REFUSED", "another domain of the same client"
    _check_finding(resolver)
    told = ask_as(resolver.server, "dot", callers["good"], "big-1.other.example", "TXT")
    assert told.rcode == "REFUSED", "an answer of 3,000 octets"
    assert told.errors[0][1].startswith("tunnel_budget")


def _check_finding(resolver: Resolver) -> None:
    """What people see of it, and do about it."""

    def found() -> bool:
        items = resolver.api("GET", "/findings", params={"state": "open"}).json()["items"]
        return [sum(one["refused"].values()) for one in items] == [_NAMES - _FIT]

    resolver.wait_for(found, "the finding has all queries that were refused")
    one = resolver.api("GET", "/findings/1").json()
    assert one["client"] == {"kind": "token", "value": "bad", "name": None, "name_source": None}
    assert (one["domain"], one["policy"], one["rule"]) == (
        "evil.example",
        "home",
        "tunneling.block",
    )
    assert (one["action"], one["octets"], one["observed"]) == ("blocked", 1024 + 64, {"alert": 1})
    assert one["names"][:2] == [_name(3), _name(_FIT)]
    assert resolver.api("GET", "/status").json()["open_findings"] == 1
    shown = resolver.command("findings", "show", "1").stdout
    assert all(word in shown for word in ("token bad", "8 refused", _name(_FIT)))
    muted = resolver.command("findings", "mute", "1", "--for", "1d", "--why", "a test").stdout
    assert "muted until" in muted
    assert "a test" in muted
    assert "no open findings" in resolver.command("findings").stdout
    assert "token bad" in resolver.command("findings", "--all").stdout
    assert "closed" in resolver.command("findings", "close", "1").stdout
    assert resolver.api("GET", "/findings/2").status_code == 404


def test_a_policy_that_observes_says_what_it_would_have_done_and_refuses_nothing(
    resolver: Resolver, upstream: Upstream
) -> None:
    callers = _start(resolver, upstream, "observe")
    assert _tunnel(resolver, callers["bad"]) == [""] * _NAMES

    def logged() -> bool:
        return any(one["name"] == _name(_NAMES - 1) for one in events(resolver))

    resolver.wait_for(logged, "the last query is in the log")
    observed = {one["name"]: one["observed"] for one in events(resolver) if one["observed"]}
    assert observed[_name(3)] == "tunneling: alert"
    blocked = [name for name, said in observed.items() if said == "tunneling: block"]
    assert blocked == [_name(number) for number in range(_FIT, _NAMES)]
    assert resolver.api("GET", "/status").json()["counters"]["tunnel_alerts"] == 1
    assert all(upstream.times_asked(_name(number)) for number in range(_NAMES))


def test_a_workload_that_used_up_its_budget_is_in_quarantine_until_it_ends_or_is_lifted(
    resolver: Resolver, upstream: Upstream
) -> None:
    callers = _start(resolver, upstream, "enforce", quarantine="1h")

    def refusal(caller: str) -> str:
        reply = ask_as(resolver.server, "dot", callers[caller], "www.example.org")
        return reply.errors[0][1] if reply.rcode == "REFUSED" else ""

    def listed() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = resolver.api("GET", "/quarantines").json()["items"]
        return items

    assert refusal("bad") == ""
    _tunnel(resolver, callers["bad"])
    resolver.wait_for(lambda: bool(listed()), "its policy has it in quarantine")
    (one,) = listed()
    assert (one["client"], one["who"]) == ("token:bad", "keyhole")
    assert one["why"].startswith("finding 1: ")
    resolver.wait_for(lambda: refusal("bad") != "", "the engine refuses it everything")
    assert (refusal("bad").partition(":")[0], refusal("good")) == ("denied_by_default", "")
    assert resolver.api("GET", "/decisions").json()["items"] == []
    assert resolver.api("DELETE", f"/decisions/{one['number']}").status_code == 404
    resolver.stop()
    resolver.start()
    resolver.wait_for_api()
    assert refusal("bad").startswith("denied_by_default"), "a restart frees nobody"
    shown = resolver.command("quarantine", "list").stdout
    assert all(word in shown for word in ("token:bad", "by keyhole", "finding 1"))
    resolver.command("quarantine", "lift", str(one["number"]), "--why", "reinstalled")
    assert (refusal("bad"), listed()) == ("", [])
    # The next look at the log does not put it back for the same names.
    assert resolver.api("GET", "/findings/1").json()["action"] == "blocked"
    added = resolver.command(
        "quarantine", "add", "token:good", "--for", "1d", "--why", "a drill"
    ).stdout
    assert "token:good" in added
    assert refusal("good").startswith("denied_by_default")
    audit = resolver.api("GET", "/audit").json()["items"]
    done = [line["action"] for line in audit if line["action"].startswith("quarantine")]
    assert done == ["quarantine", "quarantine_lifted", "quarantine"]


def test_a_client_that_asks_for_domains_that_do_not_exist_is_a_finding_and_is_slowed(
    resolver: Resolver, upstream: Upstream
) -> None:
    resolver.write(
        resolver.upstream(upstream.port),
        document("Policy", "home", default="allow", missingDomains="enforce"),
    )
    resolver.start()
    resolver.wait_for_api()
    callers = {name: Caller(token=_token(resolver, name)) for name in ("bot", "good")}
    resolver.settle()

    def ask(caller: str, name: str) -> str:
        reply = ask_as(resolver.server, "dot", callers[caller], name)
        return reply.errors[0][1] if reply.rcode == "REFUSED" else reply.rcode

    assert ask("bot", "www.used.com") == "NOERROR"
    said = [ask("bot", f"missing-{number}.com") for number in range(60)]
    assert said[:51] == ["NXDOMAIN"] * 51
    assert any(one.startswith("missing_domains") for one in said[51:])
    assert (ask("bot", "www.used.com"), ask("good", "missing-y.com")) == ("NOERROR", "NXDOMAIN")

    def found() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = resolver.api("GET", "/findings").json()["items"]
        return [one for one in items if one["action"] == "throttled"]

    resolver.wait_for(lambda: bool(found()), "the client is a finding")
    (one,) = found()
    assert (one["kind"], one["client"]["value"], one["domain"]) == ("missing", "bot", "")
    assert (one["rule"], one["names"][0]) == ("missingDomains", "missing-50.com")
    assert "domains that do not exist" in resolver.command("findings").stdout
