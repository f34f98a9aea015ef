"""The database of control: documents in all versions, overrides, and the audit record.

SQLite by default, PostgreSQL by a URL; both behave the same.
"""

from keyhole.store.audit import (
    Actor,
    AuditCriteria,
    AuditEntry,
    AuditRecord,
    append,
    records,
    records_of,
    verify,
)
from keyhole.store.database import Database
from keyhole.store.documents import Version, current, history, revision, write_version
from keyhole.store.error import StoreError

__all__ = [
    "Actor",
    "AuditCriteria",
    "AuditEntry",
    "AuditRecord",
    "Database",
    "StoreError",
    "Version",
    "append",
    "current",
    "history",
    "records",
    "records_of",
    "revision",
    "verify",
    "write_version",
]
