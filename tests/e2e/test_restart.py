"""Deaths: what is killed comes back, what is ended leaves nothing behind."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.world.process import Program
from tests.world.resolver import Resolver
from tests.world.upstream import ADDRESS
from tests.world.waiting import until


def test_an_engine_killed_under_load_answers_again(resolver: Resolver) -> None:
    server = resolver.start().server
    # An engine that dies before it has said that it is ready ends the start.
    resolver.wait_for_api()
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            resolver.try_ask("load.example.org")

    clients = [threading.Thread(target=load) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        (engine,) = resolver.program.children("engine")
        os.kill(engine, signal.SIGKILL)
        until(lambda: engine not in resolver.program.children("engine"), "the engine is dead")
        resolver.wait_for(lambda: resolver.try_ask("load.example.org"), "it answers again")
    finally:
        done.set()
        for client in clients:
            client.join()
    assert server.ask("after.example.org", transport="dot").addresses == [ADDRESS]
    assert server.ask("after.example.org", transport="doh").addresses == [ADDRESS]


def test_an_engine_starts_from_the_last_good_snapshot(resolver: Resolver) -> None:
    resolver.start()
    resolver.wait_for_api()
    before = resolver.program.output
    (resolver.documents / "policy-home.yaml").write_text("kind: [")
    resolver.wait_for(lambda: len(resolver.program.output) > len(before), "the change is refused")
    (engine,) = resolver.program.children("engine")
    os.kill(engine, signal.SIGKILL)
    until(lambda: engine not in resolver.program.children("engine"), "the engine is dead")
    resolver.wait_for(lambda: resolver.try_ask("again.example.org"), "it answers again")
    assert resolver.server.ask("again.example.org").addresses == [ADDRESS]


def test_a_whole_restart_needs_nothing_but_the_data_folder(resolver: Resolver) -> None:
    resolver.start()
    resolver.stop()
    resolver.start()
    assert resolver.server.ask("again.example.org").addresses == [ADDRESS]


def test_killing_the_supervisor_leaves_no_engine(make_resolver: Callable[[], Resolver]) -> None:
    resolver = make_resolver().start()
    program = resolver.program
    program.send(signal.SIGKILL)
    program.wait()
    until(lambda: not program.survivors(), "all processes followed their supervisor")


def test_sigterm_and_ctrl_c_end_it_in_order(make_resolver: Callable[[], Resolver]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        program = make_resolver().start().program
        assert program.stop(number) in (0, 130, 143), program.output
        assert "Traceback" not in program.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_control_that_waits_for_an_engine_ends_at_a_signal(
    make_resolver: Callable[[], Resolver], tmp_path: Path, number: signal.Signals
) -> None:
    """Started by hand, without an engine: it does not wait until it gives that one up."""
    resolver = make_resolver()
    resolver.configure()
    program = Program.keyhole(
        "control", "--data", str(resolver.folder), log=tmp_path / "control.log"
    )
    until(lambda: (resolver.folder / "state" / "launch.json").exists(), "it waits for an engine")
    assert program.stop(number) in (0, 130, 143), program.output
    assert "no engine came" not in program.output
    assert "Traceback" not in program.output
