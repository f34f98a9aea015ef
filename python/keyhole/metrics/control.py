"""The state of control as metrics: what needs attention, and which engine is behind."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

ENGINE_STATES = ("in force", "behind", "away", "never seen")


@dataclass(frozen=True)
class EngineReport:
    """One engine: its name (``local``, or its SPIFFE ID), its state as `keyhole engines` says it,
    the seconds since its last message, and whether it has the newest withdrawal."""

    name: str
    state: str
    silent: float | None
    has_withdrawal: bool


@dataclass(frozen=True)
class ControlReport:
    """What is known of control at one moment."""

    parts: Iterable[tuple[str, str]]
    """Name and state of each part that needs attention."""
    engines: Iterable[EngineReport]
    certificates: Mapping[str, datetime]
    """The end of each certificate by what it is for, such as ``listeners``."""


def control_metrics(report: ControlReport) -> Iterator[Metric]:
    """All metrics of control."""
    parts = GaugeMetricFamily(
        "keyhole_part_needs_attention",
        "1 for each part that does not work as it should; state is failed, missing or mended.",
        labels=["part", "state"],
    )
    for name, state in report.parts:
        parts.add_metric([name, state], 1)
    yield parts
    yield from _engines(list(report.engines))
    ends = GaugeMetricFamily(
        "keyhole_certificate_expiry_timestamp_seconds",
        "When a certificate of our own ends (Unix time).",
        labels=["certificate"],
    )
    for what, end in report.certificates.items():
        ends.add_metric([what], end.timestamp())
    yield ends


def _engines(engines: list[EngineReport]) -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "keyhole_engine_state", "1 for the state that the engine is in.", labels=["engine", "state"]
    )
    silent = GaugeMetricFamily(
        "keyhole_engine_silent_seconds", "Time since its last message.", labels=["engine"]
    )
    outstanding = GaugeMetricFamily(
        "keyhole_engine_withdrawals_outstanding",
        "1 while it does not decide by the newest revocations, tokens and removed trust.",
        labels=["engine"],
    )
    for one in engines:
        for state in ENGINE_STATES:
            states.add_metric([one.name, state], state == one.state)
        if one.silent is not None:
            silent.add_metric([one.name], one.silent)
        outstanding.add_metric([one.name], not one.has_withdrawal)
    yield from (states, silent, outstanding)
