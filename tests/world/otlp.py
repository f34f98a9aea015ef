"""A receiver of OTLP over HTTP in this process: what was sent to it, decoded."""

import gzip
import threading
from collections import defaultdict
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

from tests.world.http_server import HttpServer

KINDS = {WireSpan.SPAN_KIND_SERVER: "server", WireSpan.SPAN_KIND_CLIENT: "client"}


@dataclass(frozen=True)
class Span:
    """One span; ids in hexadecimal digits, times in nanoseconds."""

    service: str
    trace: str
    id: str
    parent: str
    name: str
    kind: str
    """``server``, ``client`` or ``internal``."""
    began: int
    ended: int
    has_failed: bool
    attributes: dict[str, Any]


class OtlpReceiver(HttpServer):
    """The receiver; ``status`` and ``rejects`` may be changed while it runs."""

    def __init__(self, port: int = 0) -> None:
        self.status = 200
        self.rejects = 0
        """Spans that it says it did not take, of each request."""
        self.headers: list[dict[str, str]] = []
        self._spans: list[Span] = []
        self._lock = threading.Lock()
        super().__init__(_requests_of(self), port)

    @property
    def url(self) -> str:
        """The endpoint for the settings."""
        return f"http://127.0.0.1:{self.port}"

    def spans(self) -> list[Span]:
        """All spans so far."""
        with self._lock:
            return list(self._spans)

    def queries(self, service: str = "", **attributes: Any) -> list[Span]:
        """The spans of queries with these attributes; ``_`` stands for a dot in their names."""
        wanted = {name.replace("_", "."): value for name, value in attributes.items()}
        return [
            span
            for span in self.spans()
            if span.kind == "server"
            and service in ("", span.service)
            and wanted.items() <= span.attributes.items()
        ]

    def below(self, span: Span) -> dict[str, list[Span]]:
        """The children of a span, by name."""
        found = defaultdict(list)
        for one in self.spans():
            if one.trace == span.trace and one.parent == span.id:
                found[one.name].append(one)
        return found

    def take(self, request: ExportTraceServiceRequest, headers: dict[str, str]) -> None:
        """Takes one request in."""
        with self._lock:
            self.headers.append(headers)
            self._spans += [
                _span(str(_value(resource.resource.attributes, "service.name")), span)
                for resource in request.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]


def _requests_of(receiver: OtlpReceiver) -> type[BaseHTTPRequestHandler]:
    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.headers["content-type"] == "application/x-protobuf"
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if receiver.status == 200 and self.path == "/v1/traces":
                request = ExportTraceServiceRequest.FromString(body)
                sent = {name.lower(): value for name, value in self.headers.items()}
                receiver.take(request, sent)
            rejected = ExportTracePartialSuccess(rejected_spans=receiver.rejects)
            answer = ExportTraceServiceResponse(partial_success=rejected).SerializeToString()
            self.send_response(receiver.status)
            if receiver.status == 302:
                self.send_header("location", "http://192.0.2.1/v1/traces")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Requests


def _span(service: str, span: WireSpan) -> Span:
    return Span(
        service=service,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        kind=KINDS.get(span.kind, "internal"),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        has_failed=span.status.code == span.status.STATUS_CODE_ERROR,
        attributes={one.key: _plain(one.value) for one in span.attributes},
    )


def _value(attributes: Any, key: str) -> object:
    return next((_plain(one.value) for one in attributes if one.key == key), None)


def _plain(value: AnyValue) -> object:
    which = value.WhichOneof("value")
    return getattr(value, which) if which else None
