"""An outage of the upstreams is reported once, with hints, and so is its end."""

from typing import Any, cast

import pytest

from keyhole.config.sections.client_certificates import ClientCertificatesSection
from keyhole.control.notice import Notice, Severity
from keyhole.control.upstream_monitor import UpstreamMonitor, no_upstream, without_certificate
from keyhole.model.engine_stats import EngineStats


def _stats(answered: int, failed: int, error: str = "no route to 192.0.2.1:443") -> EngineStats:
    upstream = {
        "name": "quad9",
        "protocol": "doh",
        "answered": answered,
        "failed": {"unreachable": failed, "timeout": 0},
        "last_error": error,
    }
    return cast(EngineStats, {"upstreams": [upstream]})


def _notices(*stats: EngineStats) -> list[Notice]:
    notices: list[Notice] = []

    async def never() -> EngineStats:
        raise AssertionError("not asked in this test")

    monitor = UpstreamMonitor(never, {}, notices.append)
    for one in stats:
        monitor._check(one)
    return notices


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({}, ["127.0.0.1:853", "127.0.0.1:854"]),
        ({"dot": "require"}, []),
        ({"dot": "require", "listeners": {"127.0.0.1:854": "ask"}}, ["127.0.0.1:854"]),
        ({"listeners": {"127.0.0.1:853": "require"}}, ["127.0.0.1:854"]),
    ],
)
def test_its_own_query_is_no_handshake_that_is_refused(
    settings: dict[str, Any], asked: list[str]
) -> None:
    """E2, E6: a listener that insists on a certificate would count and log each of them."""
    addresses = {"dot": ["127.0.0.1:853", "127.0.0.1:854"], "doh": ["127.0.0.1:443"]}
    found = without_certificate(addresses, ClientCertificatesSection.model_validate(settings))
    assert found == {**addresses, "dot": asked}


def test_nothing_is_reported_while_upstreams_answer() -> None:
    assert _notices(_stats(1, 0), _stats(5, 2), _stats(9, 3)) == []


def test_an_outage_is_reported_once_and_its_end_once() -> None:
    notified = _notices(_stats(3, 0), _stats(3, 2), _stats(3, 9), _stats(4, 9), _stats(5, 9))
    assert [notice.severity for notice in notified] == [Severity.ERROR, Severity.SUCCESS]


def test_one_name_that_fails_is_no_outage_and_neither_is_nonsense() -> None:
    assert _notices(_stats(3, 0), _stats(3, 1), _stats(3, 1), _stats(3, 2), _stats(4, 2)) == []
    nonsense = _stats(3, 0)
    nonsense["upstreams"][0]["failed"]["invalid"] = 9
    assert _notices(_stats(3, 0), nonsense, nonsense) == []


def test_quiet_is_no_outage() -> None:
    assert _notices(_stats(3, 1), _stats(3, 1), _stats(3, 1)) == []


def test_an_engine_that_counts_from_zero_again_is_no_outage() -> None:
    assert _notices(_stats(30, 4), _stats(0, 0), _stats(1, 0)) == []


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        ("no route to 192.0.2.1:443", "is this machine connected"),
        ("connection refused at 192.0.2.1:443", "a firewall"),
        ("3 queries in a row without an answer", "a firewall"),
        ("the certificate is not valid for dns.example.org", "serverName"),
        ("the certificate has expired", "clock"),
    ],
)
def test_the_hint_fits_the_error(error: str, hint: str) -> None:
    notice = no_upstream(_stats(0, 1, error)["upstreams"])
    assert f"quad9 (doh): {error}" in notice.details
    assert any(hint in line for line in notice.details)
