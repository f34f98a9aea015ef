"""The section ``traces`` of ``keyhole.yaml``: how long each stage of some queries took."""

import re
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from keyhole.model.document_name import DOCUMENT_NAME
from keyhole.model.field_types import FLAG, FieldType, Section, count, text_of
from keyhole.model.spiffe import read_spiffe_id
from keyhole.model.units import MINUTE, milliseconds

DEFAULT_PATH = "/v1/traces"
_EXAMPLE = "http://127.0.0.1:4318"
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")  # RFC 9110 section 5.6.2
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)\s*(%?)")
_OWN_HEADERS = ("host", "content-type", "content-length", "content-encoding")


def read_endpoint_url(written: object) -> str:
    """The URL of an OTLP receiver; https, or http to this machine alone."""
    text = text_of(written).strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{text} is not a URL; write it as {_EXAMPLE}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{text} is not a URL of http or https; write it as {_EXAMPLE}")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(
            f"{text} has more than host, port and path; give credentials by headers, as names of "
            "secrets"
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError(
            f"{text} is not on this machine, and traces name who asks for what; use https, or a "
            "collector on loopback that sends them on encrypted"
        )
    return text if parts.path not in ("", "/") else f"{text.rstrip('/')}{DEFAULT_PATH}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_share(written: object) -> float:
    """A share from ``0%`` to ``100%``, or from 0 to 1."""
    text = str(written) if isinstance(written, float) else text_of(written).strip()
    found = _SHARE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is not a share; write it as 1%, or as 0.01")
    share = float(found[1]) / (100 if found[2] else 1)
    if share > 1:
        raise ValueError(f"{text} is out of range; give something from 0% to 100%, such as 1%")
    return share


def show_share(share: float) -> str:
    """The share in percent, such as ``1%``."""
    return f"{round(share * 100, 9):.9f}".rstrip("0").rstrip(".") + "%"


def read_header(written: object) -> str:
    """The name of a header that the exporter does not write itself."""
    text = text_of(written).strip().lower()
    if not _HEADER.fullmatch(text):
        raise ValueError(f"{text} is not the name of a header; write one such as authorization")
    if text in _OWN_HEADERS:
        raise ValueError(f"{text} is written by Keyhole; leave it out")
    return text


ENDPOINT_URL = FieldType(
    read_endpoint_url, {"type": "string", "description": "a URL", "examples": [_EXAMPLE]}
)
SHARE = FieldType(
    read_share,
    {
        "anyOf": [
            {
                "type": "string",
                "pattern": r"^[0-9]{1,3}(\.[0-9]{1,9})?\s*%$",
                "description": "a share from 0% to 100%",
            },
            {"type": "number", "minimum": 0, "maximum": 1},
        ]
    },
    show_share,
)
HEADER = FieldType(read_header, {"type": "string", "examples": ["authorization"]})
SPIFFE_ID = FieldType(
    read_spiffe_id,
    {
        "type": "string",
        "description": "a SPIFFE ID",
        "examples": ["spiffe://example.org/ns/dns/sa/resolver"],
    },
)


class TracesSection(Section):
    """How long each stage of some queries took, for a receiver of OpenTelemetry's OTLP over HTTP,
    such as Jaeger. Traces name who asks for what; a policy with log: anonymous has neither in them,
    and one with log: none has no traces. Without endpoint there are none."""

    endpoint: Annotated[str, ENDPOINT_URL] | None = Field(
        None,
        description="The URL of the receiver; https, unless it is on this machine. Without a path, "
        f"{DEFAULT_PATH} is added.",
        examples=[_EXAMPLE],
    )
    enabled: Annotated[bool, FLAG] = Field(
        True, description="false turns traces off and keeps the other settings."
    )
    share: Annotated[float, SHARE] = Field(
        0.01,
        description="The share of queries that are traced, whatever becomes of them. The id of a "
        "trace decides, so that all who have the same share trace the same queries.",
    )
    slow: Annotated[int, milliseconds(1, MINUTE)] = Field(
        500,
        description="Queries that take as long, and those that are refused or fail, are traced in "
        "any case.",
    )
    rate: Annotated[int, count(1, 10_000)] = Field(
        20,
        description="Traces in a second, of those by share and of the others each; more are "
        "dropped and counted. Each takes about 0.2 milliseconds of CPU time.",
    )
    ca: str | None = Field(
        None,
        min_length=1,
        description="PEM file, beside this one, with the root certificates for the endpoint; those "
        "that come with Keyhole if left out.",
        examples=["collector-ca.pem"],
    )
    headers: dict[Annotated[str, HEADER], Annotated[str, DOCUMENT_NAME]] = Field(
        default_factory=dict,
        max_length=16,
        description="Headers for the receiver, and for each the name of its secret: a folder in "
        "secrets of the data folder, with the file value.",
        examples=[{"authorization": "collector"}],
    )
    service: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="The name of this service in traces; keyhole-resolver or keyhole-forwarder if "
        "left out.",
        examples=["dns"],
    )
    forwarders: tuple[Annotated[str, DOCUMENT_NAME], ...] = Field(
        (),
        max_length=100,
        description="Names of Upstream documents that are forwarders of your own: they learn the "
        "trace of a query, so that it goes on there. No other upstream does.",
        examples=["forwarder"],
    )
    resolvers: tuple[Annotated[str, SPIFFE_ID], ...] = Field(
        (),
        max_length=1_000,
        description="SPIFFE IDs of resolvers of your own, known by certificate or sidecar: their "
        "traces go on here as they say.",
        examples=["spiffe://keyhole.internal/ns/dns/sa/resolver"],
    )

    @field_validator("forwarders", "resolvers", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @property
    def is_on(self) -> bool:
        """Whether queries are traced at all."""
        return self.enabled and self.endpoint is not None
