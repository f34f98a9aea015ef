"""What the chart says about pods that are gone is understood by a real Envoy as it is meant."""

import copy
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rrset
import pytest

from tests.deploy.rendered import needs_helm, objects_of
from tests.world.envoy import Sidecar, needs_envoy, outbound
from tests.world.ports import free_port
from tests.world.resolver import Resolver
from tests.world.tools import needs
from tests.world.upstream import ADDRESS
from tests.world.waiting import PATIENCE, until

pytestmark = [needs_helm]
_DIGS = 10
_FIELDS = {
    "splitExternalLocalOriginErrors": "split_external_local_origin_errors",
    "consecutiveLocalOriginFailures": "consecutive_local_origin_failure",
    "interval": "interval",
    "baseEjectionTime": "base_ejection_time",
    "maxEjectionPercent": "max_ejection_percent",
}
_OFF = {"consecutive5xxErrors": 0, "consecutiveGatewayErrors": 0}


def _rule(part: str) -> dict[str, Any]:
    (found,) = [
        one["spec"]
        for one in objects_of("sidecar", "as-it-is")
        if (one["kind"], one["metadata"]["name"]) == ("DestinationRule", f"keyhole-{part}")
    ]
    return copy.deepcopy(dict(found["trafficPolicy"]))


def _cluster(part: str) -> dict[str, Any]:
    """The cluster of a part in the Envoy of who asks, as istiod writes it from the chart."""
    policy = _rule(part)
    assert policy["connectionPool"]["tcp"]["connectTimeout"] == "1s"
    outliers = policy["outlierDetection"]
    assert {key: outliers.pop(key) for key in _OFF} == _OFF, "errors in answers do not count"
    assert (outliers["maxEjectionPercent"], outliers["minHealthPercent"]) == (100, 1)
    return {
        "common_lb_config": {
            "healthy_panic_threshold": {"value": outliers.pop("minHealthPercent")}
        },
        "outlier_detection": {_FIELDS[key]: value for key, value in outliers.items()}
        | {"enforcing_consecutive_local_origin_failure": 100, "enforcing_consecutive_5xx": 0}
        | {"enforcing_success_rate": 0, "enforcing_local_origin_success_rate": 0},
        # Refused is refused at once; a busy machine may take longer than the chart's second.
        "connect_timeout": "60s",
    }


def _dig(envoy: Sidecar) -> list[str]:
    """The lines of an answer, those of failed tries before it."""
    words = ["dig", "@127.0.0.1", "-p", str(envoy.dns), "+tcp", "+short", "www.example.org"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


class _Answer(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        query, _ = dns.query.receive_tcp(self.request)
        answer = dns.message.make_response(query)
        answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", ADDRESS))
        dns.query.send_tcp(self.request, answer)


@contextmanager
def _pod(port: int) -> Iterator[None]:
    """Answers at this port until the end."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", port), _Answer) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


@needs_envoy
@needs("dig")
@pytest.mark.parametrize("part", ["resolver", "forwarder"])
def test_one_failure_is_enough_to_leave_a_pod_out_that_is_gone(
    part: str, shared_resolver: Resolver, tmp_path: Path
) -> None:
    living, gone = shared_resolver.server.tcp, free_port()
    with outbound(tmp_path, [gone, living], _cluster(part)) as envoy:
        told = [_dig(envoy) for _ in range(_DIGS)]
        assert [lines[-1] for lines in told] == [ADDRESS] * _DIGS
        failures = envoy.count("cluster.dns.upstream_cx_connect_fail")
        assert failures > 0, "it was tried"
        # Who met it asked again, and says so. It may come back for a try after its time.
        errors = [line for lines in told for line in lines if "communications error" in line]
        assert len(errors) == failures
        assert envoy.count("cluster.dns.outlier_detection.ejections_enforced_total") == failures


@needs_envoy
def test_a_connection_waits_for_an_engine_that_starts_again(tmp_path: Path) -> None:
    (one,) = [one for one in objects_of("sidecar", "proxy") if one["kind"] == "EnvoyFilter"]
    value = one["spec"]["configPatches"][0]["patch"]["value"]["typed_config"]
    connections = {
        key: value[key]
        for key in ("upstream_connect_mode", "max_early_data_bytes", "backoff_options")
    }
    assert value["max_connect_attempts"] == 14, "about three seconds"
    # A busy machine may take longer.
    connections["max_connect_attempts"] = 1_000
    query, engine = dns.message.make_query("www.example.org", "A"), free_port()
    with (
        outbound(tmp_path, [engine], {"connect_timeout": "60s"}, connections) as envoy,
        socket.create_connection(("127.0.0.1", envoy.dns), PATIENCE) as client,
    ):
        dns.query.send_tcp(client, query)
        failed = "cluster.dns.upstream_cx_connect_fail"
        until(lambda: envoy.count(failed), "it was tried in vain")
        with _pod(engine):
            answer, _ = dns.query.receive_tcp(client)
    assert [str(record) for rrset in answer.answer for record in rrset] == [ADDRESS]


@needs_envoy
@needs("dig")
def test_a_pod_that_was_left_out_wrongly_is_asked_when_the_other_one_is_gone(
    tmp_path: Path,
) -> None:
    cluster = _cluster("resolver")
    # It does not come back by itself while the test runs.
    cluster["outlier_detection"]["base_ejection_time"] = "600s"
    wronged, dying = free_port(), free_port()
    with ExitStack() as stack, outbound(tmp_path, [wronged, dying], cluster) as envoy:
        left_out = "cluster.dns.outlier_detection.ejections_active"
        with _pod(dying):
            until(lambda: _dig(envoy) and envoy.count(left_out) == 1, "one is left out")
            stack.enter_context(_pod(wronged))
        # Envoy's main thread leaves a pod out, so tries that follow at once may meet it again.
        until(lambda: _dig(envoy)[-1:] == [ADDRESS], "the other one is asked")
        assert envoy.count(left_out) == 2, "the one that is gone is left out, too"


@pytest.mark.parametrize(
    ("variant", "parts"),
    [
        ("without-volume", {"keyhole-resolver"}),
        ("one-that-grows", {"keyhole-resolver", "keyhole-forwarder"}),
    ],
)
def test_a_part_that_never_has_two_pods_has_no_such_rule(variant: str, parts: set[str]) -> None:
    names = {
        one["metadata"]["name"]
        for one in objects_of("sidecar", variant)
        if one["kind"] == "DestinationRule"
    }
    assert names == parts
