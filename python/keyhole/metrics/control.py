"""The state of control as metrics: what needs attention, and which engine is behind."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

ENGINE_STATES = ("in force", "behind", "away", "never seen")
FINDING_KINDS = ("tunnel", "split", "missing")
FINDING_STATES = ("open", "muted", "closed")
LIST_STATES = ("waiting", "downloading", "compiling", "in force", "held back", "unused")


@dataclass(frozen=True)
class EngineReport:
    """One engine: its name (``local``, or its SPIFFE ID), its state as `keyhole engines` says it,
    the seconds since its last message, and whether it has the newest withdrawal."""

    name: str
    state: str
    silent: float | None
    has_withdrawal: bool
    behind: int | None
    """Snapshots that it lacks; none where that is not known."""


@dataclass(frozen=True)
class ListReport:
    """One list, by the name of its document, and its state as `keyhole lists status` says it."""

    name: str
    state: str
    names: int | None
    """Entries in force."""
    skipped: int | None
    """Lines that are left out."""
    checked: float | None
    """When the last of its URLs was confirmed (Unix time); none without a URL or before that."""


@dataclass(frozen=True)
class EventReport:
    """A receiver of events: ``syslog`` or ``webhook``, and its counters since control started."""

    receiver: str
    is_working: bool
    sent: int
    lost: int
    waiting: int


@dataclass(frozen=True)
class PromiseReport:
    """What `keyhole verify` last found of a target: when its run began (Unix time), and by check
    whether the promise held."""

    target: str
    started: float
    held: Mapping[str, bool]


@dataclass(frozen=True)
class ControlReport:
    """What is known of control at one moment."""

    parts: Iterable[tuple[str, str]]
    """Name and state of each part that needs attention."""
    engines: Iterable[EngineReport]
    lists: Iterable[ListReport]
    certificates: Mapping[str, datetime]
    """The end of each certificate by what it is for, such as ``listeners``."""
    events: Iterable[EventReport] = ()
    findings: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How many findings there are, by kind and state."""
    proofs: Iterable[PromiseReport] = ()


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
    yield from _lists(list(report.lists))
    ends = GaugeMetricFamily(
        "keyhole_certificate_expiry_timestamp_seconds",
        "When a certificate of our own ends (Unix time).",
        labels=["certificate"],
    )
    for what, end in report.certificates.items():
        ends.add_metric([what], end.timestamp())
    yield ends
    yield from _events(list(report.events))
    found = GaugeMetricFamily(
        "keyhole_findings",
        "Findings by kind (tunnel, split, missing) and state (open, muted, closed).",
        labels=["kind", "state"],
    )
    for kind in FINDING_KINDS:
        for state in FINDING_STATES:
            found.add_metric([kind, state], report.findings.get((kind, state), 0))
    yield found
    yield from _proofs(list(report.proofs))


def _proofs(reports: list[PromiseReport]) -> Iterator[Metric]:
    if not reports:
        return
    held = GaugeMetricFamily(
        "keyhole_promise_held",
        "1 for each promise that held when keyhole verify last tried it, 0 for one that did not "
        "or could not be tried.",
        labels=["target", "check"],
    )
    started = GaugeMetricFamily(
        "keyhole_promise_tried_timestamp_seconds",
        "When the last run of keyhole verify against a target began (Unix time).",
        labels=["target"],
    )
    for one in reports:
        started.add_metric([one.target], one.started)
        for check, is_held in one.held.items():
            held.add_metric([one.target, check], is_held)
    yield from (held, started)


def _events(receivers: list[EventReport]) -> Iterator[Metric]:
    if not receivers:
        return
    events = CounterMetricFamily(
        "keyhole_events",
        "Events for a receiver, by outcome: sent, or lost.",
        labels=["receiver", "outcome"],
    )
    waiting = GaugeMetricFamily(
        "keyhole_events_waiting", "Events that wait for a receiver in memory.", labels=["receiver"]
    )
    working = GaugeMetricFamily(
        "keyhole_event_receiver_working", "1 while a receiver takes events.", labels=["receiver"]
    )
    for one in receivers:
        events.add_metric([one.receiver, "sent"], one.sent)
        events.add_metric([one.receiver, "lost"], one.lost)
        waiting.add_metric([one.receiver], one.waiting)
        working.add_metric([one.receiver], one.is_working)
    yield from (events, waiting, working)


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
    behind = GaugeMetricFamily(
        "keyhole_engine_snapshots_behind",
        "Snapshots that the engine lacks; 0 when it decides by the newest one.",
        labels=["engine"],
    )
    for one in engines:
        for state in ENGINE_STATES:
            states.add_metric([one.name, state], state == one.state)
        if one.silent is not None:
            silent.add_metric([one.name], one.silent)
        outstanding.add_metric([one.name], not one.has_withdrawal)
        if one.behind is not None:
            behind.add_metric([one.name], one.behind)
    yield from (states, silent, outstanding, behind)


def _lists(lists: list[ListReport]) -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "keyhole_list_state", "1 for the state that the list is in.", labels=["list", "state"]
    )
    names = GaugeMetricFamily("keyhole_list_names", "Entries in force.", labels=["list"])
    skipped = GaugeMetricFamily(
        "keyhole_list_skipped_lines", "Lines of the list that are left out.", labels=["list"]
    )
    checked = GaugeMetricFamily(
        "keyhole_list_checked_timestamp_seconds",
        "When its servers last confirmed that the list is current (Unix time; the oldest URL).",
        labels=["list"],
    )
    for one in lists:
        for state in LIST_STATES:
            states.add_metric([one.name, state], state == one.state)
        for family, value in ((names, one.names), (skipped, one.skipped), (checked, one.checked)):
            if value is not None:
                family.add_metric([one.name], value)
    yield from (states, names, skipped, checked)
