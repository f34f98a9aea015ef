"""The log of operation as JSON: one event a line, of every process, and no names of queries."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.world.process import Program, run_keyhole
from tests.world.resolver import Resolver

_TYPO = {"apiVersion": "keyhole.dev/v1", "kind": "Typo", "metadata": {"name": "typo"}}


def _start(resolver: Resolver, *more: str) -> None:
    log = resolver.folder.parent / f"{resolver.folder.name}.log"
    resolver.run(Program.keyhole("up", "--data", str(resolver.folder), *more, log=log))


def _events(resolver: Resolver) -> list[dict[str, Any]]:
    lines = resolver.program.output.splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def test_each_event_is_one_line_of_json(make_resolver: Callable[[], Resolver]) -> None:
    resolver = make_resolver()
    resolver.configure()
    _start(resolver, "--log-format", "json")
    resolver.settle()
    resolver.server.ask("secret-name.example.org")
    resolver.write(_TYPO)
    resolver.wait_for(
        lambda: [one for one in _events(resolver) if one["level"] == "error"], "the error is told"
    )
    events = _events(resolver)
    assert {tuple(one)[:4] for one in events} == {("time", "level", "process", "event")}
    assert {one["level"] for one in events} <= {"info", "warning", "error"}
    serves = next(one for one in events if one["event"] == "Keyhole serves")
    assert serves["process"] == "control"
    assert f"DNS over UDP: 127.0.0.1:{resolver.server.udp}" in serves["details"]
    assert "secret-name" not in resolver.program.output


def test_lower_levels_are_left_out(make_resolver: Callable[[], Resolver]) -> None:
    resolver = make_resolver()
    resolver.configure()
    _start(resolver, "--log-format", "json", "--log-level", "error")
    resolver.write(_TYPO)
    resolver.wait_for(lambda: _events(resolver), "the error is told")
    assert {one["level"] for one in _events(resolver)} == {"error"}


@pytest.mark.parametrize(
    ("option", "right"), [("--log-format", "json"), ("--log-level", "warning")]
)
def test_a_wrong_word_is_refused_with_the_right_ones(option: str, right: str) -> None:
    done = run_keyhole("up", option, "loud")
    assert done.returncode == 2
    assert right in done.stderr
