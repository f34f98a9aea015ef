"""The three boards: what each panel shows, and the query that gives it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Panel:
    """One panel; ``queries`` are expressions, each with its legend (labels in ``{{}}``)."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    """A unit of Grafana, such as ``reqps``, ``percentunit`` or ``s``."""
    kind: str = "timeseries"
    """A panel type of Grafana: ``timeseries`` or ``stat``."""
    width: int = 12
    """Of the 24 columns of a board."""


@dataclass(frozen=True)
class Board:
    """One board; ``uid`` is its name in addresses and as a file."""

    uid: str
    title: str
    panels: tuple[Panel, ...]


def _by(labels: str, expression: str) -> str:
    return f"sum by ({labels}) ({expression})"


def _rate(series: str) -> str:
    return f"rate({series}[$__rate_interval])"


def _quantile(share: float, series: str, labels: str = "") -> str:
    return f"histogram_quantile({share}, {_by(f'{labels}le', _rate(f'{series}_bucket'))})"


def _zero(expression: str) -> str:
    """0 where nothing was counted yet: a panel of faults must not look broken when all is well."""
    return f"({expression}) or vector(0)"


def _queries(*more: str) -> str:
    selectors = ",".join(('job=~"$job"', *more))
    return f"keyhole_queries_total{{{selectors}}}"


_QUERIES = _queries()
_ENCRYPTED = _queries('transport=~"dot|doh"')
_CLEARTEXT = _queries('transport=~"udp|tcp"')
_BLOCKED = _queries('outcome="blocked"')
_REFUSED = _queries('outcome="refused"')


OVERVIEW = Board(
    "keyhole-overview",
    "Keyhole: overview",
    (
        Panel("Queries", ((_by("job", _rate(_QUERIES)), "{{job}}"),), "reqps", "stat", 6),
        Panel(
            "Encrypted",
            ((f"sum({_rate(_ENCRYPTED)}) / sum({_rate(_QUERIES)})", "encrypted"),),
            "percentunit",
            "stat",
            6,
        ),
        Panel(
            "Blocked",
            ((f"sum({_rate(_BLOCKED)}) / sum({_rate(_QUERIES)})", "blocked"),),
            "percentunit",
            "stat",
            6,
        ),
        Panel(
            "Needs attention",
            ((_zero("sum(keyhole_part_needs_attention)"), "parts"),),
            kind="stat",
            width=6,
        ),
        Panel("Queries by outcome", ((_by("outcome", _rate(_QUERIES)), "{{outcome}}"),), "reqps"),
        Panel(
            "Queries by transport",
            ((_by("transport", _rate(_QUERIES)), "{{transport}}"),),
            "reqps",
        ),
        Panel(
            "Time of queries that were answered here",
            tuple(
                (_quantile(share, "keyhole_query_answered_here_seconds"), f"{share:.0%}")
                for share in (0.5, 0.95, 0.99)
            ),
            "s",
        ),
        Panel(
            "Time of queries that waited for an upstream",
            tuple(
                (_quantile(share, "keyhole_query_wait_seconds"), f"{share:.0%}")
                for share in (0.5, 0.95, 0.99)
            ),
            "s",
        ),
        Panel("Reasons", ((_by("reason", _rate(_QUERIES)), "{{reason}}"),), "reqps"),
        Panel(
            "Cache",
            (
                ('sum by (job) (keyhole_cache_octets{job=~"$job"})', "{{job}} octets"),
                ('sum by (job) (keyhole_cache_entries{job=~"$job"})', "{{job}} entries"),
            ),
        ),
    ),
)

ENGINES = Board(
    "keyhole-engines",
    "Keyhole: engines and upstreams",
    (
        Panel(
            "Queries to upstreams",
            (
                (
                    _by("job, upstream", _rate('keyhole_upstream_queries_total{job=~"$job"}')),
                    "{{job}} {{upstream}}",
                ),
            ),
            "reqps",
        ),
        Panel(
            "Round trips, 95 %",
            (
                (
                    _quantile(0.95, "keyhole_upstream_round_trip_seconds", "job, upstream, "),
                    "{{job}} {{upstream}}",
                ),
            ),
            "s",
        ),
        Panel(
            "Upstreams that work",
            (('keyhole_upstream_healthy{job=~"$job"}', "{{job}} {{upstream}}"),),
        ),
        Panel(
            "Failed attempts",
            (
                (
                    _by(
                        "job, upstream, reason",
                        _rate('keyhole_upstream_failures_total{job=~"$job"}'),
                    ),
                    "{{upstream}} {{reason}}",
                ),
            ),
            "reqps",
        ),
        Panel(
            "Engines in force",
            (('keyhole_engine_state{state="in force"}', "{{engine}}"),),
            kind="stat",
            width=6,
        ),
        Panel(
            "Snapshots behind",
            (("keyhole_engine_snapshots_behind", "{{engine}}"),),
            kind="stat",
            width=6,
        ),
        Panel(
            "Time since the last message",
            (("keyhole_engine_silent_seconds", "{{engine}}"),),
            "s",
            width=12,
        ),
        Panel("Queries that wait", (('keyhole_queries_waiting{job=~"$job"}', "{{job}}"),)),
        Panel(
            "Events of the query log that were lost",
            (
                (
                    _by("job", _rate('keyhole_query_log_events_total{outcome="lost"}')),
                    "{{job}}",
                ),
            ),
        ),
        Panel("Memory", (('process_resident_memory_bytes{job=~"$job"}', "{{job}}"),), "bytes"),
        Panel("CPU", ((_rate('process_cpu_seconds_total{job=~"$job"}'), "{{job}}"),)),
    ),
)

SECURITY = Board(
    "keyhole-security",
    "Keyhole: security",
    (
        Panel(
            "Queries in the clear",
            (
                (
                    _by("job, transport", _rate(_CLEARTEXT)),
                    "{{job}} {{transport}}",
                ),
            ),
            "reqps",
        ),
        Panel(
            "Refused queries, by reason",
            ((_by("reason", _rate(_REFUSED)), "{{reason}}"),),
            "reqps",
        ),
        Panel(
            "Blocked queries, by reason",
            ((_by("reason", _rate(_BLOCKED)), "{{reason}}"),),
            "reqps",
        ),
        Panel(
            "Handshakes of clients",
            (
                (
                    _by("outcome, reason", _rate('keyhole_tls_handshakes_total{job=~"$job"}')),
                    "{{outcome}} {{reason}}",
                ),
            ),
            "reqps",
        ),
        Panel(
            "Connections that were over a limit",
            (
                (
                    _zero(_by("reason", _rate('keyhole_closed_connections_total{job=~"$job"}'))),
                    "{{reason}}",
                ),
            ),
            "reqps",
        ),
        Panel(
            "Queries over a client's share",
            (
                (_by("job", _rate("keyhole_over_identity_share_total")), "{{job}} identity"),
                (_by("job", _rate("keyhole_over_network_share_total")), "{{job}} network"),
            ),
            "reqps",
        ),
        Panel(
            "Certificates end",
            (("keyhole_certificate_expiry_timestamp_seconds * 1000", "{{certificate}}"),),
            "dateTimeFromNow",
            "stat",
        ),
        Panel(
            "Revocations outstanding",
            (("keyhole_engine_withdrawals_outstanding", "{{engine}}"),),
            kind="stat",
            width=6,
        ),
        Panel(
            "Names of lists",
            (("keyhole_list_names", "{{list}}"),),
            kind="stat",
            width=6,
        ),
    ),
)

BOARDS = (OVERVIEW, ENGINES, SECURITY)
