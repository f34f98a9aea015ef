"""Graph, log, statistics, metrics and dnstap count the same queries of a lab."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from keyhole.system.unix_socket import short_path
from tests.world.dnstap import decode, read_stream
from tests.world.lab import Lab
from tests.world.no_tls import NO_TLS
from tests.world.waiting import until

Counts = Counter[tuple[str, str, str]]
"""Queries by transport, outcome and reason."""
_CLIENT_QUERY, _CLIENT_RESPONSE = 5, 6


@pytest.fixture
def quiet_lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab whose workloads have asked for a while and stand still."""
    lab = Lab(tmp_path / "lab")
    workloads = lab.ready["pids"]["workloads"]
    try:
        until(lambda: sum(_metrics(lab).values()) > 200, "the workloads have asked")
        os.kill(workloads, signal.SIGSTOP)
        yield lab
    finally:
        os.kill(workloads, signal.SIGCONT)
        lab.program.stop()


def _metrics(lab: Lab) -> Counts:
    page = httpx2.get(lab.ready["metrics"]["resolver"], timeout=20, verify=NO_TLS).text
    found = Counts()
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == "keyhole_queries_total" and sample.value:
                labels = sample.labels
                key = (labels["transport"], labels["outcome"], labels["reason"])
                found[key] += int(sample.value)
    return found


def _api(lab: Lab, path: str, **params: str) -> Any:
    socket = Path(lab.ready["data"]) / "resolver" / "run" / "api.sock"
    with short_path(socket) as short:
        transport = httpx2.HTTPTransport(uds=short, verify=NO_TLS)
        with httpx2.Client(transport=transport, base_url="http://localhost/api/v1") as client:
            found = client.get(path, params=params, timeout=60)
    assert found.status_code == httpx2.codes.OK, found.text
    return found.json()


def _logged(lab: Lab, during: dict[str, str]) -> list[dict[str, Any]]:
    """All rows of the log."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = _api(lab, "/queries", **during, **more, limit="500")
        rows += page["items"]
        cursor = page["next"] or ""
        if not cursor:
            return rows


def _counts(rows: list[dict[str, Any]]) -> tuple[Counts, Counts]:
    """Those of queries, and those of refused handshakes, which are no queries."""
    queries, handshakes = Counts(), Counts()
    for row in rows:
        found = handshakes if row["name"] is None else queries
        found[(row["transport"], row["outcome"], row["reason"])] += row.get("count") or 1
    return queries, handshakes


def _tls(row: dict[str, Any]) -> str:
    """The word of the graph for the version of TLS of a row."""
    return row["tls"] or ("none" if row["transport"] in ("udp", "tcp") else "unknown")


def _tapped(lab: Lab) -> tuple[int, Counter[tuple[str, str]]]:
    """Messages of queries, and by outcome and reason those of answers."""
    file = Path(lab.ready["data"]) / "resolver" / "log" / "queries.dnstap"
    payloads, _ = read_stream(file.read_bytes())
    messages = [decode(one) for one in payloads]
    queries = sum(one["message"]["type"] == _CLIENT_QUERY for one in messages)
    answers = [one for one in messages if one["message"]["type"] == _CLIENT_RESPONSE]
    extras = [json.loads(one["extra"]) for one in answers]
    return queries, Counter((one["outcome"], one["reason"]) for one in extras)


def _by(counts: Counts, place: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for key, count in counts.items():
        found[key[place]] += count
    return found


def test_graph_log_statistics_metrics_and_dnstap_agree_on_the_traffic_of_a_lab(
    quiet_lab: Lab,
) -> None:
    now = datetime.now(UTC)
    during = {
        "since": (now - timedelta(hours=1)).isoformat(),
        "until": (now + timedelta(hours=1)).isoformat(),
    }

    def read() -> tuple[list[dict[str, Any]], Any, Any] | None:
        """All of them, once nothing is under way and no further row came while they were read."""
        counted, before = _metrics(quiet_lab), _logged(quiet_lab, during)
        found = _api(quiet_lab, "/statistics", **during), _api(quiet_lab, "/graph", **during)
        is_still = before == _logged(quiet_lab, during)
        return (before, *found) if is_still and _counts(before)[0] == counted else None

    logged, statistics, graph = until(read, "the log has what was counted")
    _, handshakes = _counts(logged)
    counted = _metrics(quiet_lab)
    rows = counted + handshakes
    assert statistics["total"] == graph["traffic"]["queries"] == sum(rows.values())
    assert (statistics["lost"], statistics["unlogged"]) == (0, 0)
    for place, field in enumerate(("by_transport", "by_outcome", "by_reason")):
        expected = dict(_by(rows, place))
        assert _nonzero(statistics[field]) == expected
        assert _nonzero(graph["traffic"][field]) == expected
    # The forwarder of the lab is in the graph as well, with edges of its own.
    asks = [one for one in graph["edges"] if one["target"] == "engine:local"]
    assert sum(one["traffic"]["queries"] for one in asks) == sum(rows.values())
    versions: Counter[str] = Counter()
    for one in asks:
        versions.update(one["tls"])
    assert versions == Counter(_tls(row) for row in logged for _ in range(row.get("count") or 1))
    assert versions["1.3"]
    total = sum(counted.values())
    by_reason: Counter[tuple[str, str]] = Counter()
    for (_, outcome, reason), count in counted.items():
        by_reason[(outcome, reason)] += count
    # Query and answer are two messages.
    until(lambda: _tapped(quiet_lab) == (total, by_reason), "dnstap has every query and answer")
    assert _tapped(quiet_lab) == (total, by_reason)


def _nonzero(counts: dict[str, int]) -> dict[str, int]:
    return {word: count for word, count in counts.items() if count}
