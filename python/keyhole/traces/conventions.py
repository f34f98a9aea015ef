"""How OpenTelemetry's semantic conventions name what a query is: the only place that knows.

What they have no name for is below ``keyhole.``. The conventions for DNS are in development, so a
later version may change a name here and nowhere else.
"""

from collections.abc import Mapping

from opentelemetry.semconv._incubating.attributes.dns_attributes import DNS_QUESTION_NAME
from opentelemetry.semconv.attributes.client_attributes import CLIENT_ADDRESS
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.network_attributes import (
    NETWORK_PROTOCOL_NAME,
    NETWORK_TRANSPORT,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.service_attributes import SERVICE_NAME, SERVICE_VERSION

from keyhole.traces.record import Exchange, TraceRecord

Attributes = Mapping[str, str | int | float | bool]

SCOPE = "keyhole"
QUESTION_TYPE, TRANSPORT = "keyhole.question.type", "keyhole.transport"
OUTCOME, REASON, ENDED_BY = "keyhole.outcome", "keyhole.reason", "keyhole.stage"
POLICY, IDENTITY = "keyhole.policy", "keyhole.client.identity"
SNAPSHOT, WHY = "keyhole.snapshot", "keyhole.trace.why"
UPSTREAM, TAKEN_BACK = "keyhole.upstream", "keyhole.upstream.taken_back"
_DNS = "dns"
_ERRORS = ("refused", "failed")


def resource(service: str, version: str) -> dict[str, str]:
    """What says who sends the spans."""
    return {SERVICE_NAME: service, SERVICE_VERSION: version}


def span_name(record: TraceRecord) -> str:
    """The name of the span of a query and of its exchanges. It has few values, as the conventions
    ask, so the name that was asked for is no part of it."""
    return f"DNS {record['type']}" if record["type"] else "DNS"


def query_attributes(record: TraceRecord) -> Attributes:
    """The attributes of a query."""
    known = {
        NETWORK_PROTOCOL_NAME: _DNS,
        NETWORK_TRANSPORT: "udp" if record["transport"] == "udp" else "tcp",
        TRANSPORT: record["transport"],
        DNS_QUESTION_NAME: record["name"],
        QUESTION_TYPE: record["type"],
        CLIENT_ADDRESS: record["client"],
        IDENTITY: record["identity"],
        POLICY: record["policy"],
        OUTCOME: record["outcome"],
        REASON: record["reason"],
        ENDED_BY: record["stage"],
        SNAPSHOT: record["snapshot"],
        WHY: record["why"],
        ERROR_TYPE: record["reason"] if record["outcome"] in _ERRORS else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def exchange_attributes(record: TraceRecord, exchange: Exchange) -> Attributes:
    """The attributes of an exchange with an upstream."""
    known = {
        NETWORK_PROTOCOL_NAME: _DNS,
        NETWORK_TRANSPORT: "tcp",
        TRANSPORT: exchange["protocol"],
        DNS_QUESTION_NAME: record["name"],
        QUESTION_TYPE: record["type"],
        UPSTREAM: exchange["upstream"],
        SERVER_ADDRESS: exchange["server"],
        SERVER_PORT: exchange["port"],
        ERROR_TYPE: exchange["error"],
        TAKEN_BACK: True if exchange["ended"] is None else None,
    }
    return {name: value for name, value in known.items() if value is not None}
