"""Makes spans of records, with the ids and times that the core gave them."""

from collections.abc import Iterable, Iterator

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from keyhole.traces import conventions
from keyhole.traces.record import Exchange, TraceRecord

_FETCH = "fetch"
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_NO_ATTRIBUTES: conventions.Attributes = {}
_UNSET = Status(StatusCode.UNSET)


class SpanFactory:
    """Makes the spans of one service. Each is made whole, as it has ended already: a tracer would
    begin and end it, and take three times as long."""

    def __init__(self, service: str, version: str) -> None:
        self._ids = RandomIdGenerator()
        self._resource = _OneResource(conventions.resource(service, version))
        self._scope = InstrumentationScope(conventions.SCOPE, version)

    def spans(self, records: Iterable[TraceRecord]) -> list[ReadableSpan]:
        """The spans of each record: the query, its stages, and its exchanges with upstreams."""
        return [span for record in records for span in self._of(record)]

    def _of(self, record: TraceRecord) -> Iterator[ReadableSpan]:
        query = fetching = _context(record, record["span"])
        for stage, began, ended in record["stages"]:
            context = SpanContext(query.trace_id, self._ids.generate_span_id(), False, _SAMPLED)
            if stage == _FETCH:
                fetching = context
            yield self._span(stage, context, query, _NO_ATTRIBUTES, (began, ended))
        for exchange in record["exchanges"]:
            yield self._exchange(record, exchange, fetching)
        yield self._span(
            conventions.span_name(record),
            query,
            _parent(record),
            conventions.query_attributes(record),
            (record["began"], record["ended"]),
            SpanKind.SERVER,
            record["reason"] if record["outcome"] == "failed" else None,
        )

    def _exchange(
        self, record: TraceRecord, exchange: Exchange, parent: SpanContext
    ) -> ReadableSpan:
        ended = record["ended"] if exchange["ended"] is None else exchange["ended"]
        return self._span(
            conventions.span_name(record),
            _context(record, exchange["span"]),
            parent,
            conventions.exchange_attributes(record, exchange),
            (exchange["began"], ended),
            SpanKind.CLIENT,
            exchange["error"],
        )

    def _span(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        attributes: conventions.Attributes,
        times: tuple[int, int],
        kind: SpanKind = SpanKind.INTERNAL,
        error: str | None = None,
    ) -> ReadableSpan:
        return ReadableSpan(
            name,
            context,
            parent,
            self._resource,
            attributes,
            kind=kind,
            status=Status(StatusCode.ERROR, error) if error else _UNSET,
            start_time=times[0],
            end_time=times[1],
            instrumentation_scope=self._scope,
        )


def _context(record: TraceRecord, span: str, *, is_remote: bool = False) -> SpanContext:
    return SpanContext(int(record["trace"], 16), int(span, 16), is_remote, _SAMPLED)


def _parent(record: TraceRecord) -> SpanContext | None:
    """The span of the client, if it named one."""
    if record["parent"] is None:
        return None
    return _context(record, record["parent"], is_remote=True)


class _OneResource(Resource):
    """The only one there is: its hash, which is wanted for each span, need not be computed."""

    def __hash__(self) -> int:
        return id(self)
