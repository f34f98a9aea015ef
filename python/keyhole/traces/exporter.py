"""Sends spans to a receiver of OTLP over HTTP, and says why that fails."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from keyhole.errors import KeyholeError
from keyhole.system.regular_file import read_regular

TIMEOUT_SECONDS = 5.0
"""How long one batch may take, with all attempts."""
MAX_SECRET = 16 * 2**10


class ExportError(KeyholeError):
    """The receiver did not take spans; says why."""


@dataclass(frozen=True)
class Receiver:
    """A receiver: its URL, the files with the values of headers, and root certificates."""

    endpoint: str
    headers: Mapping[str, Path] = field(default_factory=dict)
    ca: Path | None = None


class OtlpExporter:
    """Sends spans to one receiver. For one thread."""

    def __init__(self, receiver: Receiver) -> None:
        """Connects to nothing yet."""
        # What it would log is raised here.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._receiver = receiver
        self._session = _Session()
        self._exporter = OTLPSpanExporter(
            endpoint=receiver.endpoint,
            certificate_file=str(receiver.ca) if receiver.ca else None,
            timeout=TIMEOUT_SECONDS,
            compression=Compression.Gzip,
            session=self._session,
        )

    def send(self, spans: Sequence[ReadableSpan]) -> int:
        """Sends spans; returns how many of them the receiver rejected. Raises `ExportError`."""
        self._session.headers.update(self._secrets())
        self._session.last_error = "no answer"
        if self._exporter.export(spans) is not SpanExportResult.SUCCESS:
            raise ExportError(self._session.last_error)
        return self._session.rejected

    def close(self) -> None:
        """Closes its connections."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _secrets(self) -> dict[str, str]:
        """The headers. Read each time, so that a new secret needs no restart."""
        found = {}
        for name, file in self._receiver.headers.items():
            try:
                value = read_regular(file, MAX_SECRET).decode("ascii").strip()
            except OSError as error:
                raise ExportError(f"cannot read {file}: {error.strerror}") from None
            except UnicodeDecodeError:
                raise ExportError(f"{file} is no text of ASCII characters") from None
            if not value.isprintable():
                raise ExportError(f"{file} has more than one line")
            found[name] = value
        return found


class _Session(requests.Session):
    """Remembers why a request failed, and what the receiver rejected of it. A redirection is a
    failure: it may lead anywhere."""

    def __init__(self) -> None:
        super().__init__()
        # Proxies and passwords of the environment are not ours.
        self.trust_env = False
        self.last_error = ""
        self.rejected = 0

    def request(self, *arguments: Any, **more: Any) -> requests.Response:
        self.rejected = 0
        try:
            response = super().request(*arguments, **more)
        except OSError as error:  # those of requests, and files of its own
            self.last_error = _why(error)
            raise
        if response.is_redirect or 300 <= response.status_code < 400:
            self.last_error = f"it answers {response.status_code}, a redirection"
            raise requests.exceptions.InvalidURL(self.last_error)
        if response.status_code >= 400:
            self.last_error = f"it answers {response.status_code} {response.reason}".rstrip()
        else:
            self.rejected = _rejected(response.content)
        return response


def _rejected(content: bytes) -> int:
    """The spans that a receiver says it did not take (OTLP, partial success)."""
    try:
        answer = ExportTraceServiceResponse.FromString(content)
    except DecodeError:
        return 0
    return int(answer.partial_success.rejected_spans)


def _why(error: BaseException) -> str:
    """The innermost cause in words: the outer ones repeat the URL."""
    if isinstance(error, requests.exceptions.Timeout):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    seen = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
        inner = inner or next((one for one in error.args if isinstance(one, BaseException)), None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
