"""Reads the query log: JSON lines that the engine writes, one for each query that ended.

===============  =================================================================================
``time``         when the query arrived, RFC 3339 in UTC with microseconds
``transport``    ``udp``, ``tcp``, ``dot``, ``doh``
``client``       its address; null where its policy is anonymous
``identity``     the SPIFFE ID that it showed, or null
``token``        the name of the token that it showed, or null
``policy``       the policy that spoke for it, or null where none did
``name``         the name asked for, lower case; null for a message that was no question
``type``         the record type, such as ``AAAA`` or ``TYPE65280``; null as ``name``
``outcome``      ``answered``, ``blocked``, ``refused``, ``failed``, ``dropped``
``reason``       why it ended, a word of docs/reference/reasons.md
``rule``         where the rule that decided stands, ``decision N``, ``pause until ...``, or null
``list``         the list that decided, or null
``observed``     what would have blocked it if it acted: a rule's place or a list; or null
``upstream``     who gave the answer, now or when it was cached; or null
``duration_us``  microseconds that it waited for an upstream; 0 where it was answered in place
``snapshot``     the number of the snapshot that decided, or null
===============  =================================================================================

A line ``{"lost": n}`` says that ``n`` events between its neighbors were not written.
"""

from keyhole.querylog.entry import ClientRef, LogEntry
from keyhole.querylog.read import LogReader, QueryLogError
from keyhole.querylog.tail import Tail

__all__ = ["ClientRef", "LogEntry", "LogReader", "QueryLogError", "Tail"]
