"""Maps Keyhole's reasons to the statuses of Pi-hole, as far as both mean the same."""

from collections.abc import Mapping

from keyhole.engine import catalogue

TYPES = (
    *("A", "AAAA", "ANY", "SRV", "SOA", "PTR", "TXT", "NAPTR", "MX", "DS", "RRSIG", "DNSKEY"),
    *("NS", "SVCB", "HTTPS", "OTHER"),
)
STATUSES = (
    *("UNKNOWN", "GRAVITY", "FORWARDED", "CACHE", "REGEX", "DENYLIST", "EXTERNAL_BLOCKED_IP"),
    *("EXTERNAL_BLOCKED_NULL", "EXTERNAL_BLOCKED_NXRA", "GRAVITY_CNAME", "REGEX_CNAME"),
    *("DENYLIST_CNAME", "RETRIED", "RETRIED_DNSSEC", "IN_PROGRESS", "DBBUSY", "SPECIAL_DOMAIN"),
    *("CACHE_STALE", "EXTERNAL_BLOCKED_EDE15"),
)
REPLIES = (
    *("UNKNOWN", "NODATA", "NXDOMAIN", "CNAME", "IP", "DOMAIN", "RRNAME", "SERVFAIL", "REFUSED"),
    *("NOTIMP", "OTHER", "DNSSEC", "NONE", "BLOB"),
)
_BY_REASON = {
    "forwarded": "FORWARDED",
    "cached": "CACHE",
    "local_record": "CACHE",
    "stale": "CACHE_STALE",
    "special_use": "SPECIAL_DOMAIN",
    "blocked_by_list": "GRAVITY",
    "blocked_by_rule": "DENYLIST",
    "denied_by_default": "DENYLIST",
    "blocked_target": "GRAVITY_CNAME",
    "private_address": "DENYLIST_CNAME",
    "tunnel_type": "DENYLIST",
    "tunnel_budget": "DENYLIST",
    "tunnel_throttled": "DENYLIST",
    "tunnel_split": "DENYLIST",
    "missing_domains": "DENYLIST",
}
# Answered, and of no status that Pi-hole has.
_WITHOUT_STATUS = ("minimal_any", "cookie_alone")
_ALL_REASONS = tuple(str(row["word"]) for row in catalogue()["reasons"])
CACHED = ("cached", "stale", "local_record")
"""Reasons of answers without an upstream query."""
FORWARDED = ("forwarded",)
BLOCKED = tuple(
    reason for reason, word in _BY_REASON.items() if word.startswith(("GRAVITY", "DENYLIST"))
)
_PSEUDO_UPSTREAMS = {
    "blocklist": BLOCKED,
    "cache": CACHED,
    "permitted": tuple(one for one in _ALL_REASONS if one not in BLOCKED),
}


def status(reason: str) -> str:
    """Pi-hole's status for a reason."""
    return _BY_REASON.get(reason, "UNKNOWN")


def reasons(name: str) -> tuple[str, ...] | None:
    """The reasons with a status; ``None`` for a status that Pi-hole does not know."""
    if name.upper() not in STATUSES:
        return None
    return tuple(one for one in _ALL_REASONS if status(one) == name.upper())


def reasons_of_upstream(name: str) -> tuple[str, ...] | None:
    """The reasons of a pseudo-upstream: Pi-hole uses such names for kinds of answers."""
    return _PSEUDO_UPSTREAMS.get(name)


def by_status(by_reason: Mapping[str, int]) -> dict[str, int]:
    """Counts by status, with 0 for statuses that do not occur."""
    counts = dict.fromkeys(STATUSES, 0)
    for reason, count in by_reason.items():
        counts[status(reason)] += count
    return counts


def by_type(by_name: Mapping[str, int]) -> dict[str, int]:
    """Counts by record type; types that Pi-hole does not have are counted as ``OTHER``."""
    counts = dict.fromkeys(TYPES, 0)
    for kind, count in by_name.items():
        counts[kind if kind in counts else "OTHER"] += count
    return counts
