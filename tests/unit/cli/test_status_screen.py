"""`keyhole status` fits on one screen, and says first what is wrong."""

from typing import Any

from rich.console import Console

from keyhole.cli.status_screen import show_status

_SINCE = "2026-11-30T20:00:00Z"


def _upstream(name: str, condition: str, **more: Any) -> dict[str, Any]:
    common = {"name": name, "protocol": "doh", "condition": condition, "since": _SINCE}
    return {**common, "last_error": None, "round_trip": 0.0124, **more}


def _list(name: str, **more: Any) -> dict[str, Any]:
    common = {"name": name, "state": "in force", "taken": 90_000, "checked": _SINCE}
    return {**common, "failing_since": None, "why": "", **more}


def _found(**changes: Any) -> dict[str, Any]:
    transports = ("udp", "tcp", "dot", "doh", "mesh")
    return {
        "role": "resolver",
        "version": "0.1.0",
        "uptime": 183_723,
        "rate": 12.34,
        "wrong": [],
        "listeners": {one: [] if one == "mesh" else ["127.0.0.1:5300"] for one in transports},
        "page": "http://127.0.0.1:8080",
        "blocking": {"state": "on", "until": None, "paused": []},
        "lists_in_use": [_list("hagezi-light"), _list("stevenblack")],
        "upstreams": [_upstream("quad9", "works"), _upstream("cloudflare", "works")],
        **{key: [] for key in ("parts", "lists", "undelivered", "handshakes", "dnstap")},
        "closed_connections": {},
        "traces": None,
        **changes,
    }


def _shown(**changes: Any) -> list[str]:
    terminal = Console(width=80, highlight=False, record=True, file=None, quiet=False)
    with terminal.capture() as captured:
        show_status(terminal, _found(**changes))
    return captured.get().splitlines()


def test_what_works_is_one_screen() -> None:
    lines = _shown()
    assert len(lines) <= 24
    assert lines[0] == "Keyhole resolver, version 0.1.0, up 2d 3h, 12.3 queries a second"
    assert lines[1] == "all works"
    assert not [one for one in lines if "mesh" in one], "what does not listen is left out"
    text = "\n".join(lines)
    assert "blocking: on" in text
    assert "lists: 2 of 2 in force, 180,000 entries, checked" in text
    assert "quad9 (doh): works, 12 ms, since" in text


def test_what_is_wrong_comes_first_and_its_reason_below() -> None:
    lines = _shown(
        wrong=["no upstream works", "list ads has no entries"],
        blocking={"state": "waiting", "until": None, "paused": []},
        lists_in_use=[
            _list("ads", state="held back", taken=0, failing_since=_SINCE, why="HTTP 404")
        ],
        upstreams=[_upstream("quad9", "fails", last_error="no connection")],
    )
    assert lines[1:3] == ["wrong: no upstream works", "wrong: list ads has no entries"]
    text = "\n".join(lines)
    assert "blocking: nothing yet, no list has entries" in text
    assert "ads: no entries yet, failing since" in text
    assert "HTTP 404" in text
    assert "upstream quad9 is asked after the others since" in text


def test_answers_that_were_cut_over_udp_name_the_setting_that_may_be_raised() -> None:
    for counters in (None, {}, {"udp_cut": 0}):
        assert "cut over UDP" not in "\n".join(_shown(counters=counters))
    text = " ".join(_shown(counters={"udp_cut": 1_234}))
    assert "cut over UDP: 1,234 answers since the start" in text
    assert "limits.udp_allowance" in text


def test_a_pause_says_until_when_and_of_which_policy() -> None:
    until = "2036-11-30T20:00:00Z"
    paused = [{"policy": "kids", "until": until}]
    text = "\n".join(_shown(blocking={"state": "on", "until": None, "paused": paused}))
    assert "blocking: on, paused: kids until 2036-" in text
    text = "\n".join(_shown(blocking={"state": "paused", "until": until, "paused": paused}))
    assert "blocking: paused until 2036-" in text


def test_of_many_lists_and_upstreams_those_that_work_are_counted() -> None:
    lines = _shown(
        lists_in_use=[_list(f"list{number}") for number in range(40)],
        upstreams=[_upstream(f"up{number}", "works") for number in range(40)],
    )
    assert len(lines) <= 24
    assert "upstreams: 40 of 40 work" in lines


def test_a_list_in_force_without_entries_is_not_counted_as_one_that_acts() -> None:
    text = "\n".join(_shown(lists_in_use=[_list("ads", taken=0, why="nothing is in it")]))
    assert "lists: 0 of 1 in force, 0 entries" in text
    assert "ads: no entries: nothing is in it" in text
