"""Findings: clients that did what needs a person to look at, with the evidence."""

from sqlalchemy import BigInteger, Column, Table, Text

from keyhole.store.tables import METADATA

FINDINGS = Table(
    "findings",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("client_kind", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("policy", Text),
    Column("engine", Text),
    Column("level", Text, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("octets", BigInteger, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("until", BigInteger),
    Column("who", Text),
    Column("why", Text),
)
"""``first``, ``last`` and ``until`` are seconds of Unix time; ``evidence`` is JSON."""

FINDINGS_HIGHEST = Table(
    "findings_highest",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
)
"""One row: the highest number that was given, also when its finding is gone. None before the
first."""

FINDINGS_READ = Table(
    "findings_read",
    METADATA,
    Column("engine", Text, primary_key=True),
    Column("spool", Text, nullable=False),
    Column("offset", BigInteger, nullable=False),
)
"""How far the query log of each engine was looked through. It is written with the findings, so that
no query counts twice."""
