"""The series for Kiali, asked of a real Prometheus with the query that Kiali sends."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.world.ask import TRANSPORTS
from tests.world.no_tls import NO_TLS
from tests.world.ports import free_port
from tests.world.prometheus import Prometheus
from tests.world.resolver import Resolver
from tests.world.tools import needs
from tests.world.waiting import until

# As in `graph/telemetry/istio/appender/extensions.go` of Kiali, for the last minute.
_KIALI = (
    'sum(rate(kiali_ext_requests_total{extension="keyhole"} [60s])) by (dest_cluster, '
    "dest_namespace, dest_name, flags, protocol, secure, source_cluster, source_is_root, "
    "source_namespace, source_name, status_code) > 0"
)


@pytest.fixture
def prometheus(resolver: Resolver, tmp_path: Path) -> Iterator[Prometheus]:
    """It scrapes the control process of a resolver that serves the series."""
    port = free_port()
    resolver.configure(
        health={"engine": [], "control": [f"127.0.0.1:{port}"]},
        kiali={"enabled": True, "cluster": "east"},
    )
    resolver.start()
    one = Prometheus(tmp_path / "prometheus", {"control": f"127.0.0.1:{port}"})
    yield one
    one.stop()


@needs("prometheus")
def test_kiali_finds_each_edge_in_a_real_prometheus(
    resolver: Resolver, prometheus: Prometheus
) -> None:
    def found() -> set[tuple[str, ...]]:
        # A rate needs a series that grew while it was scraped.
        for transport in TRANSPORTS:
            resolver.server.ask("edge.example.org", transport=transport)
        names = ("source_namespace", "source_name", "dest_namespace", "dest_name", "secure")
        return {
            tuple(one["metric"][name] for name in (*names, "status_code", "source_cluster"))
            for one in prometheus.query(_KIALI)
        }

    known = ("keyhole", "clients known by their network", "keyhole", "resolver", "false", "200")
    # Control reads what a busy engine logs each half minute, and a rate needs two readings.
    until(lambda: (*known, "east") in found(), "the edge of the clients is found", patience=150)


def test_without_the_setting_there_is_no_such_series(resolver: Resolver) -> None:
    port = free_port()
    resolver.configure(health={"engine": [], "control": [f"127.0.0.1:{port}"]})
    resolver.start()
    page = until(lambda: _page(port), "the page is served")
    assert "keyhole_engine_state" in page
    assert "kiali" not in page


def _page(port: int) -> str:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=20, verify=NO_TLS).text
    except httpx2.HTTPError:
        return ""
