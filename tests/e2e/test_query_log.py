"""What became of each query is written down, and a draft can be tried on it."""

import json
import ssl
from pathlib import Path
from typing import Any

import dns.message
import pytest

from tests.world import raw
from tests.world.history import line
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream

_NOW = 1_790_000_000_000_000


def log_of(resolver: Resolver) -> Path:
    return resolver.folder / "log" / "queries.jsonl"


def events(resolver: Resolver) -> list[dict[str, Any]]:
    """The whole lines of the log so far."""
    path = log_of(resolver)
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def event_of(resolver: Resolver, name: str) -> dict[str, Any]:
    """The event of the only query for this name, once it is written."""

    def written() -> list[dict[str, Any]]:
        return [event for event in events(resolver) if event["name"] == name]

    resolver.wait_for(written, f"the query for {name} is written down")
    (event,) = written()
    return event


def write_log(resolver: Resolver, *written: dict[str, Any]) -> None:
    """Writes a log as an engine does, for a resolver that does not run."""
    resolver.configure()
    log_of(resolver).parent.mkdir()
    log_of(resolver).write_text("".join(f"{json.dumps(one)}\n" for one in written))


def simulate(resolver: Resolver, *arguments: str) -> tuple[int, str]:
    ran = call_keyhole("simulate", *arguments, "--data", str(resolver.folder))
    return ran.returncode, ran.stdout + ran.stderr


def judged(resolver: Resolver, *arguments: str) -> dict[str, Any]:
    _, output = simulate(resolver, *arguments, "--json")
    told: dict[str, Any] = json.loads(output)
    return told


def draft(folder: Path, *documents: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "draft.yaml"
    path.write_text("---\n".join(f"{json.dumps(one)}\n" for one in documents))
    return path


def home(*rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    spec = {"default": "allow", "upstreams": ["test"], "rules": list(rules), **spec}
    return document("Policy", "home", **spec)


def test_every_query_is_written_down_with_its_transport_and_what_decided(
    resolver: Resolver, upstream: Upstream
) -> None:
    resolver.write(home({"block": ["*.ads.example.org"]}))
    server = resolver.start().server
    for transport in ("udp", "tcp", "dot", "doh"):
        name = f"{transport}.ads.example.org"
        server.ask(name, "A", transport)
        event = event_of(resolver, name)
        assert (event["transport"], event["client"]) == (transport, "127.0.0.1")
        assert (event["outcome"], event["reason"]) == ("blocked", "blocked_by_rule")
        assert event["answer"] == "nxdomain"
        assert event.get("tls") == (None if transport in ("udp", "tcp") else "1.3")
        assert "Policy/home spec.rules[0]" in event["rule"]
    server.ask("www.example.org")
    event = event_of(resolver, "www.example.org")
    assert (event["reason"], event["upstream"]) == ("forwarded", "test")
    assert event["duration_us"] > 0
    assert log_of(resolver).stat().st_mode & 0o777 == 0o600
    assert log_of(resolver).parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_versions_of_tls_of_client_and_upstream_are_written_down(
    resolver: Resolver, version: ssl.TLSVersion
) -> None:
    server = resolver.start().server
    context = server.tls
    context.minimum_version = context.maximum_version = version
    with raw.tls(server, context) as stream:
        for _ in range(2):
            stream.send(dns.message.make_query("www.example.org", "A").to_wire())
            assert stream.receive()

    def written() -> list[dict[str, Any]]:
        return [event for event in events(resolver) if event["name"] == "www.example.org"]

    resolver.wait_for(lambda: len(written()) == 2, "both queries are written down")
    asked, cached = written()
    expected = {ssl.TLSVersion.TLSv1_2: "1.2", ssl.TLSVersion.TLSv1_3: "1.3"}[version]
    assert (asked["tls"], asked["upstream_tls"]) == (expected, "1.3")
    assert (cached["reason"], cached["tls"]) == ("cached", expected)
    assert "upstream_tls" not in cached, "nobody was asked"


def test_what_was_asked_just_before_the_end_is_written_too(resolver: Resolver) -> None:
    server = resolver.start().server
    names = [f"last{number}.example.org" for number in range(20)]
    for name in names:
        server.ask(name)
    resolver.stop()
    # Keyhole itself may have asked whether the upstream can be reached.
    written = [event["name"] for event in events(resolver) if event["name"] in names]
    assert sorted(written) == sorted(names)


def test_a_log_survives_its_engine(resolver: Resolver) -> None:
    server = resolver.start().server
    server.ask("before.example.org")
    event_of(resolver, "before.example.org")
    resolver.stop()
    resolver.start()
    server.ask("after.example.org")
    event_of(resolver, "after.example.org")
    event_of(resolver, "before.example.org")


def test_without_a_log_nothing_is_written(resolver: Resolver) -> None:
    resolver.configure(log={"keep": 0})
    resolver.start().server.ask("www.example.org")
    resolver.stop()
    assert not log_of(resolver).parent.exists()


def test_a_log_that_cannot_be_written_costs_no_answer_and_is_resumed(resolver: Resolver) -> None:
    in_the_way = log_of(resolver).parent
    in_the_way.write_text("a file where the folder should be")
    server = resolver.start().server
    resolver.wait_for(lambda: "cannot be written" in resolver.program.output, "it says so")
    assert server.ask("first.example.org").rcode == "NOERROR"
    in_the_way.unlink()

    def resumed() -> bool:
        server.ask("again.example.org")
        return "the query log is written again" in resolver.program.output

    resolver.wait_for(resumed, "it goes on by itself")
    assert resolver.program.output.count("cannot be written") == 1
    resolver.wait_for(lambda: events(resolver), "there are lines")
    assert events(resolver)[0]["lost"] > 0


def test_a_draft_is_tried_on_the_queries_of_the_log(resolver: Resolver, tmp_path: Path) -> None:
    resolver.write(home({"block": ["*.ads.example.org"]}, {"block": ["old.example.org"]}))
    server = resolver.start().server
    for name, times in (("www.example.org", 3), ("old.example.org", 2), ("x.ads.example.org", 1)):
        for _ in range(times):
            server.ask(name)
    resolver.stop()
    total = len(events(resolver))
    new = home({"block": ["*.ads.example.org"]}, {"block": ["www.example.org"]})
    path = draft(tmp_path / "draft", new)

    code, output = simulate(resolver, str(path))
    assert code == 1, output
    assert f"this change would have blocked 3 of {total:,} queries, allowed 2" in output
    lines = output.splitlines()
    assert lines[0] == "127.0.0.1"
    assert "newly blocked www.example.org A, 3 times" in lines[1]
    assert "blocked_by_rule" in lines[1]
    assert "draft.yaml:1 Policy/home spec.rules[1]" in lines[1]
    assert "newly allowed old.example.org A, 2 times" in lines[2]
    assert "ads" not in output

    told = judged(resolver, str(path), "--log", str(log_of(resolver)))
    assert [(one["what"], one["name"], one["count"]) for one in told["changes"]] == [
        ("newly blocked", "www.example.org", 3),
        ("newly allowed", "old.example.org", 2),
    ]
    assert told["changes"][0]["client"] == {"address": "127.0.0.1"}


def test_a_draft_that_changes_nothing_says_so_and_one_that_is_not_valid_too(
    resolver: Resolver, tmp_path: Path
) -> None:
    write_log(resolver, line(_NOW))
    code, output = simulate(resolver, str(resolver.documents))
    assert code == 0, output
    assert "would have blocked 0 of" in output
    observing = home({"block": ["www.example.org"], "mode": "observe"})
    code, output = simulate(resolver, str(draft(tmp_path / "observing", observing)))
    assert code == 0, output
    assert "would be observed www.example.org A, 1 time" in output
    code, output = simulate(resolver, str(draft(tmp_path / "wrong", home(default="maybe"))))
    assert code == 3, output
    assert "draft.yaml:1 Policy/home spec.default" in output
    alone = tmp_path / "alone"
    draft(alone, home())
    code, output = simulate(resolver, str(alone))
    assert code == 3, "a folder is the whole set, and this one has no upstream"
    assert "there is no Upstream" in output or "test" in output


def test_damage_and_gaps_of_the_log_are_told_and_no_name_reaches_the_terminal_raw(
    resolver: Resolver, tmp_path: Path
) -> None:
    resolver.configure()
    event = line(_NOW, client="127.0.0.1", upstream="test")
    whole = json.dumps(event)
    log = tmp_path / "queries.jsonl"
    lines = [
        whole,
        whole[:-20],
        json.dumps({**event, "name": "\x1b[31mred.example.org"}),
        json.dumps({**event, "token": "tv\u202e[bold]"}),
        json.dumps({**event, "client": None, "identity": None, "token": None}),
        json.dumps({**event, "name": None, "type": None, "reason": "malformed"}),
        json.dumps({"lost": 1200}),
    ]
    log.write_text("".join(f"{one}\n" for one in lines))
    path = draft(tmp_path / "draft", home({"block": ["www.example.org"]}))
    code, output = simulate(resolver, str(path), "--log", str(log))
    assert code == 1, output
    assert "damaged lines in the log, skipped: 2" in output
    assert "missing in the log, which says so itself: 1,200 queries" in output
    assert "without a client in the log: 1 query" in output
    assert "left out, since no document decides them: 1 query (malformed 1)" in output
    assert r"token tv\u202e[bold]" in output
    assert "\x1b" not in output
    assert "\u202e" not in output
