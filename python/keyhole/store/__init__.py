"""What control remembers: documents in all their versions, and the audit record.

SQLite by default, PostgreSQL by a URL; everything here does the same on both.
"""

from keyhole.store.audit import AuditEntry, AuditRecord, append, records, verify
from keyhole.store.database import Database
from keyhole.store.documents import Version, current, history, revision, write_version
from keyhole.store.error import StoreError

__all__ = [
    "AuditEntry",
    "AuditRecord",
    "Database",
    "StoreError",
    "Version",
    "append",
    "current",
    "history",
    "records",
    "revision",
    "verify",
    "write_version",
]
