"""The graph as table, Graphviz and Mermaid: every name arrives, and none of them breaks it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyhole.graph.render_dot import render_dot
from keyhole.graph.render_edges import percent, shortened
from keyhole.graph.render_mermaid import render_mermaid
from keyhole.graph.render_table import WIDTH, render_table
from tests.world import tools
from tests.world.graphs import drawn
from tests.world.history import Place, line

_NOW = 1_790_000_100_000_000
SPAN = (_NOW, _NOW + 60_000_000)
WEB = "spiffe://keyhole.lab/ns/shop/sa/web"
HOSTILE = ('say "yes"', "a\\", "x]; y -> z", "a|b", "#quot;", "<b>", "end", "тв", "%%{init}", "a;b")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty history."""
    made = Place(tmp_path)
    yield made
    made.close()


def _graph(place: Place, *rows: dict[str, Any]) -> dict[str, Any]:
    history = place.open()
    place.write(*rows)
    found: dict[str, Any] = drawn(history, *SPAN, has_domains=True).model_dump(mode="json")
    return found


def _busy(place: Place) -> dict[str, Any]:
    """A graph with names that have a meaning in the formats."""
    rows = [line(_NOW + at, token=name, transport="doh") for at, name in enumerate(HOSTILE)]
    wide = "spiffe://keyhole.lab/ns/" + "w" * 60 + "/sa/" + "x" * 60
    refused = {"outcome": "refused", "reason": "no_policy", "upstream": None}
    return _graph(
        place,
        *rows,
        line(_NOW + 50, identity=wide, transport="dot", duration_us=2_000_000),
        line(_NOW + 51, identity=WEB, transport="dot"),
        line(_NOW + 52, count=87_654_321, **refused),
    )


def test_the_table_has_a_line_for_each_edge_and_never_more_than_80_columns(place: Place) -> None:
    graph = _busy(place)
    lines = render_table(graph)
    assert max(map(len, lines)) <= WIDTH
    locks = [one.split()[0] for one in lines if one.startswith(("closed ", "open "))]
    assert len(locks) == len(graph["edges"])
    assert locks.count("open") == sum(not one["lock"]["closed"] for one in graph["edges"])
    (web,) = [one for one in lines if " shop/web " in one]
    assert web.split() == ["closed", "shop/web", "resolver", "1", "0.02", "-", "-", "-"]
    assert any("came over udp, tcp or http" in one for one in lines)
    (refused,) = [one for one in lines if one.startswith("open   192.0.2.1 ")]
    assert refused.split()[3:] == ["87M", "1,460k", "100%", "-", "-"]


def test_the_table_of_nothing_says_so(place: Place) -> None:
    lines = render_table(_graph(place))
    assert lines[0].startswith("0 queries")
    assert not any(one.startswith(("open", "closed", "Open")) for one in lines)


@tools.needs("dot")
def test_graphviz_draws_every_node_and_edge(place: Place, tmp_path: Path) -> None:
    graph = _busy(place)
    file = tmp_path / "graph.dot"
    file.write_text("\n".join(render_dot(graph)))
    done = tools.run("dot", "-Tsvg", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count('class="node"') == len(graph["nodes"])
    assert done.stdout.count('class="edge"') == len(graph["edges"])
    for name in ("shop/web", "тв", "say &quot;yes&quot;", "&lt;b&gt;"):
        assert name in done.stdout


def test_mermaid_gets_no_letter_that_has_a_meaning(place: Place) -> None:
    graph = _busy(place)
    lines = render_mermaid(graph)
    text = r'"[\w .,:/()*…#;-]*"'
    allowed = re.compile(
        rf"flowchart LR|  subgraph g\d+\[{text}\]|    n\d+\[{text}\]|  end"
        rf"|  n\d+ (?:-->|-\.->)\|{text}\| n\d+"
    )
    assert [one for one in lines if not allowed.fullmatch(one)] == []
    assert sum(one.startswith("    n") for one in lines) == len(graph["nodes"])
    assert sum("->|" in one for one in lines) == len(graph["edges"])
    assert any('"shop/web"' in one for one in lines)
    assert any("say #34;yes#34;" in one for one in lines)


def test_what_is_small_is_not_said_to_be_nothing() -> None:
    assert [percent(one) for one in (0.0, 0.00001, 0.5, 0.99999, 1.0)] == [
        "0.0%",
        "<0.1%",
        "50.0%",
        ">99.9%",
        "100%",
    ]
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghijk", 10) == "abcde…hijk"
