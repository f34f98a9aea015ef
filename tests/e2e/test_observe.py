"""`./dev observe` and the boards for Grafana: every panel shows data of a real Prometheus."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.world.jaeger import needs_jaeger
from tests.world.no_tls import NO_TLS
from tests.world.tools import needs
from tests.world.waiting import PATIENCE, until
from tools.observe.boards import BOARDS, Board
from tools.observe.grafana import FOLDER, files

ROOT = Path(__file__).resolve().parents[2]
_QUERIES = [
    pytest.param(expression, id=f"{board.uid} {panel.title} {number}")
    for board in BOARDS
    for panel in board.panels
    for number, (expression, _) in enumerate(panel.queries)
]


def test_the_boards_are_as_they_would_be_written() -> None:
    for path, text in files().items():
        assert (ROOT / FOLDER / path).read_text() == text, "run ./dev gen"


@pytest.mark.parametrize("board", BOARDS, ids=lambda one: one.uid)
def test_no_two_panels_of_a_board_lie_upon_each_other(board: Board) -> None:
    made = json.loads(files()[f"boards/{board.uid}.json"])
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in made["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `./dev observe` prints while it runs."""
    log = tmp_path_factory.mktemp("observe") / "observe.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.observe"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def is_ready() -> bool:
        assert process.poll() is None, log.read_text()
        return "Ctrl-C ends it." in log.read_text()

    try:
        until(is_ready, "it prints where everything is")
        yield log.read_text()
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0, log.read_text()


@pytest.fixture(scope="module")
def prometheus(printed: str) -> str:
    """The address of its Prometheus."""
    found = re.search(r"^Prometheus +(http://[^/]+)/", printed, re.MULTILINE)
    assert found
    return found[1]


@needs("prometheus")
@needs_jaeger
def test_a_jaeger_beside_the_lab_has_its_traces(printed: str) -> None:
    found = re.search(r"^Jaeger +(http://\S+)", printed, re.MULTILINE)
    assert found
    url = found[1]
    traces = until(
        lambda: httpx2.get(url, trust_env=False, verify=NO_TLS).json()["data"], "it has traces"
    )
    services = {one["serviceName"] for one in traces[0]["processes"].values()}
    assert "keyhole-resolver" in services


def _ask(prometheus: str, expression: str) -> list[dict[str, Any]]:
    found = httpx2.get(
        f"{prometheus}/api/v1/query", params={"query": expression}, timeout=30, verify=NO_TLS
    )
    assert found.status_code == httpx2.codes.OK, found.text
    result: list[dict[str, Any]] = found.json()["data"]["result"]
    return result


@needs("prometheus")
@pytest.mark.parametrize("expression", _QUERIES)
def test_every_panel_shows_data_of_a_lab(prometheus: str, expression: str) -> None:
    # What Grafana puts in for its variables.
    asked = expression.replace("$__rate_interval", "1m").replace("$job", ".*")
    until(partial(_ask, prometheus, asked), f"data for {asked}")


@needs("prometheus")
def test_the_rules_are_loaded_and_no_scrape_fails(prometheus: str) -> None:
    groups = httpx2.get(f"{prometheus}/api/v1/rules", verify=NO_TLS).json()["data"]["groups"]
    assert {one["name"] for one in groups} == {"keyhole-rates", "keyhole-alerts"}
    until(lambda: len(_ask(prometheus, "up == 1")) == 3, "three processes are scraped")
