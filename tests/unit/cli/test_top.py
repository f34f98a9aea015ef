"""The screen of `keyhole top` fits its terminal, whatever the names are."""

from typing import Any

import pytest

from keyhole.cli.top_screen import HEIGHT, WIDTH, screen

TRAFFIC = {
    "queries": 1_200,
    "rate": 20.0,
    "by_outcome": {"answered": 1_000, "blocked": 150, "refused": 30, "failed": 20},
    "errors": 20,
    "encrypted_share": 0.9999,
    "authenticated_share": 0.5,
    "unknown": 0,
    "wait_us": {"p50": 900, "p95": 12_345, "p99": 2_000_000},
}
OPEN = {
    "closed": False,
    "state": "open",
    "reasons": [{"reason": "network_only", "queries": 3, "text": "3 ..."}],
}
CLOSED: dict[str, Any] = {"closed": True, "state": "closed", "reasons": []}


def _edge(start: str, end: str, kind: str, lock: dict[str, Any]) -> dict[str, Any]:
    upstreams = {"quad9": 600} if kind == "forwards" else {}
    return {
        "source": start,
        "target": end,
        "kind": kind,
        "upstreams": upstreams,
        "traffic": TRAFFIC,
        "lock": lock,
    }


def _picture(clients: int = 30, label: str = "shop/w") -> dict[str, Any]:
    nodes = [{"id": f"c{number}", "label": f"{label}{number}"} for number in range(clients)]
    return {
        "window": 60,
        "role": "resolver",
        "graph": {
            "since": "2026-11-29T13:59:00Z",
            "until": "2026-11-29T14:00:00Z",
            "traffic": TRAFFIC,
            "nodes": [*nodes, {"id": "e", "label": "resolver"}, {"id": "u", "label": "quad9"}],
            "edges": [
                *(_edge(one["id"], "e", "asks", OPEN) for one in nodes),
                _edge("e", "u", "forwards", CLOSED),
            ],
        },
        "names": [{"value": f"n{at}.example.org", "total": 60, "withheld": 0} for at in range(30)],
        "withheld_names": [{"value": "ads.example.org", "total": 9, "withheld": 6}],
        "upstreams": [
            {"name": "quad9", "is_healthy": True},
            {"name": "spare", "is_healthy": False},
        ],
        "parts": [{"name": "disk", "state": "failed"}],
        "load": {"waiting": 4, "under_way": 1},
    }


def test_everything_is_on_a_screen_of_80_by_24() -> None:
    lines = screen(_picture())
    assert len(lines) == HEIGHT
    assert max(map(len, lines)) <= WIDTH
    text = "\n".join(lines)
    assert lines[0].startswith("Keyhole resolver: the last 60 s until 14:00:00 UTC")
    assert lines[0].endswith("q quits")
    assert lines[1] == "20.0 queries/s: answered 83.3%, blocked 12.5%, refused 2.5%, failed 1.7%"
    assert lines[2] == "encrypted >99.9%, authenticated 50.0%, waiting 4, p95 12.3 ms"
    for title in ("CLIENTS", "NAMES", "WITHHELD NAMES", "UPSTREAMS", "OPEN, AND"):
        assert title in text
    words = [one.split() for one in lines]
    assert ["shop/w0", "20.0", "15.0%", "1.7%", "12.3", "open"] in words
    assert ["n0.example.org", "1.00", "ads.example.org", "0.10"] in words
    assert ["quad9", "10.0", "12.3", "up"] in [one[:4] for one in words]
    assert ["spare", "0.00", "-", "down"] in [one[:4] for one in words]
    assert "disk: failed" in text
    assert "shop/w0 to resolver: network_only" in text


@pytest.mark.parametrize(
    ("width", "height"), [(80, 24), (81, 25), (120, 50), (200, 100), (40, 10), (10, 1)]
)
@pytest.mark.parametrize("clients", [0, 1, 120])
@pytest.mark.parametrize("label", ["w", "x" * 300])
def test_no_line_is_too_long_and_none_too_many(
    width: int, height: int, clients: int, label: str
) -> None:
    lines = screen(_picture(clients, label), width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    if height >= HEIGHT:
        assert len(lines) == height, "nothing jumps when there is less to show"


def test_a_larger_terminal_shows_more_clients() -> None:
    def clients(height: int) -> int:
        return sum(one.startswith("shop/w") for one in screen(_picture(), 80, height)[4:-7])

    assert clients(50) > clients(24)


def test_no_name_controls_the_terminal() -> None:
    picture = _picture(label="\x1b[2J")
    picture["names"][0]["value"] = "a\u202eb\x07"
    assert all(one.isprintable() for one in screen(picture))


def test_an_engine_that_does_not_answer_is_said_to_be_so() -> None:
    assert "the engine does not answer" in screen({**_picture(), "load": None})[2]
