"""Metrics and readiness, as Prometheus and an orchestrator read them."""

import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.openmetrics import parser
from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.world.ask import TRANSPORTS
from tests.world.lab import Lab
from tests.world.no_tls import NO_TLS
from tests.world.ports import free_port
from tests.world.prometheus import Prometheus
from tests.world.resolver import Resolver
from tests.world.tools import find, needs
from tests.world.upstream import Upstream
from tests.world.waiting import until

_OPEN = "application/openmetrics-text; version=1.0.0"
_DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "observability"
_read_open: Callable[[str], Iterator[Any]] = parser.text_string_to_metric_families


Values = dict[frozenset[tuple[str, str]], float]
Samples = dict[str, Values]


class Health:
    """The two health listeners of one Keyhole."""

    def __init__(self, resolver: Resolver) -> None:
        self.ports = {"engine": free_port(), "control": free_port()}
        self.resolver = resolver
        listen = {which: [f"127.0.0.1:{port}"] for which, port in self.ports.items()}
        resolver.configure(health=listen)

    def get(self, which: str, path: str, accept: str = "*/*") -> httpx2.Response:
        return httpx2.get(
            f"http://127.0.0.1:{self.ports[which]}{path}",
            headers={"accept": accept},
            timeout=20,
            verify=NO_TLS,
        )

    def answers(self, which: str, path: str, status: int = 200) -> Any:
        """The response, once the listener gives this status."""

        def look() -> httpx2.Response | None:
            try:
                found = self.get(which, path)
            except httpx2.HTTPError:
                return None
            return found if found.status_code == status else None

        return until(look, f"{which}{path} says {status}")

    def samples(self, which: str) -> "Samples":
        """The values of each series by labels, all of one moment."""
        found: Samples = defaultdict(dict)
        for family in read_text(self.get(which, "/metrics").text):
            for sample in family.samples:
                found[sample.name][frozenset(sample.labels.items())] = sample.value
        return found


@pytest.fixture
def health(resolver: Resolver) -> Health:
    """The health listeners of a resolver that is not started yet."""
    return Health(resolver)


def _total(samples: Values, **labels: str) -> float:
    return sum(value for found, value in samples.items() if labels.items() <= dict(found).items())


def test_metrics_count_each_query_once_by_transport_outcome_and_reason(health: Health) -> None:
    server = health.resolver.start().server
    health.answers("engine", "/metrics")
    before = health.samples("engine")["keyhole_queries_total"]
    for transport in TRANSPORTS:
        assert server.ask("counted.example.org", transport=transport).rcode == "NOERROR"

    def counted(samples: Samples, transport: str) -> float:
        after = samples["keyhole_queries_total"]
        return _total(after, transport=transport) - _total(before, transport=transport)

    def all_counted() -> Samples | None:
        # A query is counted after its answer was sent.
        found = health.samples("engine")
        return found if all(counted(found, transport) for transport in TRANSPORTS) else None

    found = until(all_counted, "all are counted")
    for transport in TRANSPORTS:
        assert counted(found, transport) == 1, transport
    here, waits = (
        _total(found[f"keyhole_query_{word}_seconds_count"]) for word in ("answered_here", "wait")
    )
    assert here >= len(TRANSPORTS) - 1
    assert waits >= 1
    assert here + waits == sum(found["keyhole_queries_total"].values())
    answers = found["keyhole_upstream_answers_total"]
    assert _total(answers, upstream="test") >= 1
    assert found["keyhole_upstream_round_trip_seconds_count"] == answers


def test_a_page_of_metrics_names_no_client_and_no_query(health: Health) -> None:
    server = health.resolver.start().server
    server.ask("secret-name.example.org")
    for which in health.ports:
        page = health.answers(which, "/metrics").text
        assert "secret-name" not in page
        assert "127.0.0.1" not in page


@pytest.mark.parametrize("which", ["engine", "control"])
def test_both_formats_can_be_read(health: Health, which: str) -> None:
    health.resolver.start()
    old = health.answers(which, "/metrics")
    assert old.headers["content-type"].startswith("text/plain")
    new = health.get(which, "/metrics", accept=_OPEN)
    assert new.headers["content-type"].startswith("application/openmetrics-text")
    assert [one.name for one in _read_open(new.text)]
    assert [one.name for one in read_text(old.text)]


def test_an_engine_is_ready_once_it_answers_and_says_why_it_is_not(
    health: Health, upstream: Upstream
) -> None:
    resolver = health.resolver
    resolver.write({"apiVersion": "keyhole.dev/v1", "kind": "Typo", "metadata": {"name": "typo"}})
    resolver.start_refusing()
    assert "no snapshot" in health.answers("engine", "/readyz", 503).text
    assert health.answers("engine", "/livez").text == "alive\n"
    assert health.answers("control", "/readyz", 503)
    (resolver.documents / "typo-typo.yaml").unlink()
    assert health.answers("engine", "/readyz").text == "ready\n"
    assert health.answers("control", "/readyz").text == "ready\n"


def test_an_engine_is_ready_that_insists_on_certificates(health: Health) -> None:
    resolver = health.resolver
    listen = {which: [f"127.0.0.1:{port}"] for which, port in health.ports.items()}
    resolver.configure(
        listen={"udp": [], "tcp": [], "dot": resolver.listen()["dot"], "doh": []},
        client_certificates={"dot": "require"},
        health=listen,
    )
    resolver.begin()
    assert health.answers("engine", "/readyz").text == "ready\n"


def test_a_port_that_is_taken_costs_metrics_and_nothing_else(
    make_resolver: Callable[[], Resolver], health: Health
) -> None:
    health.resolver.start()
    health.answers("control", "/metrics")
    other = make_resolver()
    other.configure(health={which: [f"127.0.0.1:{port}"] for which, port in health.ports.items()})
    assert other.start().server.ask("taken.example.org").rcode in ("NOERROR", "SERVFAIL")

    def says_so() -> bool:
        parts = other.api("GET", "/status").json()["parts"]
        return any(one["name"] == "metrics" for one in parts)

    other.wait_for(says_so, "status names the metrics")
    health.resolver.stop()
    other.wait_for(lambda: not says_so(), "it listens once the port is free")
    assert health.answers("engine", "/livez")


@needs("promtool")
def test_every_alert_fires_in_its_unit_test() -> None:
    for arguments in (["check", "rules", "rules.yml"], ["test", "rules", "tests.yml"]):
        done = subprocess.run(
            [find("promtool"), *arguments], cwd=_DEPLOY, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    alerts = {
        line.split()[-1]
        for line in (_DEPLOY / "rules.yml").read_text().splitlines()
        if "- alert:" in line
    }
    tests = (_DEPLOY / "tests.yml").read_text()
    assert all(f"alertname: {alert}\n" in tests for alert in alerts)
    guide = (_DEPLOY.parents[1] / "docs" / "guides" / "prometheus.md").read_text()
    assert all(f"## {alert}\n" in guide for alert in alerts)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab, whose workloads ask all the time."""
    one = Lab(tmp_path / "lab")
    yield one
    one.program.stop()


@pytest.fixture
def prometheus(lab: Lab, tmp_path: Path) -> Iterator[Prometheus]:
    """It scrapes every process of the lab."""
    targets = {
        name: url.removeprefix("http://").removesuffix("/metrics")
        for name, url in lab.ready["metrics"].items()
    }
    one = Prometheus(tmp_path / "prometheus", targets)
    yield one
    one.stop()


@needs("prometheus")
def test_a_real_prometheus_scrapes_every_process_of_a_lab_and_loads_the_rules(
    prometheus: Prometheus, lab: Lab
) -> None:
    until(lambda: len(prometheus.query("up == 1")) == 3, "three processes are scraped")
    jobs = {one["metric"]["job"] for one in prometheus.query("up")}
    assert jobs == set(lab.ready["metrics"])
    lab.server.ask("scraped.example.net")
    for expression in (
        'keyhole_queries_total{job="resolver"} > 0',
        'keyhole_upstream_answers_total{job="forwarder"} > 0',
        'keyhole_engine_state{job="control",state="in force"} == 1',
        'keyhole_certificate_expiry_timestamp_seconds{job="control"} > 0',
        "keyhole:queries:rate5m > 0",
        "keyhole:encrypted:share5m > 0",
    ):
        until(partial(prometheus.query, expression), expression)
