"""Changes of documents by command, API or browser."""

from keyhole.control.changes.change import Changes
from keyhole.control.changes.change_request import (
    ChangeRequest,
    Effect,
    Outcome,
    find_kind,
    read_change_requests,
    summary,
    with_version,
)
from keyhole.control.changes.document_record import DocumentRecord

__all__ = [
    "ChangeRequest",
    "Changes",
    "DocumentRecord",
    "Effect",
    "Outcome",
    "find_kind",
    "read_change_requests",
    "summary",
    "with_version",
]
