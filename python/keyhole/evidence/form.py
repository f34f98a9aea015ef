"""The form of an export: its members, and its manifest."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
CHAIN, AUDIT, KEY = "chain.jsonl", "audit.jsonl", "key.pem"

State = Literal["whole", "anonymous", "removed", "missing", "changed"]
"""What the query history still has of an hour: all of it; all of it without clients; less, because
retention has removed some; less or other than was recorded."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Member(_Part):
    """A file of the export."""

    octets: int = Field(ge=0)
    sha256: str


class Queries(_Part):
    """The queries of one hour of one record; ``file`` is none where they are not in the export.
    ``left`` rows of a removed hour are still there. ``key``, in hexadecimal, is that of their HMAC,
    where they are whole."""

    record: int
    hour: int
    state: State
    file: str | None
    left: int = Field(0, ge=0)
    key: str | None = Field(None, pattern="^[0-9a-f]{64}$")


class Manifest(_Part):
    """What an export holds. ``first`` and ``last`` are the numbers of the records whose queries and
    audit entries are in it; the chain is whole."""

    format: int
    keyhole: str
    made: str
    by: str
    since: str
    until: str
    first: int
    last: int
    head: int
    """The number of the last record of the chain."""
    head_digest: str
    key: str
    members: dict[str, Member]
    queries: list[Queries]


def queries_name(record: int, hour: int) -> str:
    """The name of the member with the queries of one hour of a record."""
    return f"queries/{record}-{hour}.jsonl"
