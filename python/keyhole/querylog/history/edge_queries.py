"""The queries in SQL that count who asked whom.

Rows are first counted as they are alike, in one pass; everything else works on these counts, which
are far fewer.
"""

from collections.abc import Sequence

from keyhole.querylog.history.segment import Segment, row_files

MAX_CLIENTS = 150
"""Clients that are told apart; those with fewer queries are summed up, by namespace if they have
one."""
MAX_DOMAINS = 100
"""Domains that are told apart; the others are summed up."""
WAIT_STEPS = 8
"""Wait times are counted in intervals; so many of them double the time."""
MAX_ASKERS = 1_000
"""The same, where clients are listed rather than drawn."""
REST = "*"
"""Stands for all clients or domains that are not told apart."""
PRESENT = "spiffe://any/any"
"""Stands for an identity where only counts that there is one."""
NOT_ASKED = ("cached", "stale", "cached_failure")
"""Reasons with the upstream of an earlier query: this one was not sent to it."""

NAMESPACE = (
    "coalesce(nullif(regexp_extract(identity, '^spiffe://[^/]+/ns/([^/]+)/', 1), ''), "
    "nullif(regexp_extract(identity, '^spiffe://[^/]+/(.+)/[^/]+$', 1), ''))"
)
"""The namespace of a SPIFFE ID: what follows ``ns``, else all of the path but its last part."""
_LABELS = tuple(f"split_part(name, '.', {place})" for place in (-1, -2, -3))
DOMAIN = (
    f"CASE WHEN {_LABELS[1]} = '' THEN NULL "
    f"WHEN length({_LABELS[0]}) = 2 AND {_LABELS[2]} != '' AND "
    f"{_LABELS[1]} IN ('ac', 'co', 'com', 'edu', 'gov', 'net', 'org') "
    f"THEN concat_ws('.', {_LABELS[2]}, {_LABELS[1]}, {_LABELS[0]}) "
    f"ELSE concat_ws('.', {_LABELS[1]}, {_LABELS[0]}) END"
)
"""The last two labels of a name, three below the usual second levels of countries; none of a name
of one label."""
_WAIT = f"CASE WHEN duration_us > 0 THEN round(log2(duration_us) * {WAIT_STEPS})::INTEGER END"
_SENT_TO = f"CASE WHEN reason NOT IN {NOT_ASKED} THEN upstream END"
_COUNTS = 'sum(coalesce("count", 1))::BIGINT AS queries, count(*) AS lines'
_ASKER = "coalesce(identity, token, client, '')"
_RENAMED = (
    f"regexp_replace(identity, '/[^/]+$', '/{REST}') AS identity, "
    f"CASE WHEN token IS NOT NULL THEN '{REST}' END AS token, "
    f"CASE WHEN client IS NOT NULL THEN '{REST}' END AS client"
)
_SUMS = (
    "sum(queries)::BIGINT AS queries, "
    "coalesce(sum(lines) FILTER (wait IS NOT NULL), 0)::BIGINT AS waited, "
    "list([wait::BIGINT, lines]) FILTER (wait IS NOT NULL) AS waits"
)


def clients_query(segments: Sequence[Segment], condition: str) -> str:
    """Queries, those that waited, and pairs of wait time and number, by client, upstream, verdict
    and how both were reached."""
    groups = "engine, policy, transport, tls, outcome, reason, upstream, upstream_tls"
    counted = (
        f"SELECT {groups}, identity, token, client, {_WAIT} AS wait, {_COUNTS} "
        f"FROM read_parquet({row_files(segments)}) WHERE {condition} GROUP BY ALL"
    )
    return (
        f"WITH {_named(counted)} SELECT {groups}, identity, token, client, {_SUMS} "
        "FROM named GROUP BY ALL"
    )


def series_query(segments: Sequence[Segment], condition: str, since: int, step: int) -> str:
    """Queries and those that waited, by start of the interval, client, upstream and verdict."""
    moment = f'("time" - {int(since)}) // {int(step)} * {int(step)} + {int(since)}'
    groups = '"interval", engine, policy, transport, tls, outcome, reason'
    counted = (
        f'SELECT {moment} AS "interval", engine, policy, transport, tls, outcome, reason, '
        f"{_SENT_TO} AS upstream, identity, token, client, duration_us > 0 AS has_waited, "
        f"{_COUNTS} FROM read_parquet({row_files(segments)}) WHERE {condition} GROUP BY ALL"
    )
    return (
        f"WITH {_named(counted)} SELECT {groups}, upstream, identity, token, client, "
        "sum(queries)::BIGINT AS queries, "
        "coalesce(sum(lines) FILTER (has_waited), 0)::BIGINT AS waited FROM named GROUP BY ALL"
    )


def domains_query(segments: Sequence[Segment], condition: str) -> str:
    """The same as `clients_query` by domain, with stand-ins for identity, token and client, and
    without upstreams."""
    groups = "engine, policy, transport, tls, outcome, reason"
    there = ", ".join(
        f"CASE WHEN {column} IS NOT NULL THEN '{PRESENT}' END AS {column}"
        for column in ("identity", "token", "client")
    )
    named = (
        f"SELECT {DOMAIN} AS domain, {groups}, {there}, {_WAIT} AS wait, "
        f'coalesce("count", 1) AS queries FROM read_parquet({row_files(segments)}) '
        f"WHERE {condition} AND name IS NOT NULL"
    )
    # Read twice: counted by each domain there would be nearly as many counts as rows.
    counted = (
        f"SELECT CASE WHEN domain IN (FROM busiest) THEN domain ELSE '{REST}' END AS domain, "
        f"{groups}, identity, token, client, wait, sum(queries)::BIGINT AS queries, "
        "count(*) AS lines FROM named WHERE domain IS NOT NULL GROUP BY ALL"
    )
    return (
        f"WITH named AS NOT MATERIALIZED ({named}), busiest AS MATERIALIZED (SELECT domain "
        "FROM named WHERE domain IS NOT NULL GROUP BY domain ORDER BY sum(queries) DESC, domain "
        f"LIMIT {MAX_DOMAINS}), counted AS ({counted}) "
        f"SELECT domain, {groups}, identity, token, client, {_SUMS} FROM counted GROUP BY ALL"
    )


def askers_query(segments: Sequence[Segment], condition: str) -> str:
    """Queries, those that waited, and the time of the last one, by client, upstream, verdict and
    how it came. Without the addresses of clients that have a proof."""
    groups = "engine, policy, transport, tls, outcome, reason, upstream, identity, token"
    counted = (
        f"SELECT {groups}, CASE WHEN identity IS NULL AND token IS NULL THEN client END AS client, "
        'sum(coalesce("count", 1))::BIGINT AS queries, '
        'count(*) FILTER (duration_us > 0) AS waited, max("time") AS last '
        f"FROM read_parquet({row_files(segments)}) WHERE {condition} GROUP BY ALL"
    )
    return (
        f"WITH {_named(counted, MAX_ASKERS)} SELECT {groups}, client, "
        "sum(queries)::BIGINT AS queries, sum(waited)::BIGINT AS waited, "
        "max(last)::BIGINT AS last FROM named GROUP BY ALL"
    )


def _named(counted: str, most: int = MAX_CLIENTS) -> str:
    """The counts, with the busiest clients by their names and the others summed up."""
    return (
        f"counted AS MATERIALIZED ({counted}), busiest AS (SELECT {_ASKER} AS asker FROM counted "
        f"GROUP BY asker ORDER BY sum(queries) DESC, asker LIMIT {int(most)}), "
        f"named AS (SELECT * FROM counted WHERE {_ASKER} IN (FROM busiest) UNION ALL BY NAME "
        f"SELECT * REPLACE ({_RENAMED}) FROM counted WHERE {_ASKER} NOT IN (FROM busiest))"
    )
