"""Pauses and decisions act at once, end by themselves, and open nothing that was never allowed."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import pytest

from tests.world.ask import Reply
from tests.world.certificates import Authority
from tests.world.process import Program
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS, Upstream
from tests.world.waiting import ANSWER_SECONDS, until

LISTED, RULED = "tracker.example.com", "ruled.example.org"
CLOSED = "127.0.0.2"
"""An address whose policy denies by default."""


def _declare(resolver: Resolver, port: int) -> None:
    (resolver.documents / "ads.txt").write_text(f"0.0.0.0 {LISTED}\n")
    resolver.write(
        resolver.upstream(port),
        document("List", "ads", kind="block", files=["ads.txt"]),
        document("Client", "tablet", addresses=["127.0.0.3"]),
        document(
            "Policy", "home", default="allow", upstreams=["test"], lists=["ads"],
            rules=[
                {"block": [RULED]},
                {"block": ["never.example.org"], "important": True},
                {"allow": ["always.example.org"]},
            ],
        ),
        document(
            "Policy", "closed", subjects=[f"cidr:{CLOSED}/32"], default="deny",
            upstreams=["test"], lists=["ads"], rules=[{"allow": ["open.example.org"]}],
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[Resolver]:
    resolver = Resolver(tmp_path_factory.mktemp("standing") / "data", authority)
    _declare(resolver, shared_upstream.port)
    yield resolver.start()
    resolver.stop()


@pytest.fixture
def clean(running: Resolver) -> Resolver:
    """The resolver of this module with nothing paused and nothing decided."""
    running.api("DELETE", "/pauses")
    for one in running.api("GET", "/decisions").json()["items"]:
        running.api("DELETE", f"/decisions/{one['number']}")
    return running


def _as(resolver: Resolver, address: str, name: str) -> Reply:
    query = dns.message.make_query(name, "A", use_edns=0, payload=1232)
    port = resolver.server.tcp
    return Reply(
        dns.query.tcp(query, "127.0.0.1", timeout=ANSWER_SECONDS, port=port, source=address)
    )


def _run(resolver: Resolver, *words: str) -> str:
    ran = resolver.command(*words)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def _explained(resolver: Resolver, name: str, *words: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(resolver.command("explain", name, "--json", *words).stdout)
    return told


def test_a_pause_lets_lists_and_rules_through_and_resume_ends_it(clean: Resolver) -> None:
    assert clean.server.ask(LISTED).rcode == clean.server.ask(RULED).rcode == "NXDOMAIN"
    assert "paused until" in _run(clean, "pause", "--for", "10m", "--why", "a try")
    assert clean.server.ask(LISTED).addresses == clean.server.ask(RULED).addresses == [ADDRESS]
    assert clean.server.ask("never.example.org").rcode == "NXDOMAIN", "important rules go on"
    told = _explained(clean, LISTED)
    assert told["cause"]["cause"] == "pause"
    assert told["observed"]["list"] == "ads"
    assert "a try" in _run(clean, "pause")
    assert "blocked again" in _run(clean, "resume")
    assert clean.server.ask(LISTED).rcode == clean.server.ask(RULED).rcode == "NXDOMAIN"
    audit = clean.api("GET", "/audit").json()["items"]
    assert [one["action"] for one in audit[:2]] == ["resume", "pause"]


def test_a_pause_opens_nothing_that_was_never_allowed(clean: Resolver) -> None:
    _run(clean, "pause", "--for", "10m")
    for name in (LISTED, "other.example.org"):
        assert _as(clean, CLOSED, name).errors[0][1] == "denied_by_default"
    assert _as(clean, CLOSED, "open.example.org").addresses == [ADDRESS]


def test_a_pause_of_one_policy_leaves_the_others_alone(clean: Resolver) -> None:
    _run(clean, "pause", "closed", "--for", "10m")
    assert clean.server.ask(LISTED).rcode == "NXDOMAIN"
    assert clean.command("pause", "clsed", "--for", "10m").stderr.endswith("did you mean closed?\n")
    assert clean.api("DELETE", "/pauses/home").status_code == 404
    assert clean.api("DELETE", "/pauses/closed").json()["ended"] == 1


def test_a_pause_without_an_end_or_longer_than_a_day_is_refused(clean: Resolver) -> None:
    for body in ({}, {"seconds": 0}, {"seconds": 86_401}):
        assert clean.api("POST", "/pauses", json=body).status_code == 422


def test_the_log_says_what_a_pause_let_through(clean: Resolver) -> None:
    _run(clean, "pause", "--for", "10m")
    clean.server.ask(LISTED)

    def paused() -> list[dict[str, Any]]:
        lines = (clean.folder / "log" / "queries.jsonl").read_text().splitlines()
        found = [json.loads(line) for line in lines]
        ours = [one for one in found if one["name"] == LISTED]
        return [one for one in ours if (one["rule"] or "").startswith("pause until 2")]

    clean.wait_for(paused, "the log tells of the pause")
    assert paused()[-1]["observed"] == "ads"


def test_a_name_is_allowed_now_and_blocked_again_without_a_restart(clean: Resolver) -> None:
    engine = clean.program.children("engine")
    assert clean.server.ask(LISTED).rcode == "NXDOMAIN"
    said = _run(clean, "allow", LISTED)
    assert clean.server.ask(LISTED).addresses == [ADDRESS]
    assert "not by closed" in said, "for everyone, nothing that denies by default is opened"
    assert _as(clean, CLOSED, LISTED).rcode == "NXDOMAIN"
    (one,) = clean.api("GET", "/decisions").json()["items"]
    assert _explained(clean, LISTED)["cause"]["origin"] == f"decision {one['number']}"
    _run(clean, "decisions", "--remove", str(one["number"]))
    assert clean.server.ask(LISTED).rcode == "NXDOMAIN"
    assert clean.program.children("engine") == engine


def test_a_named_client_is_allowed_what_its_policy_denies_and_nobody_else_is(
    clean: Resolver,
) -> None:
    _run(clean, "allow", "other.example.org", "--client", CLOSED)
    assert _as(clean, CLOSED, "other.example.org").addresses == [ADDRESS]
    assert _as(clean, CLOSED, "third.example.org").rcode == "REFUSED"
    _run(clean, "block", "always.example.org", "--client", "client:tablet")
    assert _as(clean, "127.0.0.3", "always.example.org").rcode == "NXDOMAIN"
    assert clean.server.ask("always.example.org").addresses == [ADDRESS]
    assert "127.0.0.2" in _run(clean, "decisions")
    _run(clean, "block", "once.example.org", "--client", "127.0.0.3")
    shown = clean.api("GET", "/decisions").json()["items"]
    assert [one["client_name"] for one in shown] == ["tablet", "tablet", None]
    assert "for tablet (127.0.0.3) until" in _run(clean, "decisions")


def test_a_decision_beats_rules_but_not_important_ones_and_the_client_beats_everyone(
    clean: Resolver,
) -> None:
    _run(clean, "block", "always.example.org")
    assert clean.server.ask("always.example.org").rcode == "NXDOMAIN"
    _run(clean, "allow", "always.example.org", "--client", "client:tablet")
    assert _as(clean, "127.0.0.3", "always.example.org").addresses == [ADDRESS]
    assert clean.server.ask("always.example.org").rcode == "NXDOMAIN"
    _run(clean, "allow", "never.example.org")
    assert clean.server.ask("never.example.org").rcode == "NXDOMAIN"
    _run(clean, "block", "example.net", "--below")
    assert clean.server.ask("deep.below.example.net").rcode == "NXDOMAIN"


def test_a_decision_that_acts_nowhere_is_refused_with_the_reason(clean: Resolver) -> None:
    refused = clean.command("allow", LISTED, "--client", "token:nobody")
    assert (refused.returncode, "token:nobody is unknown" in refused.stderr) == (1, True)
    refused = clean.command("allow", "*.example.org")
    assert "one single name is wanted here" in refused.stderr
    assert clean.api("GET", "/decisions").json()["items"] == []


def test_documents_that_are_not_valid_keep_nobody_from_pausing(clean: Resolver) -> None:
    broken = clean.documents / "broken.yaml"
    broken.write_text("kind: [")
    try:
        clean.wait_for(lambda: "broken.yaml" in clean.program.output, "the mistake is told")
        _run(clean, "pause", "--for", "10m")
        assert clean.server.ask(LISTED).addresses == [ADDRESS]
    finally:
        broken.unlink()


def test_what_stands_is_in_force_again_after_a_kill_and_what_ended_is_not(
    make_resolver: Callable[[], Resolver], upstream: Upstream
) -> None:
    resolver = make_resolver()
    _declare(resolver, upstream.port)
    resolver.start()
    _run(resolver, "allow", LISTED)
    resolver.api("POST", "/pauses", json={"seconds": 1})
    resolver.kill()
    # As if the copy had not been written any more.
    (resolver.folder / "state" / "standing.json").unlink()
    resolver.start()
    resolver.wait_for_api()
    assert resolver.server.ask(LISTED).addresses == [ADDRESS]
    until(lambda: resolver.server.ask(RULED).rcode == "NXDOMAIN", "the pause is over")
    until(lambda: not resolver.api("GET", "/pauses").json()["items"], "nothing is paused")


def test_a_pause_ends_though_control_is_dead(
    make_resolver: Callable[[], Resolver], upstream: Upstream, tmp_path: Path
) -> None:
    resolver = make_resolver()
    _declare(resolver, upstream.port)
    resolver.start()
    until_second = int(time.time()) + 6
    resolver.api("POST", "/pauses", json={"seconds": 6})
    resolver.kill()
    launch = resolver.folder / "state" / "launch.json"
    engine = Program.keyhole("engine", str(launch), log=tmp_path / "engine.log")
    try:
        until(lambda: resolver.try_ask(LISTED), "the engine serves alone")
        first = resolver.server.ask(LISTED)
        assert first.addresses == [ADDRESS] or time.time() >= until_second
        until(lambda: resolver.server.ask(LISTED).rcode == "NXDOMAIN", "it blocks again")
        assert time.time() >= until_second
        engine.must_run()
    finally:
        engine.stop()
