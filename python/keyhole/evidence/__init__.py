"""The evidence chain: signed records, each with the digest of the one before, and what checks them.

A record says of a span of time which queries were taken in, by digests, and how far the audit
record was. Nothing here knows a database, an engine or the query history.
"""
