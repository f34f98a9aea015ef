"""The lines in which the core says what it recorded; times are nanoseconds of Unix time."""

import json
from typing import TypedDict


class Exchange(TypedDict):
    """One exchange with an upstream."""

    span: str
    upstream: str
    protocol: str
    server: str
    port: int
    began: int
    ended: int | None
    """``None`` where it was taken back: another one was faster."""
    seconds: float | None
    error: str | None


class TraceRecord(TypedDict):
    """One query. With ``log: anonymous`` in its policy, it has neither name nor client."""

    trace: str
    span: str
    parent: str | None
    """The span of the client, if it named one."""
    why: str
    """``sampled``, ``refused``, ``failed`` or ``slow``."""
    began: int
    ended: int
    seconds: float
    """Its duration as the histograms count it."""
    waited: bool
    transport: str
    client: str | None
    identity: str | None
    policy: str | None
    name: str | None
    type: str | None
    outcome: str
    reason: str
    stage: str
    """The stage that ended it."""
    snapshot: int | None
    stages: list[tuple[str, int, int]]
    """Each stage that was timed, with its begin and end."""
    exchanges: list[Exchange]


def read_records(lines: bytes) -> list[TraceRecord]:
    """The records of lines of the core."""
    return [json.loads(line) for line in lines.splitlines()]
