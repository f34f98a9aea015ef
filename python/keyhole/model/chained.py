"""The digest of an entry of the audit record, for who keeps it and for who checks it elsewhere."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

FIRST = "0" * 64
"""What stands before the first entry of a chain."""


def entry_digest(fields: Sequence[Any]) -> str:
    """SHA-256 over all fields of an entry but its digest, the digest of the entry before among
    them."""
    return hashlib.sha256(json.dumps(list(fields), ensure_ascii=False).encode()).hexdigest()
