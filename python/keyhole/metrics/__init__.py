"""Counters of an engine and states of control as metrics, in the formats that Prometheus reads.

Labels are stage, transport, outcome, reason, upstream, list, policy, engine and words of closed
tables: never a name that somebody asks for, an address or the text of a rule. So the number of
series has a bound that the settings give, and a page of metrics shows nobody's queries.
"""

from keyhole.metrics.control import (
    ControlReport,
    EngineReport,
    EventReport,
    ListReport,
    PromiseReport,
    control_metrics,
)
from keyhole.metrics.engine import engine_metrics, read_reasons
from keyhole.metrics.exposition import Rendered, render
from keyhole.metrics.process import process_metrics

__all__ = [
    "ControlReport",
    "EngineReport",
    "EventReport",
    "ListReport",
    "PromiseReport",
    "Rendered",
    "control_metrics",
    "engine_metrics",
    "process_metrics",
    "read_reasons",
    "render",
]
