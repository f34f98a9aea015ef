"""Engines on other machines: led over mutual TLS, on their own when they have to be."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.world.certificates import Authority
from tests.world.fleet import BERLIN, Fleet
from tests.world.process import Program, call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.tools import needs, run
from tests.world.upstream import ADDRESS, Upstream
from tests.world.waiting import until


def _prepare(fleet: Fleet, upstream: Upstream) -> Fleet:
    fleet.control.write(
        fleet.control.upstream(upstream.port),
        document("List", "ads", files=["ads.txt"]),
        document("Policy", "home", default="allow", upstreams=["test"], lists=["ads"]),
    )
    (fleet.control.documents / "ads.txt").write_text("ads.example.com\n")
    return fleet


@pytest.fixture
def fleet(make_resolver: Callable[[], Resolver], upstream: Upstream) -> Fleet:
    """A fleet that is not started."""
    return _prepare(Fleet(make_resolver), upstream)


@pytest.fixture(scope="module")
def module_fleet(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[Fleet]:
    """The fleet behind `running`."""
    folders = (tmp_path_factory.mktemp("fleet") / name for name in ("control", "engine"))
    fleet = Fleet(lambda: Resolver(next(folders), authority))
    yield _prepare(fleet, shared_upstream).start()
    fleet.engine_host.stop()
    fleet.control.stop()


@pytest.fixture
def running(module_fleet: Fleet, shared_upstream: Upstream) -> Fleet:
    """A running fleet for tests after which it works as before."""
    _prepare(module_fleet, shared_upstream).settle()
    module_fleet.wait_for_state("in force")
    return module_fleet


def _names(fleet: Fleet) -> set[str]:
    page = fleet.control.api("GET", "/queries", params={"limit": "1000"}).json()
    return {row["name"] for row in page["items"]}


def test_the_graph_shows_what_an_engine_elsewhere_was_asked(running: Fleet) -> None:
    running.engine_host.server.ask("drawn.example.org", "A", "dot")

    def drawn() -> dict[str, Any] | None:
        graph: dict[str, Any] = running.control.api("GET", "/graph").json()
        there = {(one["source"], one["target"]) for one in graph["edges"]}
        is_there = (f"engine:{BERLIN}", "upstream:test") in there
        return graph if is_there and ("address:127.0.0.1", f"engine:{BERLIN}") in there else None

    graph = until(drawn, "the queries of the engine are drawn") or {}
    asks = sum(one["traffic"]["queries"] for one in graph["edges"] if one["kind"] == "asks")
    assert asks == graph["traffic"]["queries"]
    labels = {one["id"]: one["label"] for one in graph["nodes"]}
    assert labels[f"engine:{BERLIN}"] == "berlin"


def test_an_engine_elsewhere_decides_by_the_same_documents_and_lists(running: Fleet) -> None:
    fleet = running
    engine_host = fleet.engine_host.server
    assert engine_host.ask("ads.example.com").rcode == "NXDOMAIN"
    assert engine_host.ask("www.example.org", transport="dot").addresses == [ADDRESS]
    state = fleet.wait_for_state("in force")
    assert state["number"] == state["wanted"]
    assert state["addresses"]["udp"] == [f"127.0.0.1:{engine_host.udp}"]
    (fleet.control.documents / "ads.txt").write_text("other.example.com\n")
    fleet.settle()
    assert engine_host.ask("other.example.com").rcode == "NXDOMAIN"
    assert engine_host.ask("ads.example.com").addresses == [ADDRESS]
    state_folder = fleet.engine_host.folder / "state"
    # It decides by the new ones a moment before it removes the old ones.
    until(lambda: len(list(state_folder.glob("lists-*.khl"))) == 1, "the old lists are removed")


def test_what_it_was_asked_is_in_the_history_of_control_once(fleet: Fleet) -> None:
    fleet.start()
    fleet.wait_for_state("in force")
    for number in range(20):
        fleet.engine_host.server.ask(f"far{number}.example.org")
    far = {f"far{number}.example.org" for number in range(20)}
    fleet.control.wait_for(lambda: far <= _names(fleet), "all of them are found")
    # Neither end remembers anything that a kill of both could lose or double.
    fleet.engine_host.kill()
    fleet.control.kill()
    fleet.control.start()
    fleet.engine_host.start_refusing()
    fleet.settle()
    fleet.engine_host.server.ask("after.example.org")
    fleet.control.wait_for(lambda: "after.example.org" in _names(fleet), "the new one is found")
    params = {"expression": "^far[0-9]+[.]", "limit": "1000"}
    rows = fleet.control.api("GET", "/queries", params=params).json()["items"]
    assert sorted(row["name"] for row in rows) == sorted(far)


def test_while_control_is_gone_it_serves_from_what_it_has_also_after_a_restart(
    fleet: Fleet,
) -> None:
    fleet.start()
    fleet.wait_for_state("in force")
    fleet.control.stop()
    fleet.engine_host.stop()
    fleet.engine_host.start_refusing()
    assert fleet.engine_host.server.ask("ads.example.com").rcode == "NXDOMAIN"
    assert fleet.engine_host.server.ask("alone.example.org").addresses == [ADDRESS]
    fleet.control.start()
    fleet.settle()
    fleet.wait_for_state("in force")


def test_an_engine_whose_snapshot_was_damaged_serves_from_the_copy_or_gets_another(
    fleet: Fleet,
) -> None:
    fleet.start()
    fleet.wait_for_state("in force")
    host, state = fleet.engine_host, fleet.engine_host.folder / "state"

    def decides() -> bool:
        reply = host.try_ask("ads.example.com")
        return reply is not None and reply.rcode == "NXDOMAIN"

    host.stop()
    fleet.control.stop()
    (state / "snapshot.json").write_bytes(b"\0garbage")
    host.start_refusing()
    host.wait_for(decides, "the copy serves while control is gone")
    host.stop()
    for file in ("snapshot.json", "snapshot-copy.json"):
        (state / file).write_bytes(b"\0garbage")
    fleet.control.start()
    host.start_refusing()
    host.wait_for(decides, "control sends the same snapshot once more")


def test_an_engine_that_cannot_take_a_snapshot_is_shown_with_its_reason(running: Fleet) -> None:
    fleet = running
    state = fleet.engine_host.folder / "state"
    # Something is in the way of the draft, as a broken disk would be.
    (state / "draft.json").unlink(missing_ok=True)
    (state / "draft.json").mkdir()
    fleet.control.settle()
    found = fleet.wait_for_state("behind")
    fleet.control.wait_for(lambda: fleet.state()["why"] != "", "the reason is known")
    assert "draft.json" in fleet.state()["why"]
    assert found["number"] < found["wanted"]
    said = fleet.control.command("engines")
    assert said.returncode == 1
    assert f"{BERLIN}: behind; snapshot {found['number']} of {found['wanted']}" in said.stdout
    assert fleet.engine_host.server.ask("ads.example.com").rcode == "NXDOMAIN", "as before"
    fleet.control.wait_for(
        lambda: f"the engine {BERLIN} is behind" in fleet.control.program.output, "it is told"
    )
    (state / "draft.json").rmdir()
    fleet.settle()
    fleet.wait_for_state("in force")
    assert fleet.control.command("engines").returncode == 0


def test_an_engine_that_was_killed_comes_back_and_is_led_again(running: Fleet) -> None:
    fleet = running
    (engine,) = fleet.engine_host.program.children("engine")
    os.kill(engine, signal.SIGKILL)
    until(lambda: engine not in fleet.engine_host.program.children("engine"), "the engine is dead")
    fleet.engine_host.wait_for(
        lambda: fleet.engine_host.try_ask("again.example.org"), "it answers again"
    )
    fleet.settle()
    assert fleet.wait_for_state("in force")["pid"] != engine


def test_whoever_is_not_named_or_revoked_gets_nothing(fleet: Fleet) -> None:
    fleet.control.configure(link=fleet.link)
    fleet.control.start()
    fleet.enroll("engines/paris")
    fleet.lead()
    fleet.engine_host.start_refusing()
    paris = "spiffe://keyhole.internal/ns/engines/sa/paris"
    fleet.control.wait_for(
        lambda: f"{paris} is not in link.engines" in fleet.control.program.output, "it is refused"
    )
    assert fleet.engine_host.server.ask("www.example.org").rcode == "REFUSED"
    assert fleet.state()["state"] == "never seen"
    fleet.engine_host.stop()
    folder = fleet.engine_host.folder / "engine"
    for file in folder.iterdir():
        if file.is_symlink():
            file.unlink()
    fleet.enroll("engines/berlin")
    fleet.engine_host.start_refusing()
    fleet.settle()
    fleet.wait_for_state("in force")
    done = fleet.control.command("identity", "revoke", "engines/berlin")
    assert done.returncode == 0, done.stderr
    fleet.control.wait_for(
        lambda: f"{BERLIN} is revoked" in fleet.control.program.output, "it is turned away"
    )


@needs("curl")
def test_without_a_certificate_of_ours_there_is_no_connection(running: Fleet) -> None:
    fleet = running
    root = str(fleet.control.folder / "identity" / "root.pem")
    url = f"https://127.0.0.1:{fleet.port}/link/v1/poll"
    asked = ("curl", "-sS", "--cacert", root, "--max-time", "10", "-d", "{}")
    without = run(*asked, url)
    assert (without.returncode != 0, without.stdout) == (True, "")
    folder = fleet.engine_host.folder / "engine"
    shown = ("--cert", str(folder / "svid.pem"), "--key", str(folder / "svid-key.pem"))
    assert "not a poll" in run(*asked, *shown, url).stdout, "it is the certificate that matters"


def test_control_and_engine_that_are_started_by_hand_find_each_other(
    resolver: Resolver, tmp_path: Path
) -> None:
    """As in two containers with one data folder; either may end and come back."""
    with ExitStack() as stack:
        control = _start_control(resolver, tmp_path, stack)
        _start_engine(resolver, tmp_path, stack)
        control.stop()
        _control_comes_back(resolver, tmp_path, stack)


def test_a_first_start_that_is_killed_before_its_engine_came_is_completed_by_the_next_one(
    resolver: Resolver, tmp_path: Path
) -> None:
    """The engine leaves its log there, and control has stored nothing that it put in force."""
    with ExitStack() as stack:
        control = _start_control(resolver, tmp_path, stack)
        control.send(signal.SIGKILL)
        _start_engine(resolver, tmp_path, stack)
        _control_comes_back(resolver, tmp_path, stack)
        said = call_keyhole("status", "--data", str(resolver.folder)).stdout
        assert "missing" not in said, said


def _start_control(resolver: Resolver, folder: Path, stack: ExitStack) -> Program:
    resolver.configure()
    control = _start(stack, folder, "control", "--data", str(resolver.folder))
    launch = resolver.folder / "state" / "launch.json"
    until(launch.exists, "control has written what the engine needs")
    return control


def _start_engine(resolver: Resolver, folder: Path, stack: ExitStack) -> None:
    _start(stack, folder, "engine", str(resolver.folder / "state" / "launch.json"))
    until(lambda: resolver.try_ask("localhost"), "the engine answers")


def _control_comes_back(resolver: Resolver, folder: Path, stack: ExitStack) -> None:
    assert resolver.server.ask("localhost").addresses == ["127.0.0.1"]
    again = _start(stack, folder, "control", "--data", str(resolver.folder))
    until(resolver._has_api, "the API serves")
    resolver.write(document("Record", "new", name="new.example.org", a=["192.0.2.1"]))
    until(
        lambda: resolver.server.ask("new.example.org").addresses == ["192.0.2.1"],
        "a change reaches the engine",
    )
    again.must_run()


def _start(stack: ExitStack, folder: Path, *words: str) -> Program:
    started = Program.keyhole(*words, log=folder / f"{words[0]}.log")
    stack.callback(started.stop)
    return started


def test_the_status_of_engines_is_json_for_programs(shared_resolver: Resolver) -> None:
    done = shared_resolver.command("engines", "--json")
    (local,) = json.loads(done.stdout)
    assert (local["name"], local["state"]) == ("local", "in force")
    assert done.returncode == 0
