"""What the chart says about pods that are gone is understood by a real Envoy as it is meant."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.rendered import needs_helm, objects_of
from tests.world.envoy import needs_envoy, outbound
from tests.world.ports import free_port
from tests.world.resolver import Resolver
from tests.world.tools import needs
from tests.world.upstream import ADDRESS

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
    return dict(found["trafficPolicy"])


@needs_envoy
@needs("dig")
@pytest.mark.parametrize("part", ["resolver", "forwarder"])
def test_one_failure_is_enough_to_leave_a_pod_out_that_is_gone(
    part: str, shared_resolver: Resolver, tmp_path: Path
) -> None:
    policy = _rule(part)
    assert policy["connectionPool"]["tcp"]["connectTimeout"] == "1s"
    outliers = policy["outlierDetection"]
    assert {key: outliers.pop(key) for key in _OFF} == _OFF, "errors in answers do not count"
    cluster = {
        # As istiod writes them.
        "outlier_detection": {_FIELDS[key]: value for key, value in outliers.items()}
        | {"enforcing_consecutive_local_origin_failure": 100, "enforcing_consecutive_5xx": 0}
        | {"enforcing_success_rate": 0, "enforcing_local_origin_success_rate": 0},
        # Refused is refused at once; a busy machine may take longer than the chart's second.
        "connect_timeout": "60s",
    }
    living, gone = shared_resolver.server.tcp, free_port()
    with outbound(tmp_path, [gone, living], cluster) as envoy:
        words = ["dig", "@127.0.0.1", "-p", str(envoy.dns), "+tcp", "+short", "www.example.org"]
        told = [
            subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
            for _ in range(_DIGS)
        ]
        assert [lines[-1] for lines in told] == [ADDRESS] * _DIGS
        failures = envoy.count("cluster.dns.upstream_cx_connect_fail")
        assert failures > 0, "it was tried"
        # Who met it asked again, and says so. It may come back for a try after its time.
        errors = [line for lines in told for line in lines if "communications error" in line]
        assert len(errors) == failures
        assert envoy.count("cluster.dns.outlier_detection.ejections_enforced_total") == failures


def test_a_part_with_one_pod_has_no_such_rule() -> None:
    names = {
        one["metadata"]["name"]
        for one in objects_of("sidecar", "without-volume")
        if one["kind"] == "DestinationRule"
    }
    assert names == {"keyhole-resolver"}
