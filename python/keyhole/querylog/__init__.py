"""Reads the query log: the engine writes one JSON line for each query that ended;
alike ones of a second share one while the engine is busy.

===============  =================================================================================
``time``         when the query arrived, RFC 3339 in UTC with microseconds
``transport``    ``udp``, ``tcp``, ``dot``, ``doh``, ``mesh``
``tls``          the version of TLS of its connection, such as ``1.3``; ``none`` for DoH behind a
                 proxy that ends TLS; left out where the transport has no TLS
``client``       the client's address; null where its policy is anonymous
``identity``     the client's SPIFFE ID, or null
``token``        the name of the client's token, or null
``policy``       the policy of the client, or null where it has none
``name``         the query name in lower case; null for a message that is not a query
``type``         the record type, such as ``AAAA`` or ``TYPE65280``; null with ``name``
``outcome``      ``answered``, ``blocked``, ``refused``, ``failed``, ``dropped``
``reason``       why it ended, as listed in docs/reference/reasons.md
``answer``       what the client got for a blocked name: ``nxdomain``, ``nodata``, ``refused``,
                 ``null``, ``address``; left out for others
``rule``         the place of the deciding rule, ``decision N``, ``pause until ...``, or null
``list``         the deciding list, or null
``file``         the file of that list; left out without a list
``line``         the line of the deciding entry in that file; left out without a list
``target``       the blocked name that an alias or service record leads to; left out without one
``allow``        the name to allow so that a blocked ``target`` is answered; left out if none helps
``observed``     the rule or list that only observes and would have blocked it; or null
``upstream``     the upstream that answered, now or when it was cached; or null
``upstream_tls`` the version of TLS over which it was asked now; left out where it was not asked, or
                 over cleartext
``duration_us``  microseconds that it waited for an upstream; 0 for local and cached answers
``snapshot``     the number of the deciding snapshot, or null
``count``        how many queries the line stands for: those that were turned away, without a name,
                 or alike ones of one second; left out for one query
===============  =================================================================================

A line ``{"lost": n}`` means that ``n`` events were not written at this place. With ``"before": n``
it begins a file that follows others, in which ``n`` queries are.
"""

from keyhole.querylog.entry import ClientRef, LogEntry
from keyhole.querylog.read import LogReader, QueryLogError
from keyhole.querylog.tail import Tail

__all__ = ["ClientRef", "LogEntry", "LogReader", "QueryLogError", "Tail"]
