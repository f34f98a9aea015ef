"""The snapshot: all documents as one, for the engine.

These types mirror ``crates/core/src/document.rs``; the golden document in
``tests/contract`` is read by both sides. Every default is resolved, and every name is absolute.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, model_serializer, model_validator

from keyhole.model.field_types import Boundary
from keyhole.model.match import Match
from keyhole.model.snapshot_identity import Schedule, Subjects, Trust

SNAPSHOT_VERSION: Final = 1

Action = Literal["block", "allow"]
Mode = Literal["enforce", "observe"]
Index = Annotated[int, Field(ge=0)]


class ListFile(Boundary):
    """The compiled lists: absolute path, and the SHA-256 that the file must have."""

    path: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class SnapshotList(Boundary):
    """A list by name, and whether it blocks or allows."""

    name: str
    kind: Action


class Roots(Boundary):
    """Root certificates for an upstream: ``"public"``, or ``{"pem": ...}``."""

    pem: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _public(cls, value: Any) -> Any:
        return {} if value == "public" else value

    @model_serializer
    def _as_tagged(self) -> str | dict[str, str]:
        return "public" if self.pem is None else {"pem": self.pem}


class SnapshotUpstream(Boundary):
    """One upstream with every default resolved."""

    name: str
    protocol: Literal["doh", "dot", "tcp", "doh_cleartext"]
    addresses: list[str] = Field(min_length=1)
    server_name: str
    path: str
    pins: list[str]
    server_id: str | None
    roots: Roots
    crls: str
    client_identity: str | None
    cleartext: bool = False
    """Whether nothing encrypts the queries, not even a mesh."""


class TrustAnchor(Boundary):
    """A zone whose key is known by its digest: a DS record (RFC 4034 section 5)."""

    name: str
    """``.`` is the root."""
    tag: Annotated[int, Field(ge=0, le=65_535)]
    algorithm: Annotated[int, Field(ge=0, le=255)]
    digest_type: Annotated[int, Field(ge=0, le=255)]
    digest: str
    """In hexadecimal."""


class NegativeTrustAnchor(Boundary):
    """A domain that is not validated until a second of Unix time."""

    name: str
    until: int


class Validation(Boundary):
    """DNSSEC validation; ``log`` only counts what it finds."""

    mode: Literal["log", "on"]
    anchors: list[TrustAnchor]
    """With none, ``on`` takes everything as insecure, so that AD of upstreams is not passed on."""
    exempt: list[NegativeTrustAnchor]


class UpstreamSet(Boundary):
    """Interchangeable upstreams, preferred first."""

    name: str
    upstreams: list[Index] = Field(min_length=1)
    hedge_ms: int
    timeout_ms: int
    validation: Validation | None = None
    """Those of an earlier version have none."""


class RecordData(Boundary):
    """The data of a record: the type as key, and its value, as ``{"a": "192.0.2.7"}``."""

    kind: Literal["a", "aaaa", "cname", "ptr", "txt"]
    value: str | list[str]

    @model_validator(mode="before")
    @classmethod
    def _one_key(cls, value: Any) -> Any:
        if isinstance(value, dict) and len(value) == 1:
            ((kind, data),) = value.items()
            return {"kind": kind, "value": data}
        return value

    @model_serializer
    def _as_one_key(self) -> dict[str, str | list[str]]:
        return {self.kind: self.value}


class SnapshotRecord(Boundary):
    """One local record."""

    name: str
    ttl: int = Field(ge=0, le=604_800)
    data: RecordData
    origin: str


class Rewrite(Boundary):
    """A name that gets the addresses of another name, and what rewrites it."""

    name: str
    target: str
    title: str


class Answer(Boundary):
    """The answer for a blocked name: a word, or ``{"address": ...}``."""

    text: str

    @model_validator(mode="before")
    @classmethod
    def _tagged(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"text": value}
        if isinstance(value, dict) and "address" in value:
            return {"text": value["address"]}
        return value

    @model_serializer
    def _as_tagged(self) -> str | dict[str, str]:
        if self.text in ("nxdomain", "nodata", "refused", "null"):
            return self.text
        return {"address": self.text}


class Span(Boundary):
    """A span of seconds of Unix time; ``until`` is excluded.

    The beginning keeps the span from growing when the clock is set back.
    """

    since: int = Field(alias="from")
    until: int

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)


class SnapshotRule(Boundary):
    """One rule with every default resolved."""

    action: Action
    matches: list[Match]
    types: list[Index]
    answer: Answer
    mode: Mode
    when: Index | None
    during: Span | None
    important: bool
    decision: bool
    origin: str


class Exempt(Boundary):
    """A domain without a budget until a second of Unix time."""

    domain: str
    reason: str
    until: int


class Split(Boundary):
    """What all clients together may tell a registered domain by distinct names within an hour."""

    mode: Mode
    octets: Index


def _without_quarantine(schema: dict[str, Any]) -> None:
    schema["properties"].pop("quarantine")


class Tunneling(Boundary):
    """Budgets in octets of distinct names of one client below one registered domain."""

    model_config = ConfigDict(json_schema_extra=_without_quarantine)

    mode: Mode
    alert: Index
    throttle: Index
    block: Index
    day: Index
    split: Split | None = None
    """Those of an earlier version have none."""
    exempt: list[Exempt]
    quarantine: int | None = Field(None, exclude=True)
    """Seconds for which a client that used up a budget is refused everything. Engines do not need
    it: control imposes it."""


class ForwardedDomain(Boundary):
    """A domain, and the upstream set that is asked for the names at and below it."""

    name: str
    upstream_set: Index


class SnapshotPolicy(Boundary):
    """One policy with every default resolved."""

    name: str
    mode: Mode
    log: Literal["full", "anonymous", "none"]
    default: Literal["allow", "deny"]
    rules: list[SnapshotRule]
    lists: list[Index]
    list_answer: Answer
    list_mode: Mode
    paused: Span | None
    private_addresses: Literal["allow", "block"]
    private_names: list[Match]
    forwarded_names: list[Match]
    tunneling: Tunneling | None
    missing_domains: Mode | None = None
    """Those of an earlier version have none."""
    blocked_ttl: int = Field(ge=0, le=86_400)
    domains: list[ForwardedDomain] = Field(default_factory=list)
    """Those of an earlier version have none."""
    upstream_set: Index
    record_set: Index
    rewrite_set: Index | None = None
    """Those of an earlier version have none."""
    origin: str


class Snapshot(Boundary):
    """One compiled set of documents."""

    version: Literal[1] = SNAPSHOT_VERSION
    number: Index
    list_file: ListFile | None
    lists: list[SnapshotList]
    upstreams: list[SnapshotUpstream]
    upstream_sets: list[UpstreamSet]
    records: list[SnapshotRecord]
    record_sets: list[list[Index]]
    rewrite_sets: list[list[Rewrite]] = Field(default_factory=list)
    """Those of an earlier version have none."""
    schedules: list[Schedule]
    trust: Trust
    subjects: Subjects
    policies: list[SnapshotPolicy]
    default_policy: Index | None
    unlogged: list[Match]

    def to_json(self) -> bytes:
        """The bytes for the engine; equal snapshots give equal bytes."""
        return self.model_dump_json(indent=1).encode() + b"\n"
